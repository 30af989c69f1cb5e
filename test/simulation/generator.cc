#include "test/simulation/generator.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "test/simulation/disk.h"

namespace lapse::simulation {
namespace {

using lapse::v1::Event;
using lapse::v1::FollowUp;
using limits::kMicrosPerSecond;

constexpr std::array<const char*, 3> kTypes = {"order_created", "order_delivered",
                                               "order_cancelled"};
constexpr int64_t kMaxBatch = 12;
// Longer than a life.
constexpr int64_t kForeverUs = 1'000 * limits::kMicrosPerDay;

}  // namespace

uint64_t Dice::Next() {
  state_ += 0x9e3779b97f4a7c15;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

Generator::Generator(uint64_t seed)
    : dice_(seed),
      duplicate_window_events_(dice_.Between(20, 400)),
      key_count_(dice_.Between(2, 9)) {}

NodeOptions Generator::NextOptions() {
  NodeOptions options;
  options.folder = absl::StrCat(kDiskRoot, "/data");
  options.shard_count = static_cast<int>(dice_.Between(1, 7));
  options.log_file_bytes = dice_.Between(40, 300) << 10;
  options.checkpoint_interval_us = dice_.Between(2, 30) * kMicrosPerSecond;
  options.settle_us = dice_.OneIn(4) ? 0 : dice_.Between(1, 8) * kMicrosPerSecond;
  // The server takes no less than 1 s: with 0 a key would be forgotten between two events of one
  // entry, whose receive time can be the mark before it.
  options.idle_key_retention_us =
      dice_.OneIn(2) ? kForeverUs : dice_.Between(1, 200) * kMicrosPerSecond;
  options.event_retention_us = dice_.Between(5, 600) * kMicrosPerSecond;
  options.duplicate_window_events = static_cast<size_t>(duplicate_window_events_);
  options.save_interval_us = dice_.Between(3, 40) * kMicrosPerSecond;
  options.retire_interval_us = dice_.Between(3, 20) * kMicrosPerSecond;
  return options;
}

std::vector<Event> Generator::NextBatch(int64_t now_us) {
  std::vector<Event> batch;
  const int64_t size = dice_.Between(1, kMaxBatch);
  for (int64_t i = 0; i < size; ++i) {
    const bool copy = !sent_.empty() && dice_.OneIn(5);
    batch.push_back(copy ? Copy() : NewEvent(now_us));
  }
  return batch;
}

Event Generator::NewEvent(int64_t now_us) {
  Event event;
  event.set_source(dice_.OneIn(2) ? "shop" : "courier");
  // Without one the server makes it, and no copy can be sent.
  const bool has_id = !dice_.OneIn(12);
  if (has_id) event.set_id(absl::StrCat("e", next_id_++));
  event.set_type(dice_.OneIn(15) ? "page_viewed" : kTypes[dice_.Below(9) / 4]);
  SetTime(now_us, event);
  SetKeys(event);
  if (has_id) sent_.push_back(event);
  return event;
}

// In order, a little out of it, far out of it, ahead of the receiver's clock, or not told.
void Generator::SetTime(int64_t now_us, Event& event) {
  int64_t time_us = now_us;
  switch (dice_.Below(10)) {
    case 0:
      return;
    case 1:
      time_us -= dice_.Between(0, 120) * kMicrosPerSecond;
      break;
    case 2:
      time_us += dice_.Between(0, 60) * kMicrosPerSecond;
      break;
    case 3:
    case 4:
    case 5:
      time_us -= dice_.Between(0, 12'000) * limits::kMicrosPerMilli;
      break;
    default:
      time_us -= dice_.Between(0, 2) * kMicrosPerSecond / 2;
  }
  SetTimestamp(time_us, event.mutable_occur_time());
}

void Generator::SetKeys(Event& event) {
  const int64_t key = dice_.Below(key_count_);
  auto& attributes = *event.mutable_attributes();
  if (!dice_.OneIn(20)) {
    attributes["order"].set_string_value(absl::StrCat("A-", key));
  } else if (dice_.OneIn(2)) {
    attributes["order"].set_int64_value(key);
  }
  attributes["customer"].set_int64_value(key / 2);
}

// A client that had no answer sends the newest again; now and then it is a much older one, or has
// another content.
Event Generator::Copy() {
  const int64_t reach = dice_.OneIn(4) ? static_cast<int64_t>(sent_.size()) : kMaxBatch;
  const int64_t back = dice_.Below(std::min<int64_t>(reach, static_cast<int64_t>(sent_.size())));
  Event event = sent_[sent_.size() - 1 - back];
  if (dice_.OneIn(8)) (*event.mutable_attributes())["note"].set_string_value("changed");
  return event;
}

FollowUp Generator::NextCondition() {
  FollowUp condition;
  const char* const key = dice_.OneIn(4) ? "customer" : "order";
  const auto set = [&](const char* type, lapse::v1::EventPattern* pattern) {
    pattern->set_event_type(type);
    pattern->set_key_attribute(key);
  };
  set(kTypes[0], condition.mutable_primary());
  set(kTypes[1], condition.mutable_secondary());
  if (!dice_.OneIn(3)) set(kTypes[2], condition.mutable_cancel());
  SetDuration(dice_.Between(1, 30) * kMicrosPerSecond, condition.mutable_within());
  if (dice_.OneIn(2)) {
    SetDuration(dice_.Between(0, 8) * kMicrosPerSecond, condition.mutable_grace());
  }
  condition.set_on_repeat(static_cast<FollowUp::OnRepeat>(dice_.Below(4)));
  SetDuration(dice_.Between(0, 15) * kMicrosPerSecond, condition.mutable_reorder_tolerance());
  if (dice_.OneIn(2)) {
    SetDuration(dice_.Between(0, 4) * kMicrosPerSecond, condition.mutable_clock_skew());
  }
  return condition;
}

}  // namespace lapse::simulation
