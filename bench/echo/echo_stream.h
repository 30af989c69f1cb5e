// What the streams of every echo have in common with lapsed's: the next message is read while the
// one before is answered.
#ifndef LAPSE_BENCH_ECHO_ECHO_STREAM_H_
#define LAPSE_BENCH_ECHO_ECHO_STREAM_H_

#include <grpcpp/grpcpp.h>

#include <utility>

#include "base/mutex.h"

namespace lapse::bench {

// `Reactor` is a bidirectional one of `Request` and `Response`. Deletes itself when the call is
// done.
template <typename Reactor, typename Request, typename Response>
class EchoStream : public Reactor {
 public:
  void OnReadDone(bool ok) override {
    MutexLock lock(mutex_);
    (ok ? waiting_ : ended_) = true;
    Proceed();
  }
  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    writing_ = false;
    if (!ok) return FinishOnce(grpc::Status::OK);
    Proceed();
  }
  void OnDone() override { delete this; }

 protected:
  // Makes the response of the request, which may then be overwritten. False where it is none.
  virtual bool Answer(Request& request, Response& response) = 0;
  void Begin() { this->StartRead(&request_); }

 private:
  void Proceed() {
    if (writing_ || finished_) return;
    if (!waiting_) {
      if (ended_) FinishOnce(grpc::Status::OK);
      return;
    }
    waiting_ = false;
    if (!Answer(request_, response_)) {
      return FinishOnce({grpc::StatusCode::INVALID_ARGUMENT, "cannot be parsed"});
    }
    writing_ = true;
    this->StartRead(&request_);
    this->StartWrite(&response_);
  }
  void FinishOnce(const grpc::Status& status) {
    if (!std::exchange(finished_, true)) this->Finish(status);
  }

  // Reads and writes end at the same time.
  Mutex mutex_;
  Request request_;
  Response response_;
  // A request is there that has not been answered.
  bool waiting_ = false;
  bool writing_ = false;
  bool ended_ = false;
  bool finished_ = false;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_ECHO_ECHO_STREAM_H_
