// Sends one event to Lapse: send HOST:PORT ORDER_ID [EVENT_TYPE].

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "lapse/v1/event_service.grpc.pb.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: send HOST:PORT ORDER_ID [EVENT_TYPE]\n");
    return 2;
  }
  const std::string type = argc > 3 ? argv[3] : "order_created";
  const auto channel = grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials());
  const auto events = lapse::v1::EventService::NewStub(channel);

  lapse::v1::IngestEventRequest request;
  lapse::v1::Event* event = request.mutable_event();
  // The same fact always under the same id: then it may be sent again after any error, and counts
  // once.
  event->set_id(type + ":" + argv[2]);
  event->set_source("example-cpp");
  event->set_type(type);
  (*event->mutable_attributes())["order_id"].set_string_value(argv[2]);
  (*event->mutable_attributes())["amount"].set_double_value(99.5);

  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  lapse::v1::IngestEventResponse answer;
  const grpc::Status status = events->IngestEvent(&context, request, &answer);
  if (!status.ok()) {
    std::fprintf(stderr, "not sent: %s\n", status.error_message().c_str());
    return 1;
  }
  std::printf("%s %s is on disk as number %lld\n", type.c_str(), argv[2],
              static_cast<long long>(answer.sequence()));
  return 0;
}
