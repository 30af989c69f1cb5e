#include "base/names.h"

#include <string>

#include "base/errors.h"
#include "gtest/gtest.h"

namespace lapse {
namespace {

TEST(NamesTest, AcceptsIdsThatKeepTheRule) {
  for (const std::string& id : {std::string("a"), std::string("order-delivered"),
                                std::string("a1-2"), std::string(63, 'a')}) {
    EXPECT_TRUE(ValidateResourceId(id, "monitor_id").ok()) << id;
  }
}

TEST(NamesTest, RefusesIdsThatDoNot) {
  for (const std::string& id :
       {std::string(), std::string("1a"), std::string("-a"), std::string("a-"), std::string("A"),
        std::string("a_b"), std::string("a/b"), std::string("é"), std::string(64, 'a')}) {
    const absl::Status status = ValidateResourceId(id, "monitor_id");
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << id;
    EXPECT_EQ(DetailsOf(status).reason, "ID_INVALID") << id;
    EXPECT_EQ(DetailsOf(status).field, "monitor_id") << id;
  }
}

TEST(NamesTest, ParsesWhatItMakes) {
  EXPECT_EQ(ResourceName(kMonitorCollection, "a"), "monitors/a");
  EXPECT_EQ(ParseResourceName(kMonitorCollection, "monitors/a", "name").value(), "a");
}

TEST(NamesTest, RefusesNamesOfAnotherForm) {
  for (const std::string& name :
       {std::string(), std::string("a"), std::string("monitors"), std::string("monitors/"),
        std::string("notifiers/a"), std::string("monitors/a/b"), std::string("/monitors/a"),
        "monitors/" + std::string(129, 'a')}) {
    const absl::Status status = ParseResourceName(kMonitorCollection, name, "name").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(DetailsOf(status).reason, "NAME_INVALID") << name;
    EXPECT_EQ(DetailsOf(status).field, "name") << name;
  }
}

}  // namespace
}  // namespace lapse
