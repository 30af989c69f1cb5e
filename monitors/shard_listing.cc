#include "monitors/shard_listing.h"

#include <algorithm>
#include <iterator>

#include "base/proto_time.h"

namespace lapse::monitors {
namespace {

lapse::v1::Expectation MakeExpectation(const ExpectationView& view,
                                       const ListedExpectation& listed) {
  lapse::v1::Expectation expectation;
  expectation.set_monitor(view.monitor_name);
  expectation.set_monitor_uid(view.revision.uid());
  expectation.set_revision(view.revision.revision());
  expectation.set_key(view.key);
  expectation.set_primary_sequence(listed.primary_sequence);
  SetTimestamp(listed.primary_time_us, expectation.mutable_primary_time());
  SetTimestamp(listed.due_us, expectation.mutable_due_time());
  expectation.set_verdict(listed.verdict);
  expectation.set_reason(listed.reason);
  expectation.set_ending_sequence(listed.ending_sequence);
  if (listed.elapsed_us >= 0) SetDuration(listed.elapsed_us, expectation.mutable_elapsed());
  if (listed.lateness_us >= 0) SetDuration(listed.lateness_us, expectation.mutable_lateness());
  if (listed.alert_version > 0) {
    expectation.set_alert(
        view.names.Of(view.revision.uid(), view.revision.revision(), listed.primary_sequence));
  }
  return expectation;
}

}  // namespace

bool ExpectationCollector::Wants(const ListedExpectation& expectation) const {
  if (query_.after.has_value() &&
      std::make_pair(expectation.due_us, expectation.primary_sequence) <= *query_.after) {
    return false;
  }
  return query_.verdicts.empty() || std::find(query_.verdicts.begin(), query_.verdicts.end(),
                                              expectation.verdict) != query_.verdicts.end();
}

void ExpectationCollector::Offer(const ExpectationView& view,
                                 const ListedExpectation& expectation) {
  if (!Wants(expectation)) return;
  const Place place = {{expectation.due_us, expectation.primary_sequence},
                       view.revision.revision()};
  // A large monitor offers far more than a page holds: build only what may stay.
  const bool full = kept_.size() > static_cast<size_t>(query_.page_size);
  if (full && place > std::prev(kept_.end())->first) return;
  Keep(place, MakeExpectation(view, expectation));
}

void ExpectationCollector::Keep(const Place& place, lapse::v1::Expectation expectation) {
  kept_.insert_or_assign(place, std::move(expectation));
  if (kept_.size() > static_cast<size_t>(query_.page_size) + 1) kept_.erase(std::prev(kept_.end()));
}

void ExpectationCollector::Merge(ExpectationCollector other) {
  for (auto& [place, expectation] : other.kept_) Keep(place, std::move(expectation));
}

ExpectationPage ExpectationCollector::TakePage() {
  ExpectationPage page;
  const size_t size = static_cast<size_t>(query_.page_size);
  for (auto& [place, expectation] : kept_) {
    if (page.expectations.size() == size) {
      const lapse::v1::Expectation& last = page.expectations.back();
      page.next_after = {ToMicros(last.due_time()), last.primary_sequence()};
      break;
    }
    page.expectations.push_back(std::move(expectation));
  }
  kept_.clear();
  return page;
}

}  // namespace lapse::monitors
