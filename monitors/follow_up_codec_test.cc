// A key as bytes: the same again, and never a crash on bytes that are damaged.
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/follow_up_driver.h"
#include "storage/event_batch.h"

namespace lapse::monitors {
namespace {

using lapse::v1::FollowUp;

// A key with something of everything: settled, recent, open, fired, closed and ended.
FollowUpDriver BusyKey(FollowUp::OnRepeat on_repeat) {
  FollowUpRules rules = TestRules(on_repeat);
  rules.grace_us = Micros(20);
  FollowUpDriver driver(rules);
  driver.Primary(100, "closed");
  driver.Primary(170, "late in grace");
  driver.Secondary(240, "s1");
  driver.CloseAlert("closed", "note");
  driver.Primary(241, "cancelled");
  driver.CancelPending(lapse::v1::VERDICT_REASON_MONITOR_DISABLED);
  driver.Primary(242, "fired");
  driver.Primary(330, "restarted");
  driver.Primary(331, "later");
  driver.Primary(325, "earlier");
  driver.Primary(200, "straggler");
  driver.Secondary(333, "s2");
  driver.Secondary(334, "s3");
  driver.Secondary(335, "unmatched");
  return driver;
}

const FollowUp::OnRepeat kOnRepeats[] = {FollowUp::ON_REPEAT_KEEP_FIRST,
                                         FollowUp::ON_REPEAT_RESTART, FollowUp::ON_REPEAT_STACK};

TEST(FollowUpCodec, AParsedKeyHasTheSameBytesAndGoesOnTheSame) {
  for (const FollowUp::OnRepeat on_repeat : kOnRepeats) {
    FollowUpDriver kept = BusyKey(on_repeat);
    FollowUpDriver parsed = BusyKey(on_repeat);
    parsed.Reparse();
    for (FollowUpDriver* driver : {&kept, &parsed}) {
      driver->Secondary(329, "s4");
      driver->Primary(500, "next");
      driver->MarkAll();
    }
    EXPECT_EQ(kept.transitions().size(), parsed.transitions().size());
    EXPECT_EQ(kept.Bytes(), parsed.Bytes());
  }
}

TEST(FollowUpCodec, AnEmptyKeyIsParsed) {
  FollowUpDriver driver(TestRules());
  driver.Reparse();
  driver.Primary(100, "p");
  EXPECT_EQ(driver.VerdictOf("p"), lapse::v1::VERDICT_PENDING);
}

TEST(FollowUpCodec, WhatIsNotAStateIsDataLoss) {
  const FollowUpRules rules = TestRules();
  for (const char* bytes : {"x", "\x0a\x05", "\x10\x01", "\x0a\x00", "\x18\x01\x20"}) {
    EXPECT_EQ(ParseFollowUpKey(rules, bytes).status().code(), absl::StatusCode::kDataLoss);
  }
}

// Events of all roles, marks and closings: what a damaged key must survive.
void Exercise(KeyState& key) {
  Output output;
  Now now{.mark_time_us = Micros(336), .write_time_us = Micros(336), .settle_us = Micros(5)};
  lapse::v1::Event event;
  event.set_id("x");
  event.set_type("t");
  int64_t sequence = 1'000;
  for (const double time : {330.0, 336.0, 100.0, 350.0, 345.0, 600.0, 900.0}) {
    for (const Role role : {Role::kPrimary, Role::kSecondary, Role::kCancel}) {
      now.mark_time_us = std::max(now.mark_time_us, Micros(time));
      key.OnEvent({.role = role,
                   .sequence = ++sequence,
                   .time_us = Micros(time),
                   .receive_time_us = now.mark_time_us,
                   .event = &storage::EventBatch::Of(event).events()[0]},
                  now, output);
    }
    key.OnMark(now, output);
    key.CloseAlert(1, "", now, output);
  }
  key.ForEach([](const ListedExpectation&) {});
  key.CancelPending(lapse::v1::VERDICT_REASON_MONITOR_DELETED, now, output);
  now.mark_time_us = Micros(100'000'000);
  key.OnMark(now, output);
  std::string bytes;
  key.Serialize(&bytes);
}

// Memory for a key is in proportion to its bytes, however they are damaged.
constexpr size_t kMostGrowth = 4;
constexpr size_t kMostAddedBytes = 256;

// Bytes are DATA_LOSS, or a key that is written as one that can be read, and that works.
void ExpectDataLossOrAWorkingKey(const FollowUpRules& rules, const std::string& bytes) {
  auto parsed = ParseFollowUpKey(rules, bytes);
  if (!parsed.ok()) {
    EXPECT_TRUE(absl::IsDataLoss(parsed.status())) << parsed.status();
    return;
  }
  std::string written;
  (*parsed)->Serialize(&written);
  EXPECT_LE(written.size(), kMostGrowth * bytes.size() + kMostAddedBytes);
  const auto again = ParseFollowUpKey(rules, written);
  ASSERT_TRUE(again.ok()) << again.status();
  std::string rewritten;
  (*again)->Serialize(&rewritten);
  EXPECT_EQ(rewritten, written);
  Exercise(**parsed);
}

TEST(FollowUpCodec, EveryTruncationIsDataLossOrAKeyThatWorks) {
  for (const FollowUp::OnRepeat on_repeat : kOnRepeats) {
    const std::string bytes = BusyKey(on_repeat).Bytes();
    const FollowUpRules rules = TestRules(on_repeat);
    for (size_t size = 0; size < bytes.size(); ++size) {
      SCOPED_TRACE(size);
      ExpectDataLossOrAWorkingKey(rules, bytes.substr(0, size));
    }
  }
}

TEST(FollowUpCodec, EveryFlippedBitIsDataLossOrAKeyThatWorks) {
  for (const FollowUp::OnRepeat on_repeat : kOnRepeats) {
    std::string bytes = BusyKey(on_repeat).Bytes();
    const FollowUpRules rules = TestRules(on_repeat);
    for (size_t i = 0; i < bytes.size() * 8; ++i) {
      SCOPED_TRACE(i);
      const char flipped = static_cast<char>(1u << (i % 8));
      bytes[i / 8] ^= flipped;
      ExpectDataLossOrAWorkingKey(rules, bytes);
      bytes[i / 8] ^= flipped;
    }
  }
}

TEST(FollowUpCodec, DamagedBytesAreDataLossOrAKeyThatWorks) {
  for (const FollowUp::OnRepeat on_repeat : kOnRepeats) {
    const std::string bytes = BusyKey(on_repeat).Bytes();
    const FollowUpRules rules = TestRules(on_repeat);
    std::mt19937 random(7);
    for (int round = 0; round < 6'000; ++round) {
      SCOPED_TRACE(round);
      std::string damaged = bytes;
      for (unsigned i = 0; i <= random() % 3; ++i) {
        damaged[random() % damaged.size()] =
            static_cast<char>(random() % 4 == 0 ? random() : random() % 12);
      }
      ExpectDataLossOrAWorkingKey(rules, damaged);
    }
  }
}

}  // namespace
}  // namespace lapse::monitors
