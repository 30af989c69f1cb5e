#include "storage/sealed_entry.h"

#include <cstring>
#include <utility>

#include "base/status_macros.h"

namespace lapse::storage {
namespace {

// Each event in its frame, as EventBatch has them.
absl::Status FillBatch(const SealedEntry& sealed, EventBatch* batch) {
  size_t size = 0;
  for (const SealedEvent& event : sealed.events) size += EventFrameBytes(event.size) + event.size;
  char* out = batch->Allocate(size);
  batch->Reserve(sealed.events.size());
  for (const SealedEvent& event : sealed.events) {
    const absl::string_view wire = sealed.WireOf(event);
    char* const bytes = WriteEventFrame(wire.size(), out);
    std::memcpy(bytes, wire.data(), wire.size());
    out = bytes + wire.size();
    if (batch->Add({bytes, wire.size()})) continue;
    // Of an earlier version, which wrote whatever protobuf makes of an event.
    lapse::v1::Event parsed;
    if (!parsed.ParseFromArray(wire.data(), static_cast<int>(wire.size())) ||
        !batch->AddCopy(std::move(parsed)))
      return absl::DataLossError("an event does not parse");
  }
  return absl::OkStatus();
}

}  // namespace

SealedEntry ToSealedEntry(const LogEntry& entry) {
  SealedEntry sealed = {.position = entry.position,
                        .first_sequence = entry.first_sequence,
                        .write_time_us = entry.write_time_us,
                        .mark_time_us = entry.mark_time_us,
                        .controls = entry.controls};
  sealed.events.reserve(entry.events.size());
  for (const AcceptedEvent& accepted : entry.events) {
    const absl::string_view bytes = accepted.event->bytes();
    sealed.events.push_back({static_cast<uint32_t>(sealed.wire.size()),
                             static_cast<uint32_t>(bytes.size()), accepted.sequence,
                             accepted.receive_time_us, accepted.has_server_id});
    sealed.wire.append(bytes.data(), bytes.size());
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
  RETURN_IF_ERROR(FillBatch(sealed, &entry->owned.emplace_back()));
  entry->events.reserve(sealed.events.size());
  for (size_t i = 0; i < sealed.events.size(); ++i) {
    const SealedEvent& event = sealed.events[i];
    const EventView& view = entry->owned.back().events()[i];
    entry->events.push_back({&view, event.sequence, event.receive_time_us,
                             JudgedTimeUs(view, event.receive_time_us), event.has_server_id});
  }
  return entry;
}

}  // namespace lapse::storage
