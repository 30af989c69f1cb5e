// Between gRPC's byte buffers and messages, for methods that take requests as bytes.
#ifndef LAPSE_SERVER_RAW_MESSAGE_H_
#define LAPSE_SERVER_RAW_MESSAGE_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <cstring>
#include <vector>

#include "absl/strings/string_view.h"
#include "storage/event_batch.h"

namespace lapse::server {

// Copies the message into `batch`, which keeps it in one piece.
inline absl::string_view CopyMessage(const grpc::ByteBuffer& message, storage::EventBatch& batch) {
  std::vector<grpc::Slice> slices;
  const size_t size = message.Length();
  if (size == 0 || !message.Dump(&slices).ok()) return {};
  char* const bytes = batch.Allocate(size);
  char* out = bytes;
  for (const grpc::Slice& slice : slices) {
    std::memcpy(out, slice.begin(), slice.size());
    out += slice.size();
  }
  return {bytes, size};
}

template <typename Message>
grpc::Status WriteMessage(const Message& message, grpc::ByteBuffer* bytes) {
  bool own_buffer = false;
  return grpc::SerializationTraits<Message>::Serialize(message, bytes, &own_buffer);
}

}  // namespace lapse::server

#endif  // LAPSE_SERVER_RAW_MESSAGE_H_
