// workload: makes real-looking traffic, and writes it to files or sends it to a server.
#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "bench/workload/arrivals.h"
#include "bench/workload/generator.h"
#include "bench/workload/json_lines.h"
#include "bench/workload/oracle.h"
#include "bench/workload/sender.h"

namespace lapse::bench {
namespace {

constexpr int kUsageExitCode = 2;
// Until the first event of a real-time run happens: time to write its files.
constexpr int64_t kRealtimeLeadUs = limits::kMicrosPerSecond;
constexpr int64_t kLeadPerEventUs = 50;

struct Flags {
  std::string shape = "orders";
  WorkloadOptions workload;
  double duration_seconds = 3'600;
  bool one_per_hop = false;
  uint64_t arrival_order = 0;
  std::string out;
  std::string server;
  bool create_monitors = false;
  SendOptions send;
};

void AddWorkloadFlags(Flags& flags, CLI::App& app) {
  WorkloadOptions& options = flags.workload;
  app.add_option("--shape", flags.shape)
      ->capture_default_str()
      ->check(CLI::IsMember({"payments", "orders", "drivers"}));
  app.add_option("--seed", options.seed, "the same seed makes the same events")
      ->capture_default_str();
  app.add_option("--events", options.event_count, "what arrives in all, copies included")
      ->capture_default_str();
  app.add_option("--duration", flags.duration_seconds, "seconds in which journeys start")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 365 * 86'400.0));
  app.add_option("--time-scale", options.time_scale,
                 "multiplies the monitors' times, the gaps between events and the delays")
      ->capture_default_str();
  app.add_flag("--one-per-hop", flags.one_per_hop,
               "one monitor a hop instead of one for each on_repeat");
  app.add_option("--arrival-order", flags.arrival_order,
                 "another order of arrival, and other delays, of the same events; 0 is the first");
  app.add_option("--hot-key-primaries", options.hot_key_primaries,
                 "first steps of one key that has many");
}

void AddRateFlags(WorkloadOptions& options, CLI::App& app) {
  const auto add = [&app](const char* flag, double& rate, const char* help) {
    app.add_option(flag, rate, help)->capture_default_str()->group("Rates, from 0 to 1");
  };
  add("--lost", options.lost_rate, "events never sent");
  add("--late", options.late_rate, "steps after their deadline");
  add("--skewed", options.skewed_rate, "steps reported by a clock that is behind");
  add("--duplicates", options.duplicate_rate, "copies among what arrives");
  add("--reordered", options.reordered_rate, "events held back so that later ones overtake");
  add("--delayed", options.delayed_rate, "events that arrive up to minutes late");
  add("--key-reuse", options.key_reuse_rate, "journeys whose key starts another one");
  add("--cancelled", options.cancelled_rate, "journeys with a cancel event");
  add("--no-key", options.no_key_rate, "events without key");
}

void AddOutputFlags(Flags& flags, CLI::App& app) {
  CLI::Option* const out =
      app.add_option("--out", flags.out,
                     "write PREFIX.events.jsonl, .monitors.jsonl, .expected.jsonl, .books.jsonl")
          ->type_name("PREFIX");
  CLI::Option* const server =
      app.add_option("--server", flags.server, "send to this server")->type_name("HOST:PORT");
  app.add_flag("--create-monitors", flags.create_monitors, "create or update the monitors first")
      ->needs(server);
  app.add_flag("--realtime", flags.send.realtime,
               "events happen from now on and are sent when they arrive; otherwise the last one "
               "arrives now and all are sent at once")
      ->needs(server);
  app.add_option("--rate", flags.send.events_per_second,
                 "events a second; with --realtime it sets --duration (default: as fast as it can)")
      ->check(CLI::PositiveNumber)
      ->needs(server);
  app.add_option("--batch", flags.send.batch_size, "events a batch")
      ->capture_default_str()
      ->check(CLI::Range(size_t{1}, limits::kMaxBatchEvents));
  app.add_option("--window", flags.send.window,
                 "batches unanswered; 1 keeps the order when the server refuses some")
      ->capture_default_str()
      ->check(CLI::Range(1, limits::kMaxUnansweredStreamBatches));
  app.callback([out, server] {
    if (out->count() + server->count() == 0) throw CLI::RequiredError("--out or --server");
  });
}

absl::StatusOr<WorkloadOptions> ResolveOptions(const Flags& flags) {
  WorkloadOptions options = flags.workload;
  ASSIGN_OR_RETURN(options.shape, ParseShape(flags.shape));
  options.every_on_repeat = !flags.one_per_hop;
  const double seconds =
      flags.send.realtime && flags.send.events_per_second > 0
          ? static_cast<double>(options.event_count) / flags.send.events_per_second
          : flags.duration_seconds;
  options.duration_us = static_cast<int64_t>(seconds * 1e6);
  RETURN_IF_ERROR(ValidateOptions(options));
  return options;
}

// So that the events lie before now, or happen from now on.
void MoveToNow(bool realtime, Workload& workload) {
  const int64_t now_us = RealClock().NowUs();
  const int64_t lead_us = kRealtimeLeadUs + workload.options.event_count * kLeadPerEventUs;
  ShiftTimes(realtime ? now_us + lead_us - workload.options.start_time_us
                      : now_us - workload.arrivals.back().arrival_us,
             workload);
}

void LogWorkload(const Workload& workload) {
  const WorkloadCounts& counts = workload.counts;
  spdlog::info("{} arrivals of {} events; {} keys, {} journeys; {} lost, {} late, {} skewed",
               workload.arrivals.size(), workload.events.size(), counts.keys, counts.journeys,
               counts.lost, counts.late, counts.skewed);
  for (const WorkloadMonitor& watched : workload.monitors) {
    const ExpectedBooks books =
        CountVerdicts(ExpectedVerdicts(watched, workload.events, workload.end_time_us));
    spdlog::info("expected of {}: opened {}, met {}, late {}, missed {}, cancelled {}, shed {}",
                 watched.monitor.name(), books.opened, books.met, books.late, books.missed,
                 books.cancelled, books.shed);
  }
}

void LogReport(const SendReport& report) {
  const IngestTotals& totals = report.totals;
  const double seconds = static_cast<double>(report.elapsed_us) / 1e6;
  const int64_t events = totals.accepted + totals.duplicates + totals.rejected;
  spdlog::info("{} events in {:.3f} s, {:.0f} a second: {} accepted, {} duplicates, {} rejected",
               events, seconds, static_cast<double>(events) / seconds, totals.accepted,
               totals.duplicates, totals.rejected);
  if (totals.conflicting > 0) {
    spdlog::warn("{} duplicates differ from the first copy", totals.conflicting);
  }
  if (totals.rejected > 0) spdlog::warn("first rejection: {}", totals.first_rejection);
  if (totals.resent_batches > 0) {
    spdlog::warn(
        "{} batches were refused and sent again, out of order where --window is over 1; "
        "the expected verdicts may not hold",
        totals.resent_batches);
  }
}

absl::Status SendToServer(const Flags& flags, const Workload& workload,
                          const std::shared_ptr<grpc::Channel>& channel) {
  SendOptions options = flags.send;
  int64_t logged_us = RealClock().SteadyUs();
  options.progress = [&logged_us, &workload](int64_t sent) {
    const int64_t now_us = RealClock().SteadyUs();
    if (now_us - logged_us < limits::kMicrosPerSecond) return;
    logged_us = now_us;
    spdlog::info("sent {} of {}", sent, workload.arrivals.size());
  };
  const auto stub = lapse::v1::EventService::NewStub(channel);
  ASSIGN_OR_RETURN(const SendReport report, SendWorkload(workload, options, *stub, RealClock()));
  LogReport(report);
  return absl::OkStatus();
}

absl::Status Run(const Flags& flags) {
  ASSIGN_OR_RETURN(const WorkloadOptions options, ResolveOptions(flags));
  Workload workload = GenerateWorkload(options);
  if (flags.arrival_order != 0) ReorderWithinTolerance(flags.arrival_order, workload);
  LogWorkload(workload);
  if (flags.server.empty()) return WriteJsonLines(workload, flags.out);

  const auto channel = grpc::CreateChannel(flags.server, grpc::InsecureChannelCredentials());
  if (flags.create_monitors) {
    RETURN_IF_ERROR(ApplyMonitors(workload, *lapse::v1::MonitorService::NewStub(channel)));
  }
  MoveToNow(flags.send.realtime, workload);
  if (!flags.out.empty()) RETURN_IF_ERROR(WriteJsonLines(workload, flags.out));
  return SendToServer(flags, workload, channel);
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Makes real-looking traffic with known verdicts; writes it or sends it.");
  AddWorkloadFlags(flags, app);
  AddRateFlags(flags.workload, app);
  AddOutputFlags(flags, app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageExitCode;
  }
  const absl::Status status = Run(flags);
  if (status.ok()) return 0;
  spdlog::error("{}", status.ToString());
  return 1;
}

}  // namespace
}  // namespace lapse::bench

int main(int argc, char** argv) { return lapse::bench::Main(argc, argv); }
