#include "storage/sealed_entry.h"

#include <utility>

namespace lapse::storage {

SealedEntry ToSealedEntry(const LogEntry& entry) {
  SealedEntry sealed = {.position = entry.position,
                        .first_sequence = entry.first_sequence,
                        .write_time_us = entry.write_time_us,
                        .mark_time_us = entry.mark_time_us,
                        .controls = entry.controls};
  sealed.events.reserve(entry.events.size());
  for (const AcceptedEvent& accepted : entry.events) {
    const auto offset = static_cast<uint32_t>(sealed.wire.size());
    accepted.event->AppendToString(&sealed.wire);
    sealed.events.push_back({offset, static_cast<uint32_t>(sealed.wire.size() - offset),
                             accepted.sequence, accepted.receive_time_us, accepted.has_server_id});
  }
  return sealed;
}

absl::StatusOr<std::unique_ptr<LogEntry>> ToLogEntry(const SealedEntry& sealed) {
  auto entry = std::make_unique<LogEntry>();
  entry->position = sealed.position;
  entry->first_sequence = sealed.first_sequence;
  entry->write_time_us = sealed.write_time_us;
  entry->mark_time_us = sealed.mark_time_us;
  entry->controls = sealed.controls;
  auto owned = std::make_unique<google::protobuf::RepeatedPtrField<lapse::v1::Event>>();
  owned->Reserve(static_cast<int>(sealed.events.size()));
  entry->events.reserve(sealed.events.size());
  for (const SealedEvent& event : sealed.events) {
    lapse::v1::Event* parsed = owned->Add();
    const absl::string_view wire = sealed.WireOf(event);
    if (!parsed->ParseFromArray(wire.data(), static_cast<int>(wire.size())))
      return absl::DataLossError("an event does not parse");
    entry->events.push_back({parsed, event.sequence, event.receive_time_us,
                             JudgedTimeUs(*parsed, event.receive_time_us), event.has_server_id});
  }
  entry->owned.push_back(std::move(owned));
  return entry;
}

}  // namespace lapse::storage
