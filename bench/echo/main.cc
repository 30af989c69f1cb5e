// echo: the same services without a database, to tell what gRPC and parsing alone allow. Prints
// `echo: serving on HOST:PORT` and serves until it is stopped.
//
//   echo heap | arena | raw
//
// heap: gRPC's generated classes. arena: the bytes are parsed on an arena. raw: the bytes are
// returned. The first two answer as lapsed does.
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <cstdio>
#include <memory>
#include <string>

#include "base/process_tuning.h"
#include "bench/echo/arena_echo.h"
#include "bench/echo/heap_echo.h"
#include "bench/echo/raw_echo.h"

namespace lapse::bench {
namespace {

constexpr int kMaxMessageBytes = 8 << 20;
// The transport is set as lapsed's is.
constexpr int kMaxFrameBytes = 1 << 20;
constexpr int kLookaheadBytes = 256 << 10;

int Serve(grpc::ServerBuilder& builder) {
  int port = 0;
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kMaxFrameBytes);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kLookaheadBytes);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    std::fprintf(stderr, "echo: cannot listen\n");
    return 1;
  }
  std::printf("echo: serving on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  server->Shutdown(gpr_now(GPR_CLOCK_MONOTONIC));
  return 0;
}

int Main(const std::string& mode) {
  TuneProcess();
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  grpc::ServerBuilder builder;
  HeapEcho heap;
  ArenaEcho arena;
  RawEcho raw;
  if (mode == "heap") {
    builder.RegisterService(&heap);
  } else if (mode == "arena") {
    builder.RegisterCallbackGenericService(&arena);
  } else if (mode == "raw") {
    builder.RegisterCallbackGenericService(&raw);
  } else {
    std::fprintf(stderr, "usage: echo heap | arena | raw\n");
    return 2;
  }
  return Serve(builder);
}

}  // namespace
}  // namespace lapse::bench

int main(int argc, char** argv) { return lapse::bench::Main(argc == 2 ? argv[1] : ""); }
