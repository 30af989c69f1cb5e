// Between protobuf times and microseconds. Lapse keeps times to the microsecond; what is finer is
// cut off.
#ifndef LAPSE_BASE_PROTO_TIME_H_
#define LAPSE_BASE_PROTO_TIME_H_

#include <cstdint>
#include <string>

#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace lapse {

inline int64_t ToMicros(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1'000'000 + time.nanos() / 1'000;
}

inline int64_t ToMicros(const google::protobuf::Duration& duration) {
  return duration.seconds() * 1'000'000 + duration.nanos() / 1'000;
}

inline void SetTimestamp(int64_t time_us, google::protobuf::Timestamp* time) {
  time->set_seconds(time_us / 1'000'000);
  time->set_nanos(static_cast<int32_t>(time_us % 1'000'000 * 1'000));
}

inline void SetDuration(int64_t duration_us, google::protobuf::Duration* duration) {
  duration->set_seconds(duration_us / 1'000'000);
  duration->set_nanos(static_cast<int32_t>(duration_us % 1'000'000 * 1'000));
}

}  // namespace lapse

#endif  // LAPSE_BASE_PROTO_TIME_H_
