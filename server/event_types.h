// Which event types have been seen, with their attributes: the tally behind ListEventTypes.
#ifndef LAPSE_SERVER_EVENT_TYPES_H_
#define LAPSE_SERVER_EVENT_TYPES_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "lapse/v1/event_service.pb.h"
#include "storage/state_store.h"

namespace lapse::server {

// Thread-safe. Beyond limits::kMaxEventTypes types and limits::kMaxAttributesPerType attributes new
// ones are not added.
class EventTypes {
 public:
  // `store` outlives this.
  explicit EventTypes(storage::EventTypeStore& store) : store_(store) {}

  // Loads what was saved. Entries up to the saved position are then passed over by Count.
  absl::Status Load();
  // Entries up to it need not be counted again at the next start.
  storage::LogPosition SavedPosition() const;

  void Count(const storage::LogEntry& entry);

  // Saves what changed since the last save.
  absl::Status Save();

  // By name, after `after_type`.
  std::vector<lapse::v1::EventType> List(const std::string& after_type, int limit) const;

 private:
  struct Tally {
    int64_t first_seen_us = 0;
    int64_t last_seen_us = 0;
    int64_t count = 0;
    bool changed = false;
    // A bit for each AttributeType::Kind.
    absl::flat_hash_map<std::string, uint8_t> attributes;
  };

  void CountEvent(const storage::AcceptedEvent& accepted);
  // Notes what attributes the event has. Null where its type is one too many.
  Tally* LearnShape(const storage::AcceptedEvent& accepted);
  static lapse::v1::EventType ToProto(const std::string& type, const Tally& tally);

  storage::EventTypeStore& store_;
  mutable Mutex mutex_;
  storage::LogPosition saved_position_ = 0;
  storage::LogPosition position_ = 0;
  absl::node_hash_map<std::string, Tally> tallies_;
  // By EventView::shape: nothing of such an event is new but its time.
  absl::flat_hash_map<uint64_t, Tally*> shapes_;
  std::set<std::string> names_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_EVENT_TYPES_H_
