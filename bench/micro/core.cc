#include "bench/micro/core.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <utility>

#include "lapse/v1/event_service.pb.h"
#include "monitors/recovery.h"
#include "storage/memory/chunk_store.h"
#include "storage/sqlite/chunk_store.h"

namespace lapse::bench {
namespace {

constexpr int kUnansweredBatches = 8;
constexpr int64_t kWithinSeconds = 3'600;
constexpr int kShards = 2;

template <typename T>
T Need(absl::StatusOr<T> value) {
  Must(value.status());
  return *std::move(value);
}

monitors::MatcherOptions MatcherOptions() {
  return {.shard_count = kShards, .checkpoint_interval_us = 0};
}

}  // namespace

void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "micro: %s\n", status.ToString().c_str());
  std::exit(1);
}

std::vector<Events> TakeBatches(EventPool& pool, size_t count, int64_t now_us) {
  std::vector<Events> batches;
  for (size_t i = 0; i < count; ++i) {
    lapse::v1::BatchIngestEventsRequest request;
    if (!request.ParseFromString(std::string(pool.RenewBatch(i % pool.batches(), 0, now_us)))) {
      Must(absl::InternalError("a batch cannot be parsed"));
    }
    batches.push_back(std::move(*request.mutable_events()));
  }
  return batches;
}

TemporaryFolder::TemporaryFolder() {
  // Not /tmp, which may be memory.
  std::string path = "/var/tmp/lapse-micro-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) Must(absl::InternalError("no folder can be made"));
  path_ = path;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Core::Core(const std::string& folder, bool monitors, Clock& clock) {
  OpenStore(folder);
  const monitors::MatcherDeps deps{state_, state_, checkpoints_, clock, *this, store_->Seed()};
  matcher_ = Need(monitors::RecoverMatcher(MatcherOptions(), deps, *store_));
  storage::EventLogOptions options;
  options.settle_us = 0;
  options.detect_gaps = false;
  event_log_ = Need(storage::EventLog::Open(options, *store_, clock));
  matcher_->Start(*event_log_);
  Must(event_log_->Start(*this));
  if (!monitors) return;
  Watch("orders", "order_created", "order_shipped", "order_id");
  Watch("drivers", "allocation_initiated", "driver_fetched", "order_id");
  Watch("payments", "payment_data_collected", "bank_api_called", "payment_id");
}

Core::~Core() {
  matcher_->BeginStop();
  event_log_->Stop();
  matcher_->Abort();
}

void Core::OpenStore(const std::string& folder) {
  if (folder.empty()) {
    store_ = std::make_unique<storage::MemoryChunkStore>();
  } else {
    store_ = Need(storage::SqliteChunkStore::Open({.folder = folder}));
  }
  store_->SetIndexedAttributes({"order_id", "payment_id"});
}

void Core::Watch(const std::string& name, const std::string& primary, const std::string& secondary,
                 const std::string& key) {
  lapse::internal::v1::ControlRecord control;
  lapse::internal::v1::MonitorChange& change = *control.mutable_monitor_change();
  change.set_action(lapse::internal::v1::MonitorChange::ACTION_CREATE);
  change.mutable_monitor()->set_name("monitors/" + name);
  change.mutable_monitor()->set_uid(name);
  change.mutable_monitor()->set_revision(1);
  lapse::v1::FollowUp& rule = *change.mutable_monitor()->mutable_follow_up();
  rule.mutable_primary()->set_event_type(primary);
  rule.mutable_primary()->set_key_attribute(key);
  rule.mutable_secondary()->set_event_type(secondary);
  rule.mutable_secondary()->set_key_attribute(key);
  rule.mutable_within()->set_seconds(kWithinSeconds);
  std::promise<absl::Status> logged;
  Must(event_log_->AppendControl(std::move(control),
                                 [&logged](absl::StatusOr<storage::LogPosition> position) {
                                   logged.set_value(position.status());
                                 }));
  Must(logged.get_future().get());
}

void Core::Append(Events events) {
  {
    MutexLock lock(mutex_);
    changed_.wait(lock, [this] { return unanswered_ < kUnansweredBatches; });
    ++unanswered_;
  }
  Must(event_log_->Append(std::move(events), [this](absl::StatusOr<storage::AppendResult> result) {
    Must(result.status());
    MutexLock lock(mutex_);
    --unanswered_;
    changed_.notify_all();
  }));
}

void Core::AwaitApplied() {
  {
    MutexLock lock(mutex_);
    changed_.wait(lock, [this] { return unanswered_ == 0 && followed_ >= store_->LastPosition(); });
  }
  // A question is answered after the entries before it.
  std::promise<void> answered;
  matcher_->GetMonitorStats("orders", [&answered](const absl::StatusOr<lapse::v1::MonitorStats>&) {
    answered.set_value();
  });
  answered.get_future().wait();
}

void Core::AwaitAlerts(int64_t changes) {
  MutexLock lock(mutex_);
  changed_.wait(lock, [&] { return committed_ >= changes; });
}

void Core::Replay(Clock& clock) {
  storage::MemoryStateStore state;
  storage::MemoryCheckpointStore checkpoints;
  const monitors::MatcherDeps deps{state, state, checkpoints, clock, *this, store_->Seed()};
  Need(monitors::RecoverMatcher(MatcherOptions(), deps, *store_))->Abort();
}

void Core::OnEntry(std::shared_ptr<const storage::LogEntry> entry) {
  const storage::LogPosition position = entry->position;
  matcher_->OnEntry(std::move(entry));
  MutexLock lock(mutex_);
  followed_ = position;
  changed_.notify_all();
}

void Core::OnAlertsCommitted(storage::FeedPosition last) {
  MutexLock lock(mutex_);
  committed_ = std::max(committed_, last);
  changed_.notify_all();
}

}  // namespace lapse::bench
