// One revision of a monitor, ready to judge by: its rules, and which events play which role for
// which key.
#ifndef LAPSE_MONITORS_COMPILED_MONITOR_H_
#define LAPSE_MONITORS_COMPILED_MONITOR_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/filter/filter.h"
#include "base/fingerprint.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/follow_up.h"
#include "monitors/key_state.h"
#include "storage/log_entry.h"

namespace lapse::monitors {

// The key that `value` makes: a string as it is, an int64 in decimal, a bool as true/false. Unset
// where it makes none: empty, a double, or longer than limits::kMaxKeyBytes.
std::optional<std::string> KeyOf(const storage::EventAttribute& value);

struct KeyRole {
  Role role = Role::kPrimary;
  std::string key;
};

// What an event is to a monitor.
struct Classification {
  // One for each key; primaries before secondaries before cancels.
  absl::InlinedVector<KeyRole, 2> roles;
  // It matches a pattern but has no usable key for any that it matches.
  bool no_key = false;
};

// Thread-safe; immutable but for the count of keys that use it.
class CompiledMonitor {
 public:
  // INVALID_ARGUMENT for a monitor that was never validated.
  static absl::StatusOr<std::shared_ptr<const CompiledMonitor>> Compile(
      const lapse::v1::Monitor& monitor);

  CompiledMonitor(const CompiledMonitor&) = delete;
  CompiledMonitor& operator=(const CompiledMonitor&) = delete;

  // A pattern counts where type and filter match. For each key the event plays one role: primary,
  // else secondary, else cancel.
  Classification Classify(const storage::AcceptedEvent& event) const;

  // Identifies a key's state for as long as the data folder lives; its low bits choose the
  // partition.
  Fingerprint KeyFingerprint(uint64_t seed, absl::string_view key) const;

  std::unique_ptr<KeyState> NewKey() const { return NewFollowUpKey(rules_); }
  // DATA_LOSS for damaged bytes.
  absl::StatusOr<std::unique_ptr<KeyState>> ParseKey(absl::string_view bytes) const {
    return ParseFollowUpKey(rules_, bytes);
  }

  const std::string& uid() const { return uid_; }
  int64_t revision() const { return revision_; }
  // The types of its patterns, each once.
  const std::vector<std::string>& event_types() const { return event_types_; }
  // What an alert shows as expected.
  const std::string& expected_event_type() const;

  // How many keys in all shards have state of this revision.
  void AddKeys(int64_t delta) const { key_count_.fetch_add(delta, std::memory_order_relaxed); }
  int64_t KeyCount() const { return key_count_.load(std::memory_order_relaxed); }

 private:
  struct Pattern {
    Role role = Role::kPrimary;
    std::string event_type;
    std::string key_attribute;
    Filter filter;
  };

  CompiledMonitor() = default;
  absl::Status AddPattern(Role role, const lapse::v1::EventPattern& pattern);

  std::string uid_;
  int64_t revision_ = 0;
  std::string revision_text_;
  FollowUpRules rules_;
  // By role.
  std::vector<Pattern> patterns_;
  std::vector<std::string> event_types_;
  mutable std::atomic<int64_t> key_count_{0};
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_COMPILED_MONITOR_H_
