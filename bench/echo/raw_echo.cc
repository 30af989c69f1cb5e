#include "bench/echo/raw_echo.h"

#include <grpcpp/grpcpp.h>

#include "bench/echo/echo_stream.h"

namespace lapse::bench {
namespace {

class RawStream
    : public EchoStream<grpc::ServerGenericBidiReactor, grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  RawStream() { Begin(); }

 private:
  bool Answer(grpc::ByteBuffer& request, grpc::ByteBuffer& response) override {
    response.Swap(&request);
    return true;
  }
};

}  // namespace

grpc::ServerGenericBidiReactor* RawEcho::CreateReactor(grpc::GenericCallbackServerContext*) {
  return new RawStream();
}

}  // namespace lapse::bench
