#include "bench/echo/arena_echo.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <vector>

#include "bench/echo/answers.h"
#include "google/protobuf/arena.h"

namespace lapse::bench {
namespace {

// Kept from batch to batch, so that an arena seldom asks for memory.
constexpr size_t kArenaBytes = 1 << 20;

// Deletes itself when the call is done.
class ArenaStream : public grpc::ServerGenericBidiReactor {
 public:
  explicit ArenaStream(std::atomic<int64_t>& next_sequence)
      : next_sequence_(next_sequence), block_(kArenaBytes) {
    StartRead(&bytes_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    if (!Answer()) {
      return Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "cannot be parsed"));
    }
    StartWrite(&answer_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    StartRead(&bytes_);
  }
  void OnDone() override { delete this; }

 private:
  bool Answer() {
    google::protobuf::ArenaOptions options;
    options.initial_block = block_.data();
    options.initial_block_size = block_.size();
    google::protobuf::Arena arena(options);
    auto* const request =
        google::protobuf::Arena::CreateMessage<lapse::v1::IngestEventStreamRequest>(&arena);
    auto* const response =
        google::protobuf::Arena::CreateMessage<lapse::v1::IngestEventStreamResponse>(&arena);
    {
      grpc::ProtoBufferReader reader(&bytes_);
      if (!request->ParseFromZeroCopyStream(&reader)) return false;
    }
    FillAnswer(*request, next_sequence_.fetch_add(request->events_size()), *response);
    grpc::Slice slice(response->ByteSizeLong());
    response->SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
    answer_ = grpc::ByteBuffer(&slice, 1);
    return true;
  }

  std::atomic<int64_t>& next_sequence_;
  std::vector<char> block_;
  grpc::ByteBuffer bytes_;
  grpc::ByteBuffer answer_;
};

}  // namespace

grpc::ServerGenericBidiReactor* ArenaEcho::CreateReactor(grpc::GenericCallbackServerContext*) {
  return new ArenaStream(next_sequence_);
}

}  // namespace lapse::bench
