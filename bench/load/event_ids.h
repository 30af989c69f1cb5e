// The forms of event ids that a load is sent with, written in place. Fast rather than unguessable.
#ifndef LAPSE_BENCH_LOAD_EVENT_IDS_H_
#define LAPSE_BENCH_LOAD_EVENT_IDS_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "bench/workload/random.h"

namespace lapse::bench {

enum class IdForm {
  kUuid4,
  // By the time of its making.
  kUuid7,
  // A counter of 10 digits, as a database's own numbers are.
  kShort,
};

// `uuid4`, `uuid7` or `short`. INVALID_ARGUMENT otherwise.
absl::StatusOr<IdForm> ParseIdForm(absl::string_view name);

// One thread at a time.
class EventIds {
 public:
  // Ids of one form differ between seeds; short ones count from `seed` * 1,000,000, modulo 10^10.
  EventIds(IdForm form, uint64_t seed);

  // Bytes of each id.
  size_t Size() const;
  // Writes Size() bytes.
  void Write(int64_t now_us, char* out);

 private:
  void WriteUuid(uint64_t high, uint64_t low, char* out);

  IdForm form_;
  Random random_;
  uint64_t counter_;
};

// Writes `number` in decimal, with leading zeros, in exactly `digits` bytes.
void WriteDigits(uint64_t number, size_t digits, char* out);

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_LOAD_EVENT_IDS_H_
