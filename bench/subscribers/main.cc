// subscribers: opens alert streams, says `subscribers: ready` once they are up to date, reads
// until enough changes came, and prints as JSON how long after due they were read.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/process_tuning.h"
#include "bench/subscribers/subscriber.h"

namespace lapse::bench {
namespace {

constexpr int kUsageExitCode = 2;
constexpr int64_t kSyncPatienceUs = 60'000'000;

struct Flags {
  std::string server;
  std::string cursor;
  std::string filter;
  int subscribers = 1;
  int never_reading = 0;
  int64_t changes = 1;
  double patience_seconds = 60;
};

std::shared_ptr<grpc::Channel> Connect(const std::string& server) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), arguments);
}

int Run(const Flags& flags) {
  Seen seen;
  std::vector<std::unique_ptr<Subscriber>> subscribers;
  for (int i = 0; i < flags.subscribers; ++i) {
    subscribers.push_back(std::make_unique<Subscriber>(
        Connect(flags.server), flags.cursor, flags.filter, i >= flags.never_reading, seen));
    subscribers.back()->Start();
  }
  const int reading = flags.subscribers - flags.never_reading;
  bool complete = !flags.cursor.empty() || seen.WaitSynced(reading, kSyncPatienceUs);
  if (complete) {
    std::printf("subscribers: ready\n");
    std::fflush(stdout);
    complete = seen.WaitChanges(flags.changes * reading,
                                static_cast<int64_t>(flags.patience_seconds * 1e6));
  }
  for (const auto& subscriber : subscribers) subscriber->Cancel();
  seen.WaitDone(flags.subscribers);
  std::printf("%s\n", seen.ToJson().c_str());
  if (!complete) std::fprintf(stderr, "subscribers: not every change came\n");
  return complete ? 0 : 1;
}

int Main(int argc, char** argv) {
  TuneProcess();
  Flags flags;
  CLI::App app("Reads alert streams and prints how long after due each change was read.");
  app.add_option("--server", flags.server)->type_name("HOST:PORT")->required();
  app.add_option("--cursor", flags.cursor, "start after it instead of with a snapshot");
  app.add_option("--filter", flags.filter);
  app.add_option("--subscribers", flags.subscribers, "each on a connection of its own")
      ->capture_default_str();
  app.add_option("--never-reading", flags.never_reading, "of them, open a stream and read nothing");
  app.add_option("--changes", flags.changes, "that each of the others reads")
      ->capture_default_str();
  app.add_option("--patience", flags.patience_seconds,
                 "seconds without a change before it gives up")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageExitCode;
  }
  return Run(flags);
}

}  // namespace
}  // namespace lapse::bench

int main(int argc, char** argv) { return lapse::bench::Main(argc, argv); }
