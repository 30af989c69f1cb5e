#include "storage/duplicate_window_recovery.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "base/limits.h"
#include "spdlog/spdlog.h"
#include "storage/duplicate_window_file.h"

namespace lapse::storage {
namespace {

void InsertEvents(uint64_t seed, const LogEntry& entry, DuplicateWindow& window) {
  for (const AcceptedEvent& accepted : entry.events) {
    EventDigest digest = DigestOf(seed, *accepted.event);
    if (accepted.has_server_id) digest.key = Fingerprint();
    window.Insert(digest, accepted.receive_time_us);
  }
}

// Reads on behind an entry that is damaged: the window then starts anew.
absl::Status ReadLogInto(const ChunkStore& store, LogPosition from, DuplicateWindow& window) {
  LogPosition next = from;
  while (next <= store.LastPosition()) {
    const absl::Status status = store.Read(next, [&](const LogEntry& entry) {
      if (entry.first_sequence != window.next_sequence()) window.StartAt(entry.first_sequence);
      InsertEvents(store.Seed(), entry, window);
      next = entry.position + 1;
      return absl::OkStatus();
    });
    if (status.ok()) break;
    if (!absl::IsDataLoss(status)) return status;
    next = store.LastStoredWith(next) + 1;
    spdlog::error("duplicates of events before position {} are not recognised: {}", next,
                  std::string(status.message()));
  }
  if (window.next_sequence() != store.NextSequence()) window.StartAt(store.NextSequence());
  return absl::OkStatus();
}

// Whether the entry at `position` is wholly before what the window can recognise. A damaged one is
// taken to be.
absl::StatusOr<bool> IsOutOfReach(const ChunkStore& store, LogPosition position,
                                  int64_t first_sequence, int64_t oldest_us) {
  bool out_of_reach = true;
  const absl::Status status = store.Read(position, [&](const LogEntry& entry) {
    out_of_reach = entry.first_sequence < first_sequence || entry.write_time_us < oldest_us;
    return absl::CancelledError("one entry is enough");
  });
  if (status.ok() || absl::IsCancelled(status) || absl::IsDataLoss(status)) return out_of_reach;
  return status;
}

absl::StatusOr<LogPosition> FirstPositionInReach(const ChunkStore& store, size_t capacity,
                                                 int64_t now_us) {
  const int64_t first_sequence = store.NextSequence() - static_cast<int64_t>(capacity);
  LogPosition low = store.FirstPosition();
  LogPosition high = store.LastPosition() + 1;
  while (low < high) {
    const LogPosition middle = low + (high - low) / 2;
    const absl::StatusOr<bool> out =
        IsOutOfReach(store, middle, first_sequence, now_us - limits::kDuplicateWindowUs);
    if (!out.ok()) return out.status();
    (*out ? low : high) = *out ? middle + 1 : middle;
  }
  // The one before may be in reach with its last events.
  return std::max(store.FirstPosition(), low - 1);
}

// The position from which the log is to be read on; 0 where there is no file of use.
LogPosition LoadFile(const std::string& path, const ChunkStore& store, DuplicateWindow& window) {
  if (path.empty()) return 0;
  const absl::StatusOr<LogPosition> position = LoadDuplicateWindow(path, store.Seed(), window);
  if (!position.ok()) {
    if (!absl::IsNotFound(position.status())) {
      spdlog::warn("the duplicate window is rebuilt from the log: {}",
                   std::string(position.status().message()));
    }
    return 0;
  }
  const bool fits = *position <= store.LastPosition() && *position + 1 >= store.FirstPosition() &&
                    window.next_sequence() <= store.NextSequence();
  if (fits) return *position + 1;
  spdlog::warn("the duplicate window is rebuilt from the log: {} does not fit to it", path);
  return 0;
}

}  // namespace

absl::Status RecoverDuplicateWindow(const std::string& path, const ChunkStore& store,
                                    size_t capacity, int64_t now_us, DuplicateWindow& window) {
  if (const LogPosition from = LoadFile(path, store, window); from > 0)
    return ReadLogInto(store, from, window);
  const absl::StatusOr<LogPosition> from = FirstPositionInReach(store, capacity, now_us);
  if (!from.ok()) return from.status();
  window.StartAt(store.NextSequence());
  return ReadLogInto(store, *from, window);
}

}  // namespace lapse::storage
