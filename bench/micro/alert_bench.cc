// So many new alerts made, recorded and stored on disk, as when deadlines pass in the same second.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "bench/micro/core.h"
#include "benchmark/benchmark.h"
#include "monitors/alert_builder.h"
#include "monitors/alert_recorder.h"
#include "monitors/compiled_monitor.h"
#include "storage/sqlite/state_store.h"

namespace lapse::bench {
namespace {

using monitors::CompiledMonitor;
using monitors::Transition;

constexpr int64_t kPushedAtOnce = 1'000;
constexpr int64_t kDueUs = 1'790'000'000 * limits::kMicrosPerSecond;

lapse::v1::Monitor OrderMonitor() {
  lapse::v1::Monitor monitor;
  monitor.set_name("monitors/orders");
  monitor.set_uid("5d2f0a6b9c1e4a7f");
  monitor.set_revision(1);
  monitor.set_display_name("Order shipped");
  monitor.set_severity(lapse::v1::Monitor::SEVERITY_WARNING);
  (*monitor.mutable_labels())["team"] = "delivery";
  lapse::v1::FollowUp& rule = *monitor.mutable_follow_up();
  rule.mutable_primary()->set_event_type("order_created");
  rule.mutable_primary()->set_key_attribute("order_id");
  rule.mutable_secondary()->set_event_type("order_shipped");
  rule.mutable_secondary()->set_key_attribute("order_id");
  rule.mutable_within()->set_seconds(1'800);
  return monitor;
}

std::string Summary(int64_t sequence, const std::string& key) {
  lapse::v1::EventSummary summary;
  summary.set_sequence(sequence);
  summary.set_id(absl::StrCat("0190f5fe-7c00-7a3d-9d1f-", sequence));
  summary.set_source("shop");
  summary.set_type("order_created");
  summary.mutable_occur_time()->set_seconds(kDueUs / limits::kMicrosPerSecond);
  summary.mutable_ingest_time()->set_seconds(kDueUs / limits::kMicrosPerSecond);
  (*summary.mutable_attributes())["order_id"].set_string_value(key);
  (*summary.mutable_attributes())["warehouse"].set_string_value("north-3");
  (*summary.mutable_attributes())["cents"].set_int64_value(12'990);
  return summary.SerializeAsString();
}

Transition Fired(int64_t sequence, const std::string& key) {
  Transition fired;
  fired.primary_sequence = sequence;
  fired.due_us = kDueUs;
  fired.primary_summary = Summary(sequence, key);
  fired.has_alert = true;
  fired.alert.state = lapse::v1::Alert::STATE_FIRING;
  fired.alert.reason = lapse::v1::Alert::REASON_DEADLINE_PASSED;
  fired.alert.version = 1;
  fired.alert.notify = true;
  fired.alert.fire_time_us = kDueUs + limits::kMicrosPerSecond;
  return fired;
}

// Waits for a place in the feed.
class FeedWaiter : public monitors::AlertListener {
 public:
  void Await(storage::FeedPosition position) {
    MutexLock lock(mutex_);
    changed_.wait(lock, [&] { return committed_ >= position; });
  }

  void OnAlertsCommitted(storage::FeedPosition last) override {
    MutexLock lock(mutex_);
    committed_ = last;
    changed_.notify_all();
  }
  void OnAlertsHeldUp(const absl::Status& status) override { Must(status); }
  void OnAlertsFailed(const absl::Status& status) override { Must(status); }

 private:
  Mutex mutex_;
  CondVar changed_;
  storage::FeedPosition committed_ = 0;
};

void PushAlerts(int64_t count, monitors::AlertRecorder& recorder) {
  const auto monitor = std::make_shared<const lapse::v1::Monitor>(OrderMonitor());
  const auto revision = CompiledMonitor::Compile(*monitor);
  Must(revision.status());
  monitors::AlertBuilder builder{monitors::AlertNames()};
  std::vector<storage::AlertWrite> writes;
  for (int64_t sequence = 1; sequence <= count; ++sequence) {
    const std::string key = absl::StrCat("A-", sequence);
    const Transition fired = Fired(sequence, key);
    writes.push_back({builder.Build(monitor, **revision, key, fired), fired.alert.notify});
    if (sequence % kPushedAtOnce == 0 || sequence == count) {
      recorder.Push(std::exchange(writes, {}));
    }
  }
}

// One thread makes them, another stores them; fsynced. The CPU time is that of both.
void BM_StoreAlerts(benchmark::State& state) {
  for (auto _ : state) {
    TemporaryFolder folder;
    auto store = storage::SqliteStateStore::Open(folder.path() + "/state.db");
    Must(store.status());
    FeedWaiter waiter;
    monitors::AlertRecorder recorder(**store, RealClock(), waiter);
    recorder.Start();
    PushAlerts(state.range(0), recorder);
    waiter.Await(state.range(0));
    recorder.Stop();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_StoreAlerts)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lapse::bench
