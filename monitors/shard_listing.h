// A page of a monitor's expectations, gathered from shards.
#ifndef LAPSE_MONITORS_SHARD_LISTING_H_
#define LAPSE_MONITORS_SHARD_LISTING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/alert_builder.h"
#include "monitors/compiled_monitor.h"
#include "monitors/key_state.h"
#include "storage/log_entry.h"

namespace lapse::monitors {

struct ExpectationQuery {
  std::string monitor_uid;
  // Only this key; empty: all.
  std::string key;
  // Only these; empty: all.
  std::vector<lapse::v1::Verdict> verdicts;
  // Only what comes after this (due_us, primary sequence).
  std::optional<std::pair<int64_t, int64_t>> after;
  int page_size = 100;
};

struct ExpectationPage {
  // By due time, then primary sequence.
  std::vector<lapse::v1::Expectation> expectations;
  // Where to go on; unset at the end.
  std::optional<std::pair<int64_t, int64_t>> next_after;
  // Everything up to it has been applied.
  storage::LogPosition position = 0;
};

// Whose expectations are offered.
struct ExpectationView {
  const std::string& monitor_name;
  const CompiledMonitor& revision;
  const std::string& key;
  const AlertNames& names;
};

// Keeps the first page_size + 1 of what it is offered. Used by one thread at a time.
class ExpectationCollector {
 public:
  explicit ExpectationCollector(ExpectationQuery query) : query_(std::move(query)) {}

  const ExpectationQuery& query() const { return query_; }
  void Offer(const ExpectationView& view, const ListedExpectation& expectation);
  void Merge(ExpectationCollector other);
  // Empties the collector.
  ExpectationPage TakePage();

 private:
  // (due, primary sequence, revision): one event opens at most one expectation of a monitor, but a
  // client's page token knows only the first two.
  using Place = std::pair<std::pair<int64_t, int64_t>, int64_t>;

  bool Wants(const ListedExpectation& expectation) const;
  void Keep(const Place& place, lapse::v1::Expectation expectation);

  ExpectationQuery query_;
  absl::btree_map<Place, lapse::v1::Expectation> kept_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_SHARD_LISTING_H_
