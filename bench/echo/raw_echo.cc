#include "bench/echo/raw_echo.h"

#include <grpcpp/grpcpp.h>

namespace lapse::bench {
namespace {

// Deletes itself when the call is done.
class RawStream : public grpc::ServerGenericBidiReactor {
 public:
  RawStream() { StartRead(&bytes_); }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    StartWrite(&bytes_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    StartRead(&bytes_);
  }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer bytes_;
};

}  // namespace

grpc::ServerGenericBidiReactor* RawEcho::CreateReactor(grpc::GenericCallbackServerContext*) {
  return new RawStream();
}

}  // namespace lapse::bench
