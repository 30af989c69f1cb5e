// load: sends a server as many events as it takes, or as many as are asked for, and prints what
// that gave as JSON. The same for lapsed and for the echo it is compared with.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/process_tuning.h"
#include "base/status_macros.h"
#include "bench/load/event_pool.h"
#include "bench/load/stream_load.h"
#include "bench/load/unary_load.h"

namespace lapse::bench {
namespace {

constexpr int kUsageExitCode = 2;
constexpr int kConnectSeconds = 20;

struct Flags {
  std::string server;
  std::string mode = "stream";
  std::string profile = "mix";
  std::string ids = "uuid4";
  PoolOptions pool;
  StreamLoadOptions stream;
  UnaryLoadOptions unary;
  LoadPlan plan;
  double seconds = 5;
  double warm_up_seconds = 0;
  size_t streams = 4;
};

void AddMessageFlags(Flags& flags, CLI::App& app) {
  app.add_option("--profile", flags.profile, "mix: the workloads'; open: each opens an expectation")
      ->capture_default_str()
      ->check(CLI::IsMember({"mix", "open"}));
  app.add_option("--ids", flags.ids)
      ->capture_default_str()
      ->check(CLI::IsMember({"uuid4", "uuid7", "short"}));
  app.add_option("--seed", flags.pool.seed, "another one gives other ids")->capture_default_str();
  app.add_option("--first-key", flags.pool.first_key, "keys are numbered from here")
      ->check(CLI::Range(kFirstKey, kLastKey));
  app.add_option("--pool", flags.pool.batches, "batches made before the clock starts")
      ->capture_default_str()
      ->check(CLI::Range(1, 4'096));
  app.add_option("--batch", flags.pool.batch_events, "events a batch")
      ->capture_default_str()
      ->check(CLI::Range(size_t{1}, limits::kMaxBatchEvents));
  app.add_option("--open-type", flags.pool.open_type, "event type of the profile open");
  app.add_option("--open-second", flags.pool.open_second,
                 "all events of the profile open happen in this second since 1970");
}

void AddSendFlags(Flags& flags, CLI::App& app) {
  app.add_option("--server", flags.server)->type_name("HOST:PORT")->required();
  app.add_option("--mode", flags.mode)
      ->capture_default_str()
      ->check(CLI::IsMember({"stream", "unary"}));
  app.add_option("--streams", flags.streams, "each on a connection of its own")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  app.add_option("--window", flags.stream.window, "batches unanswered on a stream")
      ->capture_default_str()
      ->check(CLI::Range(1, limits::kMaxUnansweredStreamBatches));
  app.add_option("--in-flight", flags.unary.in_flight, "unary calls under way")
      ->capture_default_str()
      ->check(CLI::Range(1, 4'096));
  app.add_option("--rate", flags.plan.events_per_second, "events a second; 0: all it takes");
  app.add_option("--seconds", flags.seconds, "measured time; 0: until --events")
      ->capture_default_str();
  app.add_option("--warm-up", flags.warm_up_seconds, "seconds before that");
  app.add_option("--events", flags.plan.events, "ends when so many were accepted");
  app.add_flag("--opaque-answers", flags.stream.opaque_answers,
               "answers are not looked at, as those of a raw echo");
}

absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> Connect(const Flags& flags) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (size_t i = 0; i < flags.streams; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channels.push_back(
        grpc::CreateCustomChannel(flags.server, grpc::InsecureChannelCredentials(), arguments));
    const gpr_timespec until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                            gpr_time_from_seconds(kConnectSeconds, GPR_TIMESPAN));
    if (!channels.back()->WaitForConnected(until)) {
      return absl::UnavailableError("no connection to " + flags.server);
    }
  }
  return channels;
}

absl::StatusOr<LoadReport> Run(Flags& flags) {
  flags.pool.profile = flags.profile == "open" ? Profile::kOpen : Profile::kMix;
  ASSIGN_OR_RETURN(flags.pool.ids, ParseIdForm(flags.ids));
  flags.plan.duration_us = static_cast<int64_t>(flags.seconds * 1e6);
  flags.plan.warm_up_us = static_cast<int64_t>(flags.warm_up_seconds * 1e6);
  if (flags.plan.duration_us <= 0 && flags.plan.events <= 0) {
    return absl::InvalidArgumentError("one of --seconds and --events must be over 0");
  }
  if (flags.pool.batches <= flags.streams * flags.stream.window) {
    return absl::InvalidArgumentError("--pool must be more than --streams times --window");
  }
  ASSIGN_OR_RETURN(EventPool pool, EventPool::Make(flags.pool));
  ASSIGN_OR_RETURN(const auto channels, Connect(flags));
  flags.stream.plan = flags.plan;
  flags.unary.plan = flags.plan;
  if (flags.mode == "unary") return UnaryLoad(channels, pool, flags.unary).Run();
  return StreamLoad(channels, pool, flags.stream).Run();
}

int Main(int argc, char** argv) {
  TuneProcess();
  Flags flags;
  CLI::App app("Sends events to a server and prints what that gave, as JSON.");
  AddSendFlags(flags, app);
  AddMessageFlags(flags, app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageExitCode;
  }
  absl::StatusOr<LoadReport> report = Run(flags);
  if (!report.ok()) {
    std::fprintf(stderr, "load: %s\n", report.status().ToString().c_str());
    return 1;
  }
  std::printf("%s\n", report->ToJson().c_str());
  return 0;
}

}  // namespace
}  // namespace lapse::bench

int main(int argc, char** argv) { return lapse::bench::Main(argc, argv); }
