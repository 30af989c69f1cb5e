// A follow_up key as bytes, and back.
#ifndef LAPSE_MONITORS_FOLLOW_UP_CODEC_H_
#define LAPSE_MONITORS_FOLLOW_UP_CODEC_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "lapse/internal/v1/key_state.pb.h"
#include "monitors/follow_up_key.h"

namespace lapse::monitors {

// All static: a class so that FollowUpKey has one friend.
class FollowUpCodec {
 public:
  using State = lapse::internal::v1::FollowUpKeyState;

  static void Serialize(const FollowUpKey& key, std::string* out);
  // As Serialize, as a message.
  static void Write(const FollowUpKey& key, State* state);
  // DATA_LOSS for a message that Write cannot have made.
  static absl::StatusOr<std::unique_ptr<FollowUpKey>> Read(const FollowUpRules& rules,
                                                           const State& state);

  // DATA_LOSS for bytes that Serialize cannot have written.
  static absl::StatusOr<std::unique_ptr<FollowUpKey>> Parse(const FollowUpRules& rules,
                                                            std::string_view bytes);

 private:
  // Every event that the key must keep, in order.
  static std::vector<const PlacedEvent*> Events(const FollowUpKey& key);
  static absl::Status Restore(const State& state, FollowUpKey& key);
  static absl::Status RestoreSettled(const State& state, const std::vector<PlacedEventRef>& events,
                                     FollowUpKey& key);
  static absl::Status RestoreRecent(const State& state, const std::vector<PlacedEventRef>& events,
                                    FollowUpKey& key);
  static absl::Status CheckOwned(const std::vector<PlacedEventRef>& events, const FollowUpKey& key);
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_FOLLOW_UP_CODEC_H_
