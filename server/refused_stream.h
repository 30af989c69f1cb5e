// A stream that is refused before it begins.
#ifndef LAPSE_SERVER_REFUSED_STREAM_H_
#define LAPSE_SERVER_REFUSED_STREAM_H_

#include "absl/status/status.h"
#include "server/status.h"

namespace lapse::server {

// Deletes itself when gRPC is done with it.
template <typename Reactor>
class RefusedStream : public Reactor {
 public:
  explicit RefusedStream(const absl::Status& status) { this->Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_REFUSED_STREAM_H_
