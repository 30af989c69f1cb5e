// Answers that are gathered from all shards. Each shard's job shares one gatherer; when the last
// job is destroyed the answer is given: whole where every shard has added its part, else
// UNAVAILABLE, since the matcher has ended.
#ifndef LAPSE_MONITORS_SHARDED_MATCHER_QUERIES_H_
#define LAPSE_MONITORS_SHARDED_MATCHER_QUERIES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/books.h"
#include "monitors/shard_listing.h"
#include "monitors/shard_worker.h"

namespace lapse::monitors {

// Counts the answers that are owed. One of them is owed while `this` lives.
class OwedAnswer {
 public:
  explicit OwedAnswer(std::atomic<int64_t>& owed) : owed_(owed) { ++owed_; }
  ~OwedAnswer() { --owed_; }
  OwedAnswer(const OwedAnswer&) = delete;
  OwedAnswer& operator=(const OwedAnswer&) = delete;

 private:
  std::atomic<int64_t>& owed_;
};

// Thread-safe.
class StatsGatherer {
 public:
  using Callback = absl::AnyInvocable<void(absl::StatusOr<lapse::v1::MonitorStats>)>;

  StatsGatherer(std::string monitor_uid, int shard_count, std::atomic<int64_t>& owed,
                Callback done);
  ~StatsGatherer();

  // A shard's job.
  static ShardJob MakeJob(std::shared_ptr<StatsGatherer> gatherer);

 private:
  void Add(const BooksAsOf& part);

  OwedAnswer owed_;
  const std::string monitor_uid_;
  Mutex mutex_;
  int missing_;
  storage::LogPosition position_ = 0;
  Books sum_;
  Callback done_;
};

// Thread-safe.
class ListGatherer {
 public:
  using Callback = absl::AnyInvocable<void(absl::StatusOr<ExpectationPage>)>;

  ListGatherer(const ExpectationQuery& query, int shard_count, std::atomic<int64_t>& owed,
               Callback done);
  ~ListGatherer();

  static ShardJob MakeJob(std::shared_ptr<ListGatherer> gatherer);

 private:
  class Job;
  void Add(storage::LogPosition position, ExpectationCollector part);

  OwedAnswer owed_;
  Mutex mutex_;
  int missing_;
  storage::LogPosition position_ = INT64_MAX;
  ExpectationCollector sum_;
  Callback done_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_SHARDED_MATCHER_QUERIES_H_
