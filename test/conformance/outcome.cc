#include "test/conformance/outcome.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "test/conformance/waiting.h"

namespace lapse::conformance {
namespace {

// More than any monitor has.
constexpr int kEverything = 1 << 30;
constexpr int kFeedPage = 1'000;

// Maps have no order of their own.
std::string BytesOf(const lapse::v1::Alert& alert) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  alert.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

absl::StatusOr<MonitorOutcome> AskAbout(const std::string& uid, monitors::ShardedMatcher& matcher) {
  Answer<lapse::v1::MonitorStats> stats;
  Answer<monitors::ExpectationPage> page;
  matcher.GetMonitorStats(uid, stats.Callback());
  matcher.ListExpectations({.monitor_uid = uid, .page_size = kEverything}, page.Callback());
  MonitorOutcome outcome;
  ASSIGN_OR_RETURN(outcome.stats, stats.Wait());
  ASSIGN_OR_RETURN(monitors::ExpectationPage listed, page.Wait());
  outcome.expectations = std::move(listed.expectations);
  return outcome;
}

}  // namespace

absl::StatusOr<std::vector<MonitorOutcome>> AskMatcher(const std::vector<std::string>& uids,
                                                       monitors::ShardedMatcher& matcher) {
  std::vector<MonitorOutcome> outcomes;
  for (const std::string& uid : uids) {
    ASSIGN_OR_RETURN(MonitorOutcome outcome, AskAbout(uid, matcher));
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

absl::StatusOr<AlertHistories> ReadAlerts(storage::AlertStore& store) {
  AlertHistories alerts;
  for (storage::FeedPosition after = 0;;) {
    ASSIGN_OR_RETURN(const std::vector<storage::FeedChange> page, store.ReadFeed(after, kFeedPage));
    if (page.empty()) return alerts;
    after = page.back().position;
    for (const storage::FeedChange& change : page) {
      AlertHistory& history = alerts[change.alert.name()];
      history.changes.push_back(BytesOf(change.alert));
      history.last = change.alert;
      if (change.alert.version() == static_cast<int64_t>(history.changes.size())) continue;
      return absl::FailedPreconditionError(absl::StrCat(change.alert.name(), ": change ",
                                                        history.changes.size(), " has version ",
                                                        change.alert.version()));
    }
  }
}

}  // namespace lapse::conformance
