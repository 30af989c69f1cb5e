#include "test/simulation/judge.h"

#include <algorithm>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "base/status_macros.h"

namespace lapse::simulation {
namespace {

using lapse::v1::Alert;
using lapse::v1::Expectation;

constexpr int kPage = 1'000;

absl::Status Differs(const std::string& what) { return absl::FailedPreconditionError(what); }

template <typename T>
absl::StatusOr<T> Await(absl::FunctionRef<void(std::function<void(absl::StatusOr<T>)>)> ask) {
  const auto answer = std::make_shared<std::promise<absl::StatusOr<T>>>();
  std::future<absl::StatusOr<T>> future = answer->get_future();
  ask([answer](absl::StatusOr<T> value) { answer->set_value(std::move(value)); });
  return future.get();
}

absl::Status AskMonitor(monitors::ShardedMatcher& matcher, const std::string& uid,
                        Shown::OfMonitor& shown) {
  using Stats = lapse::v1::MonitorStats;
  ASSIGN_OR_RETURN(shown.stats,
                   Await<Stats>([&](auto done) { matcher.GetMonitorStats(uid, std::move(done)); }));
  monitors::ExpectationQuery query{.monitor_uid = uid, .page_size = kPage};
  do {
    ASSIGN_OR_RETURN(monitors::ExpectationPage page,
                     Await<monitors::ExpectationPage>(
                         [&](auto done) { matcher.ListExpectations(query, std::move(done)); }));
    std::move(page.expectations.begin(), page.expectations.end(),
              std::back_inserter(shown.expectations));
    query.after = page.next_after;
  } while (query.after.has_value());
  return absl::OkStatus();
}

// One key's events by the index: those that are kept, each once.
absl::Status ListKey(const storage::ChunkStore& chunks, const ReferenceLog& log) {
  static constexpr char kAttribute[] = "order";
  static constexpr char kKey[] = "A-1";
  const auto matches = [](const lapse::v1::Event& event) {
    const auto found = event.attributes().find(kAttribute);
    return found != event.attributes().end() && found->second.string_value() == kKey;
  };
  std::set<int64_t> expected;
  for (int64_t position = chunks.FirstPosition(); position <= log.last_position(); ++position) {
    for (const ReferenceEvent& event : log.entry(position).events) {
      if (matches(event.event)) expected.insert(event.sequence);
    }
  }
  std::set<int64_t> listed;
  storage::EventQuery query{
      .matches = matches, .attribute_equals = std::make_pair(kAttribute, kKey), .page_size = 7};
  do {
    ASSIGN_OR_RETURN(const storage::EventPage page, chunks.List(query));
    for (const lapse::v1::Event& event : page.events) {
      if (!listed.insert(event.sequence()).second)
        return Differs(absl::StrCat("an event is listed twice: ", event.ShortDebugString()));
    }
    query.after_time_and_sequence = page.next_after;
  } while (query.after_time_and_sequence.has_value());
  if (listed == expected) return absl::OkStatus();
  return Differs(absl::StrCat("of key ", kKey, " the listing has ", listed.size(),
                              " events, and must have ", expected.size()));
}

absl::Status AskAll(Node& node, const std::vector<std::string>& monitor_uids, ReferenceLog& log,
                    Shown& shown) {
  // Entries that were retired meanwhile have been seen when they were durable.
  RETURN_IF_ERROR(
      node.chunks().Read(node.chunks().FirstPosition(),
                         [&log](const storage::LogEntry& entry) { return log.See(entry); }));
  shown.last_position = node.chunks().LastPosition();
  shown.catalog = node.catalog().List("", kPage);
  for (const std::string& uid : monitor_uids) {
    RETURN_IF_ERROR(AskMonitor(node.matcher(), uid, shown.monitors[uid]));
  }
  RETURN_IF_ERROR(ListKey(node.chunks(), log));
  for (int64_t after = 0;;) {
    ASSIGN_OR_RETURN(std::vector<storage::FeedChange> page, node.alerts().ReadFeed(after, kPage));
    if (page.empty()) return absl::OkStatus();
    after = page.back().position;
    std::move(page.begin(), page.end(), std::back_inserter(shown.feed));
  }
}

int64_t CountOf(const Books& books, lapse::v1::Verdict verdict) {
  const auto found = books.by_verdict.find(verdict);
  return found == books.by_verdict.end() ? 0 : found->second;
}

std::string TextOf(const Books& books) {
  std::string text = absl::StrCat("opened ", books.opened, " ignored ", books.ignored, " no_key ",
                                  books.no_key, " stragglers ", books.stragglers);
  for (const auto& [verdict, count] : books.by_verdict) {
    absl::StrAppend(&text, " ", lapse::v1::Verdict_Name(verdict), " ", count);
  }
  return text;
}

absl::Status CompareBooks(const Books& books, const lapse::v1::MonitorStats& stats) {
  const bool balanced = stats.opened() == stats.met() + stats.late() + stats.missed() +
                                              stats.cancelled() + stats.shed() + stats.withdrawn() +
                                              stats.pending();
  const bool same = stats.opened() == books.opened &&
                    stats.met() == CountOf(books, lapse::v1::VERDICT_MET) &&
                    stats.late() == CountOf(books, lapse::v1::VERDICT_LATE) &&
                    stats.missed() == CountOf(books, lapse::v1::VERDICT_MISSED) &&
                    stats.cancelled() == CountOf(books, lapse::v1::VERDICT_CANCELLED) &&
                    stats.withdrawn() == CountOf(books, lapse::v1::VERDICT_WITHDRAWN) &&
                    stats.pending() == CountOf(books, lapse::v1::VERDICT_PENDING) &&
                    stats.ignored() == books.ignored && stats.no_key() == books.no_key &&
                    stats.stragglers() == books.stragglers;
  if (balanced && same) return absl::OkStatus();
  return Differs(absl::StrCat(balanced ? "the books are " : "the books do not balance: ",
                              stats.ShortDebugString(), ", and must be ", TextOf(books)));
}

std::string TextOf(const ExpectationModel& one) {
  std::string text =
      absl::StrCat("revision ", one.revision, " key ", one.key, " primary ", one.primary_sequence,
                   " due ", one.due_us, " ", lapse::v1::Verdict_Name(one.verdict), " ",
                   lapse::v1::VerdictReason_Name(one.reason), " ending ", one.ending_sequence,
                   " elapsed ", one.elapsed_us, " lateness ", one.lateness_us, " alert fired ",
                   one.alert.fire_time_us, " resolved ", one.alert.resolve_time_us);
  for (const auto& [state, reason] : one.alert.changes) {
    absl::StrAppend(&text, " ", Alert::State_Name(state), "/", Alert::Reason_Name(reason));
  }
  return text;
}

bool Agrees(const ExpectationModel& one, const Expectation& shown) {
  return shown.verdict() == one.verdict && shown.reason() == one.reason && shown.key() == one.key &&
         ToMicros(shown.due_time()) == one.due_us &&
         shown.ending_sequence() == one.ending_sequence &&
         (shown.has_elapsed() ? ToMicros(shown.elapsed()) : -1) == one.elapsed_us &&
         (shown.has_lateness() ? ToMicros(shown.lateness()) : -1) == one.lateness_us &&
         shown.alert().empty() == one.alert.changes.empty();
}

// By (revision, primary).
using Expectations = std::map<std::pair<int64_t, int64_t>, const ExpectationModel*>;

Expectations ExpectationsOf(const MonitorModel& monitor) {
  Expectations all;
  for (const auto& [place, key] : monitor.keys) {
    for (const auto& [sequence, one] : key.expectations()) all[{place.first, sequence}] = &one;
  }
  return all;
}

// Of a key what is pending or firing is listed, and the newest of the others.
absl::Status CompareExpectations(const MonitorModel& monitor,
                                 const std::vector<Expectation>& shown) {
  const Expectations all = ExpectationsOf(monitor);
  std::map<std::pair<int64_t, int64_t>, bool> listed;
  for (const Expectation& one : shown) {
    const std::pair<int64_t, int64_t> place = {one.revision(), one.primary_sequence()};
    const auto found = all.find(place);
    if (found == all.end())
      return Differs(absl::StrCat("no such expectation must be: ", one.ShortDebugString()));
    if (std::exchange(listed[place], true))
      return Differs(absl::StrCat("listed twice: ", one.ShortDebugString()));
    if (Agrees(*found->second, one)) continue;
    return Differs(absl::StrCat("an expectation is\n  ", one.ShortDebugString(),
                                "\nand must be\n  ", TextOf(*found->second)));
  }
  for (const auto& [place, one] : all) {
    if (one->verdict == lapse::v1::VERDICT_PENDING && !listed.contains(place))
      return Differs(absl::StrCat("an expectation is not listed: ", TextOf(*one)));
  }
  return absl::OkStatus();
}

absl::Status CompareAlert(const ExpectationModel& one, const std::vector<Alert>& shown) {
  std::vector<std::pair<Alert::State, Alert::Reason>> changes;
  for (const Alert& alert : shown) changes.emplace_back(alert.state(), alert.reason());
  const Alert& last = shown.back();
  const int64_t fire_us = last.has_fire_time() ? ToMicros(last.fire_time()) : 0;
  const int64_t resolve_us = last.has_resolve_time() ? ToMicros(last.resolve_time()) : 0;
  const bool late = last.reason() == Alert::REASON_FOLLOWED_LATE;
  const bool same = changes == one.alert.changes && fire_us == one.alert.fire_time_us &&
                    resolve_us == one.alert.resolve_time_us && last.key() == one.key &&
                    ToMicros(last.due_time()) == one.due_us &&
                    last.detected_late() == one.alert.detected_late &&
                    (!late || ToMicros(last.lateness()) == one.lateness_us);
  if (same) return absl::OkStatus();
  std::string text = "an alert has the changes";
  for (const Alert& alert : shown) absl::StrAppend(&text, "\n  ", alert.ShortDebugString());
  return Differs(absl::StrCat(text, "\nand must be\n  ", TextOf(one)));
}

}  // namespace

Shown Ask(Node& node, const std::vector<std::string>& monitor_uids, ReferenceLog& log) {
  Shown shown;
  shown.status = AskAll(node, monitor_uids, log, shown);
  return shown;
}

absl::Status ReferenceFeed::See(const std::vector<storage::FeedChange>& feed) {
  const auto size = static_cast<int64_t>(feed.size());
  if (size < std::max(published_, last())) {
    return Differs(absl::StrCat("the feed ends at ", size, "; it was published up to ", published_,
                                " and seen up to ", last()));
  }
  for (const storage::FeedChange& change : feed) {
    if (change.position > last()) {
      RETURN_IF_ERROR(SeeNew(change));
    } else if (change.alert.ShortDebugString() != changes_[change.position - 1]) {
      return Differs(absl::StrCat("the feed at ", change.position, " has changed, to ",
                                  change.alert.ShortDebugString()));
    }
  }
  return absl::OkStatus();
}

absl::Status ReferenceFeed::SeeNew(const storage::FeedChange& change) {
  if (change.position != last() + 1)
    return Differs(absl::StrCat("feed position ", change.position, " follows ", last()));
  std::vector<Alert>& before = alerts_[change.alert.name()];
  if (change.alert.version() != static_cast<int64_t>(before.size()) + 1) {
    return Differs(absl::StrCat("version ", change.alert.version(), " follows version ",
                                before.size(), ": ", change.alert.ShortDebugString()));
  }
  before.push_back(change.alert);
  changes_.push_back(change.alert.ShortDebugString());
  return absl::OkStatus();
}

absl::Status CompareCatalog(const Oracle& oracle, const Shown& shown) {
  size_t living = 0;
  for (const auto& [uid, monitor] : oracle.monitors()) living += monitor.in_force != 0;
  for (const lapse::v1::Monitor& one : shown.catalog) {
    const auto found = oracle.monitors().find(one.uid());
    if (found != oracle.monitors().end() && found->second.in_force == one.revision() &&
        found->second.disabled == one.disabled()) {
      continue;
    }
    return Differs(absl::StrCat("the log does not say so of a monitor: ", one.ShortDebugString()));
  }
  if (shown.catalog.size() == living) return absl::OkStatus();
  return Differs(
      absl::StrCat("there are ", shown.catalog.size(), " monitors, and must be ", living));
}

absl::Status CompareMonitors(const Oracle& oracle, const Shown& shown) {
  RETURN_IF_ERROR(CompareCatalog(oracle, shown));
  for (const auto& [uid, of_monitor] : shown.monitors) {
    const auto found = oracle.monitors().find(uid);
    if (found == oracle.monitors().end()) return Differs(absl::StrCat("no monitor ", uid));
    if (of_monitor.stats.log_position() != oracle.position()) {
      return Differs(absl::StrCat("the books are of position ", of_monitor.stats.log_position(),
                                  ", and the log ends at ", oracle.position()));
    }
    absl::Status status = CompareBooks(Oracle::BooksOf(found->second), of_monitor.stats);
    const absl::Status listed = CompareExpectations(found->second, of_monitor.expectations);
    // An expectation tells more than the sums.
    if (!listed.ok()) status = listed;
    if (!status.ok()) return Differs(absl::StrCat(found->second.name, ": ", status.message()));
  }
  return absl::OkStatus();
}

absl::Status CompareAlerts(const Oracle& oracle, const ReferenceFeed& feed) {
  std::map<std::tuple<std::string, int64_t, int64_t>, const std::vector<Alert>*> shown;
  for (const auto& [name, changes] : feed.alerts()) {
    const Alert& alert = changes.back();
    const auto place =
        std::make_tuple(alert.monitor_uid(), alert.revision(), alert.primary_event().sequence());
    if (!shown.emplace(place, &changes).second)
      return Differs(absl::StrCat("a second alert: ", alert.ShortDebugString()));
  }
  for (const auto& [uid, monitor] : oracle.monitors()) {
    Expectations all = ExpectationsOf(monitor);
    for (const auto& [revision, key] : monitor.forgotten) {
      for (const auto& [sequence, one] : key.expectations()) all[{revision, sequence}] = &one;
    }
    for (const auto& [place, one] : all) {
      const auto found = shown.find({uid, place.first, place.second});
      if (found == shown.end()) {
        if (one->alert.changes.empty()) continue;
        return Differs(absl::StrCat("an alert is missing: ", TextOf(*one)));
      }
      RETURN_IF_ERROR(CompareAlert(*one, *found->second));
      shown.erase(found);
    }
  }
  if (shown.empty()) return absl::OkStatus();
  return Differs(
      absl::StrCat("no such alert must be: ", shown.begin()->second->back().ShortDebugString()));
}

}  // namespace lapse::simulation
