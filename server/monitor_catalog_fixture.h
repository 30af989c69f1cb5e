// A catalog over a real event log and stores in memory. For tests.
#ifndef LAPSE_SERVER_MONITOR_CATALOG_FIXTURE_H_
#define LAPSE_SERVER_MONITOR_CATALOG_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "lapse/internal/v1/log.pb.h"
#include "server/monitor_catalog.h"
#include "storage/event_log.h"
#include "storage/memory/chunk_store.h"
#include "storage/memory/state_store.h"

namespace lapse::server {

// Keeps the changes of monitors in the order in which the matcher sees them.
class ChangeFollower : public storage::LogFollower {
 public:
  void OnEntry(std::shared_ptr<const storage::LogEntry> entry) override {
    MutexLock lock(mutex_);
    for (const auto& control : entry->controls) {
      if (control.has_monitor_change()) changes_.push_back(control.monitor_change());
    }
  }

  size_t count() {
    MutexLock lock(mutex_);
    return changes_.size();
  }

 private:
  Mutex mutex_;
  std::vector<lapse::internal::v1::MonitorChange> changes_;
};

// A store whose disk fails when told.
class FailingStateStore : public storage::MemoryStateStore {
 public:
  absl::Status RecordMonitorChange(const storage::RecordedMonitorChange& change,
                                   int64_t time_us) override {
    if (failures > 0) {
      --failures;
      return absl::InternalError("state.db: disk I/O error");
    }
    return MemoryStateStore::RecordMonitorChange(change, time_us);
  }

  int failures = 0;
};

class MonitorCatalogTest : public testing::Test {
 protected:
  MonitorCatalogTest() { Start(); }
  ~MonitorCatalogTest() override { log_->Stop(); }

  // As a new start of the server does.
  void Start() {
    catalog_.reset();
    if (log_ != nullptr) log_->Stop();
    log_.reset();
    chunks_.Reopen();
    storage::EventLogOptions options;
    options.settle_us = 0;
    auto log = storage::EventLog::Open(options, chunks_, clock_);
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    catalog_ = std::make_unique<MonitorCatalog>(*log_, store_, store_, clock_);
    const absl::Status read = chunks_.Read(chunks_.FirstPosition(), [this](const auto& entry) {
      return catalog_->RecordLogged(entry);
    });
    ASSERT_TRUE(read.ok()) << read;
    ASSERT_TRUE(catalog_->Load().ok());
    ASSERT_TRUE(log_->Start(follower_).ok());
  }

  static lapse::v1::CreateMonitorRequest CreateRequest(const std::string& id,
                                                       const std::string& request_id = "") {
    lapse::v1::CreateMonitorRequest request;
    request.set_monitor_id(id);
    request.set_request_id(request_id);
    auto* follow_up = request.mutable_monitor()->mutable_follow_up();
    follow_up->mutable_primary()->set_event_type("order_created");
    follow_up->mutable_primary()->set_key_attribute("order_id");
    follow_up->mutable_secondary()->set_event_type("order_delivered");
    follow_up->mutable_secondary()->set_key_attribute("order_id");
    follow_up->mutable_within()->set_seconds(10);
    return request;
  }

  lapse::v1::Monitor Create(const std::string& id, const std::string& request_id = "") {
    absl::StatusOr<lapse::v1::Monitor> monitor = catalog_->Create(CreateRequest(id, request_id));
    EXPECT_TRUE(monitor.ok()) << monitor.status();
    return monitor.ok() ? *std::move(monitor) : lapse::v1::Monitor();
  }

  void CreateNotifier(const std::string& name) {
    lapse::v1::Notifier notifier;
    notifier.set_name(name);
    ASSERT_TRUE(store_.CreateNotifier(notifier, "", clock_.NowUs()).ok());
  }

  template <typename T>
  static void ExpectError(const absl::StatusOr<T>& result, absl::StatusCode code,
                          const std::string& reason, const std::string& field = "") {
    ExpectError(result.status(), code, reason, field);
  }
  static void ExpectError(const absl::Status& status, absl::StatusCode code,
                          const std::string& reason, const std::string& field = "") {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(DetailsOf(status).reason, reason) << status;
    EXPECT_EQ(DetailsOf(status).field, field) << status;
  }

  // Of changes that the log, the store and the catalog have.
  size_t RecordedChanges() { return store_.LoadMonitorHistory()->size(); }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const auto& monitor : catalog_->List("", 1'000)) names.push_back(monitor.name());
    return names;
  }

  SimulatedClock clock_{1'714'521'600'000'000};
  storage::MemoryChunkStore chunks_;
  FailingStateStore store_;
  ChangeFollower follower_;
  std::unique_ptr<storage::EventLog> log_;
  std::unique_ptr<MonitorCatalog> catalog_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_MONITOR_CATALOG_FIXTURE_H_
