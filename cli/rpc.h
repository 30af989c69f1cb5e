// Unary calls and lists over pages.
#ifndef LAPSE_CLI_RPC_H_
#define LAPSE_CLI_RPC_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "cli/context.h"
#include "cli/errors.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "grpcpp/client_context.h"

namespace lapse::cli {

// Calls `method` of `Service` with the deadline of --timeout.
template <typename Service, typename Request, typename Response>
absl::StatusOr<Response> Call(Context& context,
                              grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                                                    const Request&, Response*),
                              const Request& request) {
  grpc::ClientContext call;
  context.SetDeadline(&call);
  const auto stub = context.NewStub<Service>();
  Response response;
  RETURN_IF_ERROR(FromGrpc((stub.get()->*method)(&call, request, &response)));
  return response;
}

inline constexpr size_t kNoLimit = SIZE_MAX;

// One result of a list.
template <typename Item>
struct Listed {
  std::vector<Item> items;
  // Whether there are more than were asked for.
  bool more = false;
};

// The first `limit` items, over as many pages as that takes, each with the deadline of --timeout.
// `items` gives the repeated field of a response.
template <typename Service, typename Item, typename Request, typename Response>
absl::StatusOr<Listed<Item>> List(Context& context,
                                  grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                                                        const Request&, Response*),
                                  Request request, size_t limit,
                                  google::protobuf::RepeatedPtrField<Item>* (Response::*items)()) {
  Listed<Item> listed;
  do {
    // One more than wanted tells whether there is more.
    const size_t wanted = limit - listed.items.size();
    request.set_page_size(static_cast<int32_t>(
        std::min<size_t>(limits::kMaxPageSize, wanted == kNoLimit ? wanted : wanted + 1)));
    ASSIGN_OR_RETURN(Response response, Call<Service>(context, method, request));
    for (Item& item : *(response.*items)()) {
      if (listed.items.size() == limit) {
        listed.more = true;
        return listed;
      }
      listed.items.push_back(std::move(item));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return listed;
}

}  // namespace lapse::cli

#endif  // LAPSE_CLI_RPC_H_
