// Keys at rest: a key's state as bytes, which most events, and every look at a timer, can do with
// as they are. What they cannot do with is thawed into a KeyState, and frozen again.
//
// Whatever is done with the bytes is what KeyState would do: the same transitions, and a key that
// thaws into the same state.
#ifndef LAPSE_MONITORS_FROZEN_KEY_H_
#define LAPSE_MONITORS_FROZEN_KEY_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "monitors/byte_coding.h"
#include "monitors/key_state.h"
#include "monitors/packed_event.h"

namespace lapse::monitors {

// How the bytes are to be read. Each kind of condition has numbers of its own, 1 to 13, which stand
// in checkpoints and never change.
using FrozenForm = uint8_t;
inline constexpr FrozenForm kNotFrozen = 0;
inline constexpr FrozenForm kMaxFrozenForm = 13;

// A key at rest. Bytes may follow `bytes` that do not belong to it.
struct FrozenKey {
  FrozenForm form = kNotFrozen;
  std::string_view bytes;
  // Its text.
  std::string_view key;
};

// What can be read off a key without thawing it.
struct RestingKey {
  // As KeyState::IsLive.
  bool live = false;
  // Of a live one, as KeyState::NextMarkUs.
  int64_t next_mark_us = kNever;
  // Of its last event. One that is not live can be forgotten when this is idle_key_retention past.
  int64_t last_receive_time_us = 0;
};

// For the keys of one monitor revision, which it outlives. Thread-safe.
class KeyFreezer {
 public:
  virtual ~KeyFreezer() = default;

  // Does what an event does to a key that is not there, or to `from`, whose deadlines up to
  // now.mark_time_us have fired, and writes what it is then. kNotFrozen: this needs a KeyState;
  // nothing was done, and what is in `to` is of no use.
  virtual FrozenForm OnFirstEvent(const KeyEvent& event, std::string_view key, const Now& now,
                                  PackContext& context, ByteWriter& to, Output& out) const = 0;
  virtual FrozenForm OnEvent(const FrozenKey& from, const KeyEvent& event, const Now& now,
                             PackContext& context, ByteWriter& to, Output& out) const = 0;

  // As OnEvent; the time mark has come to now.mark_time_us, and the key has waited for it.
  virtual FrozenForm OnMark(const FrozenKey& from, const Now& now, PackContext& context,
                            ByteWriter& to, Output& out) const = 0;

  // kNotFrozen where the state is too large, or does not fit; `to` is then of no use.
  virtual FrozenForm Freeze(const KeyState& state, std::string_view key, PackContext& context,
                            ByteWriter& to) const = 0;
  // DATA_LOSS for bytes that were not written here; never crashes.
  virtual absl::StatusOr<std::unique_ptr<KeyState>> Thaw(const FrozenKey& frozen,
                                                         const PackContext& context) const = 0;

  virtual RestingKey Look(const FrozenKey& frozen, const PackContext& context) const = 0;
  // As KeyState::ForEach.
  virtual void ForEach(const FrozenKey& frozen, const PackContext& context,
                       absl::FunctionRef<void(const ListedExpectation&)> visit) const = 0;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_FROZEN_KEY_H_
