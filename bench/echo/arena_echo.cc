#include "bench/echo/arena_echo.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <vector>

#include "bench/echo/answers.h"
#include "bench/echo/echo_stream.h"
#include "google/protobuf/arena.h"

namespace lapse::bench {
namespace {

// Kept from batch to batch, so that an arena seldom asks for memory.
constexpr size_t kArenaBytes = 1 << 20;

class ArenaStream
    : public EchoStream<grpc::ServerGenericBidiReactor, grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit ArenaStream(std::atomic<int64_t>& next_sequence)
      : next_sequence_(next_sequence), block_(kArenaBytes) {
    Begin();
  }

 private:
  bool Answer(grpc::ByteBuffer& bytes, grpc::ByteBuffer& answer) override {
    google::protobuf::ArenaOptions options;
    options.initial_block = block_.data();
    options.initial_block_size = block_.size();
    google::protobuf::Arena arena(options);
    auto* const request =
        google::protobuf::Arena::CreateMessage<lapse::v1::IngestEventStreamRequest>(&arena);
    auto* const response =
        google::protobuf::Arena::CreateMessage<lapse::v1::IngestEventStreamResponse>(&arena);
    {
      grpc::ProtoBufferReader reader(&bytes);
      if (!request->ParseFromZeroCopyStream(&reader)) return false;
    }
    FillAnswer(*request, next_sequence_.fetch_add(request->events_size()), *response);
    grpc::Slice slice(response->ByteSizeLong());
    response->SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
    answer = grpc::ByteBuffer(&slice, 1);
    return true;
  }

  std::atomic<int64_t>& next_sequence_;
  std::vector<char> block_;
};

}  // namespace

grpc::ServerGenericBidiReactor* ArenaEcho::CreateReactor(grpc::GenericCallbackServerContext*) {
  return new ArenaStream(next_sequence_);
}

}  // namespace lapse::bench
