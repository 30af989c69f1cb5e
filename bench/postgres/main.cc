// postgres_load: the same events into PostgreSQL, as people do it in-house: COPY of 1,000 a
// transaction on a few connections, and a query that looks for what is overdue. Prints JSON.
#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "bench/load/load_clock.h"
#include "bench/load/load_report.h"
#include "bench/postgres/connection.h"
#include "bench/postgres/detector.h"
#include "bench/postgres/row_pool.h"

namespace lapse::bench {
namespace {

constexpr int kUsageExitCode = 2;
// Of a connection's own.
constexpr int64_t kKeysPerConnection = 3'000'000;

struct Flags {
  std::string where;
  PoolOptions pool;
  int connections = 4;
  double seconds = 5;
  double warm_up_seconds = 1;
};

class Run {
 public:
  explicit Run(const Flags& flags) : flags_(flags) {}

  absl::Status Prepare();
  absl::Status Go();
  void Print();

 private:
  void Send(RowPool& pool, PgConnection& connection);
  void Detect();
  void Fail(const absl::Status& status);

  const Flags flags_;
  LoadPlan plan_;
  std::vector<RowPool> pools_;
  std::vector<PgConnection> connections_;
  std::unique_ptr<Detector> detector_;
  std::unique_ptr<LoadClock> clock_;
  std::atomic<bool> sending_ = true;

  Mutex mutex_;
  CondVar ended_;
  LoadReport report_;
  absl::Status status_;
};

absl::Status Run::Prepare() {
  plan_.duration_us = static_cast<int64_t>(flags_.seconds * 1e6);
  plan_.warm_up_us = static_cast<int64_t>(flags_.warm_up_seconds * 1e6);
  for (int i = 0; i < flags_.connections; ++i) {
    PoolOptions options = flags_.pool;
    options.seed += static_cast<uint64_t>(i);
    options.first_key = kFirstKey + i * kKeysPerConnection;
    ASSIGN_OR_RETURN(RowPool pool, RowPool::Make(options));
    pools_.push_back(std::move(pool));
    ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Open(flags_.where));
    connections_.push_back(std::move(connection));
  }
  ASSIGN_OR_RETURN(PgConnection connection, PgConnection::Open(flags_.where));
  // The table is newer than the planner's knowledge of it: a nested loop would never end.
  RETURN_IF_ERROR(connection.Execute("SET enable_nestloop = off"));
  detector_ = std::make_unique<Detector>(std::move(connection), RealClock().NowUs());
  return absl::OkStatus();
}

absl::Status Run::Go() {
  clock_ = std::make_unique<LoadClock>(plan_, static_cast<int64_t>(flags_.pool.batch_events));
  std::vector<std::thread> senders;
  for (size_t i = 0; i < pools_.size(); ++i) {
    senders.emplace_back([this, i] { Send(pools_[i], connections_[i]); });
  }
  std::thread detector([this] { Detect(); });
  for (std::thread& sender : senders) sender.join();
  {
    MutexLock lock(mutex_);
    sending_ = false;
    ended_.notify_all();
  }
  detector.join();
  report_.elapsed_us = plan_.duration_us;
  return status_;
}

void Run::Send(RowPool& pool, PgConnection& connection) {
  while (clock_->NowUs() < clock_->measure_until_us()) {
    const int64_t began_us = clock_->NowUs();
    const absl::Status status = connection.Copy("events", pool.Next(RealClock().NowUs()));
    if (!status.ok()) return Fail(status);
    const int64_t now_us = clock_->NowUs();
    MutexLock lock(mutex_);
    report_.accepted += static_cast<int64_t>(pool.batch_rows());
    if (!clock_->IsMeasured(now_us)) continue;
    report_.events += static_cast<int64_t>(pool.batch_rows());
    report_.ack.Add(now_us - began_us);
  }
}

void Run::Detect() {
  while (sending_) {
    const int64_t next_us = RealClock().NowUs() + kDetectEveryUs;
    const absl::Status status = detector_->Look(RealClock().NowUs());
    if (!status.ok()) return Fail(status);
    MutexLock lock(mutex_);
    while (sending_ && RealClock().NowUs() < next_us) {
      RealClock().WaitUntil(lock, ended_, next_us);
    }
  }
}

void Run::Fail(const absl::Status& status) {
  MutexLock lock(mutex_);
  if (status_.ok()) status_ = status;
}

void Run::Print() {
  Latencies& lateness = detector_->lateness();
  std::string load = report_.ToJson();
  load.pop_back();
  absl::PrintF(
      "%s, \"alerts\": %d, \"alert_late_p50_ms\": %.1f, \"alert_late_p99_ms\": %.1f, "
      "\"alert_late_max_ms\": %.1f}\n",
      load, static_cast<int64_t>(lateness.count()), lateness.AtMs(0.5), lateness.AtMs(0.99),
      lateness.AtMs(1.0));
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Sends events to PostgreSQL by COPY and prints what that gave, as JSON.");
  app.add_option("--where", flags.where, "libpq's connection string")->required();
  app.add_option("--connections", flags.connections)->capture_default_str();
  app.add_option("--batch", flags.pool.batch_events, "rows a transaction")->capture_default_str();
  app.add_option("--seconds", flags.seconds, "measured time")->capture_default_str();
  app.add_option("--warm-up", flags.warm_up_seconds, "seconds before that")->capture_default_str();
  app.add_option("--seed", flags.pool.seed)->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageExitCode;
  }
  Run run(flags);
  absl::Status status = run.Prepare();
  if (status.ok()) status = run.Go();
  if (!status.ok()) {
    std::fprintf(stderr, "postgres_load: %s\n", status.ToString().c_str());
    return 1;
  }
  run.Print();
  return 0;
}

}  // namespace
}  // namespace lapse::bench

int main(int argc, char** argv) { return lapse::bench::Main(argc, argv); }
