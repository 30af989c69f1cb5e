#include "monitors/packed_event.h"

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/proto_time.h"
#include "gtest/gtest.h"
#include "lapse/v1/event.pb.h"
#include "monitors/event_summary.h"
#include "monitors/packed_text.h"
#include "storage/event_batch.h"

namespace lapse::monitors {
namespace {

constexpr int64_t kNow = 1'700'000'000'000'000;

std::string PackedText(const std::string& text) {
  char buffer[2'048];
  ByteWriter out(buffer, sizeof(buffer));
  PackText(text, out);
  return std::string(out.written());
}

TEST(PackedTextTest, EveryTextComesBackAndTheUsualOnesAreSmall) {
  const struct {
    const char* text;
    size_t most_bytes;
  } kCases[] = {
      {"", 1},
      {"A", 2},
      {"A-17", 5},
      {"0", 2},
      {"007", 2},
      {"1234567890", 6},
      {"123456789012345678901234567890", 31},
      {"pay_00012345", 10},
      {"a1b2c3d4e5f60718", 10},
      {"A1B2C3D4E5F60718", 17},
      {"0d4f0a2e-3c58-4b7e-9b1a-5f4e8f3e2d1c", 17},
      {"0D4F0A2E-3C58-4B7E-9B1A-5F4E8F3E2D1C", 37},
      {"0d4f0a2e-3c58-4b7e-9b1a-5f4e8f3e2d1", 36},
      {"0d4f0a2e+3c58-4b7e-9b1a-5f4e8f3e2d1c", 37},
      {"Montréal", 10},
  };
  for (const auto& c : kCases) {
    const std::string packed = PackedText(c.text);
    EXPECT_LE(packed.size(), c.most_bytes) << c.text;
    ByteReader in(packed);
    std::string text;
    EXPECT_TRUE(UnpackText(in, "", nullptr, &text)) << c.text;
    EXPECT_EQ(text, c.text);
    EXPECT_TRUE(in.at_end());
  }
}

TEST(PackedTextTest, RandomTextsComeBack) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    const char* alphabet = i % 2 == 0 ? "0123456789" : "0123456789abcdefgh-_ \xc3\xa9";
    const size_t letters = std::string(alphabet).size();
    for (size_t n = random() % 80; n > 0; --n) text += alphabet[random() % letters];
    const std::string packed = PackedText(text);
    ByteReader in(packed);
    std::string again;
    ASSERT_TRUE(UnpackText(in, "", nullptr, &again)) << text;
    EXPECT_EQ(again, text);
    ByteReader skipped(packed);
    EXPECT_TRUE(SkipText(skipped));
    EXPECT_TRUE(skipped.at_end());
  }
}

class PackedEventTest : public testing::Test {
 protected:
  struct Packed {
    std::string bytes;
    EventTimes times;
  };

  static std::string Summarize(const lapse::v1::Event& event, const EventTimes& times) {
    const auto batch = storage::EventBatch::Of(event);
    return SummarizeEvent(batch.events()[0], times.sequence, times.receive_time_us);
  }

  static lapse::v1::Value Text(const std::string& text) {
    lapse::v1::Value value;
    value.set_string_value(text);
    return value;
  }

  static lapse::v1::Event Order(int64_t number) {
    lapse::v1::Event event;
    event.set_id("0d4f0a2e-3c58-4b7e-9b1a-5f4e8f3e2d1c");
    event.set_source("checkout-1");
    event.set_type("order_created");
    SetTimestamp(kNow - 5'000, event.mutable_occur_time());
    (*event.mutable_attributes())["order_id"] = Text("A-" + std::to_string(number));
    (*event.mutable_attributes())["city"] = Text("Montréal");
    (*event.mutable_attributes())["order_value"].set_double_value(123.45);
    (*event.mutable_attributes())["promised_eta"].set_int64_value(45);
    (*event.mutable_attributes())["express"].set_bool_value(true);
    return event;
  }

  std::string Pack(const std::string& summary, const EventTimes& times, const std::string& key) {
    char buffer[4'096];
    ByteWriter out(buffer, sizeof(buffer));
    PackTimes(times, context_, out);
    PackSummary(summary, times, key, context_, out);
    EXPECT_FALSE(out.full());
    return std::string(out.written());
  }

  // Packs it and expects it back; returns the packed size.
  size_t Check(const std::string& summary, const EventTimes& times, const std::string& key) {
    const std::string packed = Pack(summary, times, key);
    ByteReader in(packed);
    EXPECT_EQ(UnpackTimes(in, context_), times);
    std::string again;
    EXPECT_TRUE(UnpackSummary(in, times, key, context_, &again));
    EXPECT_EQ(again, summary);
    EXPECT_TRUE(in.at_end());
    return packed.size();
  }

  // By the way of its summary, in a context that has seen what context_ has.
  std::string PackedByTwin(const std::string& summary, const EventTimes& times,
                           const std::string& key) {
    char buffer[4'096];
    std::string first;
    for (int i = 0; i < 2; ++i) {
      ByteWriter out(buffer, sizeof(buffer));
      PackSummary(summary, times, key, twin_, out);
      if (i == 0) first = out.written();
    }
    return first;
  }

  size_t CheckEvent(const lapse::v1::Event& event, const EventTimes& times,
                    const std::string& key) {
    const auto batch = storage::EventBatch::Of(event);
    char buffer[4'096];
    ByteWriter out(buffer, sizeof(buffer));
    PackEvent(batch.events()[0], times, key, context_, out);
    ByteReader in(out.written());
    std::string summary;
    EXPECT_TRUE(UnpackSummary(in, times, key, context_, &summary));
    EXPECT_EQ(summary, Summarize(event, times));
    EXPECT_EQ(out.written(), PackedByTwin(Summarize(event, times), times, key));
    return Check(Summarize(event, times), times, key);
  }

  PackContext context_;
  PackContext twin_;
};

TEST_F(PackedEventTest, AnOrderTakesAboutFortyBytesOnceItsTextsAreKnown) {
  CheckEvent(Order(1), {1, kNow, kNow - 5'000}, "A-1");
  CheckEvent(Order(2), {2, kNow, kNow - 5'000}, "A-2");
  const int64_t later = kNow + 3'600'000'000;
  EXPECT_LE(CheckEvent(Order(3), {10'000'000, later, later - 90'000}, "A-3"), 48u);
  EXPECT_LE(CheckEvent(Order(3), {10'000'000, later, kNow - 5'000}, "A-3"), 45u);
}

TEST_F(PackedEventTest, EveryFormOfTimeComesBack) {
  for (const int64_t time_us : {int64_t{0}, kNow, kNow + 60'000'000, kNow - 7}) {
    lapse::v1::Event event = Order(1);
    SetTimestamp(time_us, event.mutable_occur_time());
    CheckEvent(event, {5, kNow, std::min(time_us, kNow)}, "A-1");
    event.mutable_occur_time()->set_nanos(event.occur_time().nanos() + 999);
    CheckEvent(event, {5, kNow, std::min(time_us, kNow)}, "A-1");
    event.clear_occur_time();
    CheckEvent(event, {5, kNow, kNow}, "A-1");
  }
}

TEST_F(PackedEventTest, NumbersOfEveryKindComeBack) {
  using Limits = std::numeric_limits<double>;
  for (const double value :
       {0.0, -0.0, 0.1, 0.123, -17.25, 1e300, Limits::denorm_min(), 999'999'999'999.99}) {
    lapse::v1::Event event = Order(1);
    (*event.mutable_attributes())["order_value"].set_double_value(value);
    CheckEvent(event, {5, kNow, kNow}, "A-1");
  }
  for (const int64_t value : {int64_t{0}, int64_t{-1}, INT64_MIN, INT64_MAX}) {
    lapse::v1::Event event = Order(1);
    (*event.mutable_attributes())["promised_eta"].set_int64_value(value);
    CheckEvent(event, {5, kNow, kNow}, "A-1");
  }
}

TEST_F(PackedEventTest, NamesAreInTheOrderOfTheirBytes) {
  lapse::v1::Event event = Order(1);
  using std::string_literals::operator""s;
  for (const std::string& name : {"a"s, "a\0"s, "ab"s, "order_va"s, "order_valu"s, "order_value2"s,
                                  "order_v"s, "z\x7f"s, "\xc3\xa9"s, "prefix-8"s, "prefix-8\0"s}) {
    (*event.mutable_attributes())[name].set_int64_value(7);
  }
  CheckEvent(event, {5, kNow, kNow}, "A-1");
}

TEST_F(PackedEventTest, LargeAndManyShapedEventsComeBack) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 3'000; ++i) {
    lapse::v1::Event event = Order(i);
    for (size_t n = random() % 12; n > 0; --n) {
      lapse::v1::Value& value =
          (*event.mutable_attributes())["name-" + std::to_string(random() % 200)];
      switch (random() % 4) {
        case 0:
          value = Text(std::string(random() % 300, static_cast<char>('a' + random() % 26)));
          break;
        case 1:
          value.set_bool_value(random() % 2 == 0);
          break;
        case 2:
          value.set_int64_value(static_cast<int64_t>(random()));
          break;
        default:
          value.set_double_value(static_cast<double>(random() % 100'000) / 100);
      }
    }
    CheckEvent(event, {i, kNow + i, kNow}, "A-" + std::to_string(i));
  }
}

TEST_F(PackedEventTest, BytesThatAreNoSummaryComeBackToo) {
  std::mt19937_64 random(1);
  const EventTimes times{7, kNow, kNow - 5'000};
  const std::string summary = Summarize(Order(1), times);
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = summary;
    changed[random() % changed.size()] = static_cast<char>(random());
    if (random() % 4 == 0) changed.resize(random() % changed.size());
    Check(changed, times, "A-1");
  }
}

TEST_F(PackedEventTest, DamagedBytesNeverCrash) {
  std::mt19937_64 random(1);
  const EventTimes times{7, kNow, kNow - 5'000};
  const std::string packed = Pack(Summarize(Order(1), times), times, "A-1");
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = packed;
    changed[random() % changed.size()] = static_cast<char>(random());
    changed.resize(1 + random() % changed.size());
    ByteReader in(changed);
    UnpackTimes(in, context_);
    std::string summary;
    UnpackSummary(in, times, "A-1", context_, &summary);
  }
}

}  // namespace
}  // namespace lapse::monitors
