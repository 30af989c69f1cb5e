// Runs a unary handler that may block on the executor, and turns its result into the answer.
#ifndef LAPSE_SERVER_UNARY_H_
#define LAPSE_SERVER_UNARY_H_

#include <grpcpp/grpcpp.h>

#include <utility>

#include "absl/status/statusor.h"
#include "base/errors.h"
#include "server/executor.h"
#include "server/status.h"

namespace lapse::server {

inline constexpr int64_t kBusyRetryUs = 200'000;

// `handler` is called as StatusOr<Response>(const Request&). A call that the client has given up by
// then is not run.
template <typename Request, typename Response, typename Handler>
grpc::ServerUnaryReactor* RunUnary(Executor& executor, grpc::CallbackServerContext* context,
                                   const Request* request, Response* response, Handler handler) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const bool queued = executor.Submit([=, handler = std::move(handler)]() mutable {
    if (context->IsCancelled()) {
      reactor->Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the client gave up"));
      return;
    }
    absl::StatusOr<Response> result = handler(*request);
    if (result.ok()) *response = *std::move(result);
    reactor->Finish(ToGrpcStatus(result.status()));
  });
  if (!queued) {
    reactor->Finish(
        ToGrpcStatus(Overloaded("SERVER_BUSY", "Too many calls wait; try again", kBusyRetryUs)));
  }
  return reactor;
}

// The same for a handler that answers later, and holds no thread until then. It is called as
// void(const Request&, Answer) with an Answer that takes an absl::StatusOr<Response>, once, on any
// thread; the request lives until then.
template <typename Request, typename Response, typename Handler>
grpc::ServerUnaryReactor* RunUnaryLater(Executor& executor, grpc::CallbackServerContext* context,
                                        const Request* request, Response* response,
                                        Handler handler) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const bool queued = executor.Submit([=, handler = std::move(handler)]() mutable {
    if (context->IsCancelled()) {
      reactor->Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the client gave up"));
      return;
    }
    handler(*request, [reactor, response](absl::StatusOr<Response> result) {
      if (result.ok()) *response = *std::move(result);
      reactor->Finish(ToGrpcStatus(result.status()));
    });
  });
  if (!queued) {
    reactor->Finish(
        ToGrpcStatus(Overloaded("SERVER_BUSY", "Too many calls wait; try again", kBusyRetryUs)));
  }
  return reactor;
}

}  // namespace lapse::server

#endif  // LAPSE_SERVER_UNARY_H_
