#include "test/simulation/reference_log.h"

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace lapse::simulation {
namespace {

// Times are kept in whole seconds.
constexpr int64_t kSureReachUs = limits::kDuplicateWindowUs - 2 * limits::kMicrosPerSecond;

absl::Status Wrong(const storage::LogEntry& entry, const std::string& what) {
  return absl::DataLossError(absl::StrCat("the log at position ", entry.position, ": ", what));
}

ReferenceEntry CopyOf(const storage::LogEntry& entry) {
  ReferenceEntry copy{entry.position, entry.write_time_us, entry.mark_time_us, entry.controls, {}};
  for (const storage::AcceptedEvent& accepted : entry.events) {
    copy.events.push_back(
        {accepted.event->ToEvent(), accepted.sequence, accepted.receive_time_us, accepted.time_us});
  }
  return copy;
}

}  // namespace

std::string Describe(const ReferenceEntry& entry) {
  std::string text = absl::StrCat(entry.position, " ", entry.write_time_us, " ", entry.mark_time_us,
                                  " ", entry.controls.size());
  for (const auto& control : entry.controls) {
    absl::StrAppend(&text, "\n", control.ShortDebugString());
  }
  for (const ReferenceEvent& event : entry.events) {
    absl::StrAppend(&text, "\n", event.sequence, " ", event.receive_time_us, " ", event.time_us,
                    " ", event.event.ShortDebugString());
  }
  return text;
}

absl::Status ReferenceLog::See(const storage::LogEntry& entry) {
  if (entry.position <= last_position()) return CheckSame(entry);
  RETURN_IF_ERROR(CheckFollows(entry));
  ReferenceEntry copy = CopyOf(entry);
  for (size_t i = 0; i < copy.events.size(); ++i) {
    RETURN_IF_ERROR(CheckNew(copy.events[i]));
    events_.emplace_back(entry.position, i);
  }
  entries_.push_back(std::move(copy));
  return absl::OkStatus();
}

absl::Status ReferenceLog::CheckFollows(const storage::LogEntry& entry) const {
  if (entry.position != last_position() + 1)
    return Wrong(entry, absl::StrCat("it follows position ", last_position()));
  const int64_t mark_us = entries_.empty() ? 0 : entries_.back().mark_time_us;
  if (entry.mark_time_us < mark_us) return Wrong(entry, "its mark steps back");
  for (size_t i = 0; i < entry.events.size(); ++i) {
    const storage::AcceptedEvent& event = entry.events[i];
    if (event.sequence != last_sequence() + 1 + static_cast<int64_t>(i))
      return Wrong(entry, absl::StrCat("sequence ", event.sequence, " follows ", last_sequence()));
    if (event.receive_time_us < mark_us)
      return Wrong(entry, absl::StrCat("sequence ", event.sequence,
                                       " was received before a mark that is logged"));
  }
  return absl::OkStatus();
}

absl::Status ReferenceLog::CheckSame(const storage::LogEntry& entry) const {
  const std::string known = Describe(this->entry(entry.position));
  const std::string seen = Describe(CopyOf(entry));
  if (known == seen) return absl::OkStatus();
  return Wrong(entry, absl::StrCat("it has changed, from\n", known, "\nto\n", seen));
}

absl::Status ReferenceLog::CheckNew(const ReferenceEvent& event) {
  int64_t& last = sequence_of_id_[{event.event.source(), event.event.id()}];
  const ReferenceEvent* const before = FindEvent(last);
  if (before != nullptr && event.sequence - last <= duplicate_reach_ &&
      event.receive_time_us - before->receive_time_us < kSureReachUs) {
    return absl::DataLossError(absl::StrCat(event.event.source(), " ", event.event.id(),
                                            " is in the log twice, as sequences ", last, " and ",
                                            event.sequence));
  }
  last = event.sequence;
  return absl::OkStatus();
}

const ReferenceEvent* ReferenceLog::FindEvent(int64_t sequence) const {
  if (sequence < 1 || sequence > last_sequence()) return nullptr;
  const auto& [position, index] = events_[sequence - 1];
  return &entry(position).events[index];
}

}  // namespace lapse::simulation
