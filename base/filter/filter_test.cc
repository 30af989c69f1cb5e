#include "base/filter/filter.h"

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/filter/field.h"
#include "gtest/gtest.h"

namespace lapse {
namespace {

enum TestField : int { kName, kCount, kFlag, kColor, kAt, kTook, kTags, kAny };

const FieldSchema& TestSchema() {
  static const FieldSchema* const schema = new FieldSchema({
      {kName, "name", FieldType::kString},
      {kCount, "count", FieldType::kNumber},
      {kFlag, "flag", FieldType::kBool},
      {kColor, "color", FieldType::kEnum, false, {{"RED", 1}, {"COLOR_RED", 1}, {"BLUE", 2}}},
      {kAt, "at", FieldType::kTime},
      {kTook, "took", FieldType::kDuration},
      {kTags, "tags", FieldType::kString, true},
      {kAny, "any", FieldType::kAny, true},
  });
  return *schema;
}

// Fields by name, entries of maps as "map.key".
class Resource : public FieldResolver {
 public:
  using Owned = std::variant<std::string, bool, int64_t, double>;
  explicit Resource(std::map<std::string, Owned> values) : values_(std::move(values)) {}

  FieldValue Resolve(int field_id, const std::string& key) const override {
    const std::string& name = TestSchema().fields()[field_id].name;
    const auto found = values_.find(key.empty() ? name : absl::StrCat(name, ".", key));
    if (found == values_.end()) return std::monostate();
    if (const auto* text = std::get_if<std::string>(&found->second))
      return absl::string_view(*text);
    if (const auto* flag = std::get_if<bool>(&found->second)) return *flag;
    if (const auto* whole = std::get_if<int64_t>(&found->second)) return *whole;
    return std::get<double>(found->second);
  }

  bool HasEntries(int field_id) const override {
    const std::string prefix = absl::StrCat(TestSchema().fields()[field_id].name, ".");
    const auto found = values_.lower_bound(prefix);
    return found != values_.end() && found->first.rfind(prefix, 0) == 0;
  }

 private:
  std::map<std::string, Owned> values_;
};

bool Matches(absl::string_view text, const Resource& resource) {
  const absl::StatusOr<Filter> filter = Filter::Parse(text, TestSchema());
  EXPECT_TRUE(filter.ok()) << filter.status();
  return filter.ok() && filter->Matches(resource);
}

constexpr int64_t kMay = 1714521600;  // 2024-05-01T00:00:00Z

const Resource& Sample() {
  static const Resource* const resource = new Resource({
      {"name", std::string("order_created")},
      {"count", int64_t{42}},
      {"flag", true},
      {"color", int64_t{1}},
      {"at", kMay * 1'000'000 + 500'000},
      {"took", int64_t{1'500'000}},
      {"tags.team", std::string("payments")},
      {"tags.empty", std::string()},
      {"any.text", std::string("pune")},
      {"any.digits", std::string("17")},
      {"any.whole", int64_t{7}},
      {"any.fraction", 7.5},
      {"any.yes", true},
      {"any.http.status", int64_t{200}},
      {"any.a b", int64_t{1}},
      {"any.AND", int64_t{1}},
      {"any.star", std::string("a*b")},
      {"any.big", int64_t{9007199254740993}},
      {"any.huge", 9223372036854775808.0},
      {"any.largest", INT64_MAX},
      {"any.zero", int64_t{0}},
  });
  return *resource;
}

struct Case {
  const char* filter;
  bool matches;
};

void ExpectAll(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(Matches(c.filter, Sample()), c.matches) << c.filter;
}

TEST(FilterTest, EmptyMatchesEverything) {
  ExpectAll({{"", true}, {"  \t\n ", true}});
  EXPECT_TRUE(Filter().Matches(Sample()));
  EXPECT_TRUE(Filter::Parse("", TestSchema())->MatchesAll());
  EXPECT_FALSE(Filter::Parse("count = 1", TestSchema())->MatchesAll());
}

// A literal below, at and above the value, for each operator: the table of every operator and type.
TEST(FilterTest, EveryOperatorOnEveryOrderedType) {
  struct Ordered {
    const char* field;
    const char* below;
    const char* same;
    const char* above;
  };
  const std::vector<Ordered> ordered = {
      {"name", "\"order_a\"", "\"order_created\"", "\"order_d\""},
      {"count", "41", "42", "43"},
      {"count", "41.5", "42.0", "42.5"},
      {"at", "\"2024-05-01T00:00:00Z\"", "\"2024-05-01T02:00:00.5+02:00\"", "2024-05-01T00:00:01Z"},
      {"took", "1.499999s", "1.5s", "2s"},
      {"tags.team", "a", "payments", "z"},
      {"any.text", "aaa", "pune", "\"zzz\""},
      {"any.whole", "6", "7", "7.5"},
      {"any.whole", "6.9", "7.0", "8"},
      {"any.fraction", "7", "7.5", "8"},
  };
  struct Row {
    const char* op;
    bool below;
    bool same;
    bool above;
  };
  const std::vector<Row> rows = {
      {"=", false, true, false}, {"!=", true, false, true}, {"<", false, false, true},
      {"<=", false, true, true}, {">", true, false, false}, {">=", true, true, false},
      {":", false, true, false},
  };
  for (const Ordered& o : ordered) {
    for (const Row& row : rows) {
      const auto filter = [&](const char* value) { return absl::StrCat(o.field, row.op, value); };
      EXPECT_EQ(Matches(filter(o.below), Sample()), row.below) << filter(o.below);
      EXPECT_EQ(Matches(filter(o.same), Sample()), row.same) << filter(o.same);
      EXPECT_EQ(Matches(filter(o.above), Sample()), row.above) << filter(o.above);
    }
  }
}

TEST(FilterTest, BooleansAndEnumsAreEqualOrNot) {
  ExpectAll({{"flag = true", true},
             {"flag = false", false},
             {"flag != false", true},
             {"flag:true", true},
             {"any.yes = true", true},
             {"any.yes != true", false},
             {"color = RED", true},
             {"color = COLOR_RED", true},
             {"color = \"BLUE\"", false},
             {"color != BLUE", true},
             {"color:RED", true}});
}

TEST(FilterTest, UnlikeTypesAreFalseUnderEveryOperator) {
  for (const char* op : {"=", "!=", "<", "<=", ">", ">=", ":"}) {
    for (const char* pair :
         {"any.text|5", "any.text|5.5", "any.digits|17", "any.whole|\"7\"", "any.whole|abc",
          "any.fraction|\"7.5\"", "any.yes|1", "any.yes|\"true\""}) {
      const std::string text(pair);
      const size_t bar = text.find('|');
      const std::string filter =
          absl::StrCat(text.substr(0, bar), " ", op, " ", text.substr(bar + 1));
      EXPECT_FALSE(Matches(filter, Sample())) << filter;
    }
  }
  ExpectAll({{"any.text = true", false},
             {"any.whole != true", false},
             {"any.whole = a*", false},
             {"any.whole != a*", false}});
}

TEST(FilterTest, WhatIsMissingIsFalseAndItsNotIsTrue) {
  ExpectAll({{"any.none = 1", false},
             {"any.none != 1", false},
             {"any.none < 1", false},
             {"any.none != \"a*\"", false},
             {"NOT any.none = 1", true},
             {"NOT any.none != 1", true},
             {"-any.none:*", true}});
  EXPECT_FALSE(Matches("name = \"\"", Resource({})));
  EXPECT_FALSE(Matches("at < 2030-01-01T00:00:00Z", Resource({})));
}

TEST(FilterTest, HasAsksForPresence) {
  ExpectAll({{"tags:team", true},
             {"tags:none", false},
             {"tags:*", true},
             {"tags.team:*", true},
             {"tags.empty:*", true},
             {"tags.none:*", false},
             {"tags.team:payments", true},
             {"tags.team:other", false},
             {"any.zero:*", true},
             {"any:\"a b\"", true},
             {"name:*", true},
             {"name:\"*\"", true},
             {"count:*", true},
             {"flag:*", true},
             {"color:*", true},
             {"at:*", true}});
  const Resource defaults(
      {{"name", std::string()}, {"count", int64_t{0}}, {"flag", false}, {"at", int64_t{0}}});
  for (const char* filter : {"name:*", "count:*", "flag:*", "color:*", "tags:*", "took:*"}) {
    EXPECT_FALSE(Matches(filter, defaults)) << filter;
  }
  EXPECT_TRUE(Matches("at:*", defaults));
}

TEST(FilterTest, AStarStandsForAnyText) {
  ExpectAll({{"name = order_*", true},
             {"name = \"*_created\"", true},
             {"name = \"o*r_*ted\"", true},
             {"name = \"*\"", true},
             {"name = \"**\"", true},
             {"name = \"order_created*\"", true},
             {"name = \"order_created*d\"", false},
             {"name = \"x*\"", false},
             {"name = \"*x*\"", false},
             {"name != \"x*\"", true},
             {"name != \"order*\"", false},
             {"name:order*", true},
             {"any.star = \"a\\*b\"", true},
             {"any.star = \"a\\*c\"", false},
             {"any.text = \"a\\*b\"", false},
             {"any.text = p*e", true},
             // In an order it is a character.
             {"any.star >= \"a*\"", true},
             {"any.star < \"a*\"", false}});
}

TEST(FilterTest, NumbersCompareExactly) {
  ExpectAll({{"any.big = 9007199254740993", true},
             {"any.big = 9007199254740992", false},
             {"any.big = 9007199254740992.0", false},
             {"any.big > 9007199254740992.0", true},
             {"any.huge > 9223372036854775807", true},
             {"any.huge = 9223372036854775807", false},
             {"any.largest < 9223372036854775808", true},
             {"any.largest = 9223372036854775807", true},
             {"any.largest > -1e300", true},
             {"any.largest < 1e300", true},
             {"any.whole > -7", true},
             {"any.whole = 7e0", true},
             {"any.fraction > 7", true},
             {"any.fraction < -7", false},
             {"any.zero > -0.5", true},
             {"any.zero < 0.5", true}});
}

TEST(FilterTest, OrBindsTighterThanAndAsAip160Says) {
  const Resource r({{"any.a", false}, {"any.b", true}, {"any.c", true}});
  // With AND binding tighter this would be (a AND b) OR c: true.
  EXPECT_FALSE(Matches("any.a = true AND any.b = true OR any.c = true", r));
  EXPECT_TRUE(Matches("(any.a = true AND any.b = true) OR any.c = true", r));
  EXPECT_FALSE(Matches("any.c = true OR any.b = true AND any.a = true", r));
  EXPECT_TRUE(Matches("any.a = true OR any.b = true OR any.c = true", r));
}

TEST(FilterTest, LogicalOperators) {
  ExpectAll({{"count = 42 flag = true", true},
             {"count = 42 flag = false", false},
             {"count = 42 AND flag = true AND name = x", false},
             {"count = 1 flag = true OR name = order_created", false},
             {"NOT count = 1", true},
             {"-count = 42", false},
             {"- count = 42", false},
             {"NOT (count = 42 AND flag = false)", true},
             {"-(count = 42)", false},
             {"NOT(count = 1)", true},
             {"((count=42))", true},
             {"count = 42 -flag = false", true}});
}

TEST(FilterTest, NamesOfEntries) {
  ExpectAll({{"any.http.status = 200", true},
             {"any.\"http.status\" = 200", true},
             {"any.\"a b\" = 1", true},
             {"any.'a b' = 1", true},
             {"any.AND = 1", true}});
}

TEST(FilterTest, QuotesAndEscapes) {
  const Resource r({{"name", std::string("a\"b'c\\d\ne\tf\rg")}});
  EXPECT_TRUE(Matches(R"(name = "a\"b'c\\d\ne\tf\rg")", r));
  EXPECT_TRUE(Matches(R"(name = 'a"b\'c\\d\ne\tf\rg')", r));
  EXPECT_TRUE(Matches("name = \"é\"", Resource({{"name", std::string("é")}})));
}

TEST(FilterTest, ACopyAnswersTheSame) {
  Filter copy;
  {
    const Filter filter = Filter::Parse("count = 42", TestSchema()).value();
    copy = filter;
  }
  EXPECT_TRUE(copy.Matches(Sample()));
}

TEST(FilterTest, RequiredEqualitiesAreThoseAtTheTop) {
  const auto required = [](absl::string_view text) {
    std::string out;
    const Filter filter = Filter::Parse(text, TestSchema()).value();
    for (const RequiredEquality& e : filter.RequiredEqualities()) {
      absl::StrAppend(&out, e.field_id, "/", e.key, "=", e.value, e.is_number ? "#" : "", ";");
    }
    return out;
  };
  EXPECT_EQ(required("name = x AND any.k = \"v\""), "0/=x;7/k=v;");
  EXPECT_EQ(required("(name = x any.k = 5) AND (any.b = true)"), "0/=x;7/k=5#;7/b=true;");
  EXPECT_EQ(required("any.k:v"), "7/k=v;");
  EXPECT_EQ(required("name = x OR name = y"), "");
  EXPECT_EQ(required("NOT name = x"), "");
  EXPECT_EQ(required("name = x* AND name != y AND name > z"), "");
  EXPECT_EQ(required("any.k = 1.5 AND any:k AND any.k:*"), "");
  EXPECT_EQ(required("color = RED AND at = 2024-05-01T00:00:00Z AND took = 1s"), "");
  EXPECT_EQ(required(""), "");
}

TEST(FilterTest, RequiredTimeRangeIsInclusive) {
  const auto range = [](absl::string_view text) {
    return Filter::Parse(text, TestSchema())->RequiredTimeRange(kAt);
  };
  using Range = std::pair<int64_t, int64_t>;
  constexpr int64_t kT = kMay * 1'000'000;
  EXPECT_EQ(range(""), Range(INT64_MIN, INT64_MAX));
  EXPECT_EQ(range("at >= 2024-05-01T00:00:00Z"), Range(kT, INT64_MAX));
  EXPECT_EQ(range("at > 2024-05-01T00:00:00Z"), Range(kT + 1, INT64_MAX));
  EXPECT_EQ(range("at <= 2024-05-01T00:00:00Z"), Range(INT64_MIN, kT));
  EXPECT_EQ(range("at < 2024-05-01T00:00:00Z"), Range(INT64_MIN, kT - 1));
  EXPECT_EQ(range("at = 2024-05-01T00:00:00Z"), Range(kT, kT));
  EXPECT_EQ(range("at != 2024-05-01T00:00:00Z"), Range(INT64_MIN, INT64_MAX));
  EXPECT_EQ(range("at > 2024-05-01T00:00:00Z AND (at < 2024-05-01T00:00:01Z name = x)"),
            Range(kT + 1, kT + 999'999));
  EXPECT_EQ(range("at > 2024-05-01T00:00:00Z OR name = x"), Range(INT64_MIN, INT64_MAX));
  const Range empty = range("at > 2024-05-01T00:00:00Z AND at < 2024-05-01T00:00:00Z");
  EXPECT_GT(empty.first, empty.second);
}

// Neither random bytes nor shuffled pieces of the grammar crash it; what parses also evaluates.
TEST(FilterTest, NoTextCrashesIt) {
  std::mt19937 random(7);
  const std::vector<std::string> pieces = {"name", "any", ".",    ":",   "=",  "!=", "<", "(",
                                           ")",    "AND", "OR",   "NOT", "-",  "*",  "5", "\"",
                                           "'",    "\\",  "true", " ",   "1s", "at", "é", "\xff"};
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (uint32_t length = random() % 24; length > 0; --length) {
      if (round % 2 == 0) text.push_back(static_cast<char>(random()));
      if (round % 2 == 1) text += pieces[random() % pieces.size()];
    }
    const absl::StatusOr<Filter> filter = Filter::Parse(text, TestSchema());
    if (filter.ok()) filter->Matches(Sample());
  }
}

}  // namespace
}  // namespace lapse
