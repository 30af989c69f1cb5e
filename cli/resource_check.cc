#include "cli/resource_check.h"

#include <cstdint>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/names.h"
#include "base/proto_time.h"
#include "cli/human.h"

namespace lapse::cli {
namespace {

using lapse::v1::EmailNotifier;
using lapse::v1::EventPattern;
using lapse::v1::FollowUp;
using lapse::v1::Monitor;
using lapse::v1::Notifier;

constexpr size_t kMaxHostBytes = 253;
constexpr int kMaxPort = 65'535;

class Checker {
 public:
  std::vector<FieldProblem> TakeProblems() { return std::move(problems_); }

  void Fail(absl::string_view field, absl::string_view message) {
    problems_.push_back({std::string(field), std::string(message)});
  }

  void AtMost(absl::string_view field, size_t count, size_t limit, absl::string_view what) {
    if (count > limit) Fail(field, absl::StrCat("has ", count, " ", what, "; at most ", limit));
  }

  void Required(absl::string_view field, absl::string_view value, size_t limit) {
    if (value.empty()) return Fail(field, "is required");
    AtMost(field, value.size(), limit, "bytes");
  }

  template <typename Duration>
  void Between(absl::string_view field, const Duration& duration, int64_t limit_us) {
    const int64_t micros = ToMicros(duration);
    if (micros < 0)
      Fail(field, absl::StrCat("is ", ExactDuration(micros), "; it cannot be negative"));
    if (micros > limit_us) {
      Fail(field,
           absl::StrCat("is ", ExactDuration(micros), "; at most ", ExactDuration(limit_us)));
    }
  }

  void Name(absl::string_view field, absl::string_view collection, absl::string_view name) {
    const auto id = ParseResourceName(collection, name, field);
    if (!id.ok() || !ValidateResourceId(*id, field).ok()) {
      Fail(field,
           absl::StrCat("is ", Quoted(name), "; an id has 1 to ", limits::kMaxResourceIdBytes,
                        " characters of a-z, 0-9 and '-', starts with a letter and does not "
                        "end with '-'"));
    }
  }

 private:
  std::vector<FieldProblem> problems_;
};

void CheckLabels(const Monitor& monitor, Checker& check) {
  check.AtMost("labels", monitor.labels_size(), limits::kMaxLabels, "labels");
  const std::set<std::pair<std::string, std::string>> sorted(monitor.labels().begin(),
                                                             monitor.labels().end());
  for (const auto& [key, value] : sorted) {
    const std::string field = absl::StrCat("labels[", key, "]");
    if (key.empty()) check.Fail(field, "needs a key");
    check.AtMost(field, key.size(), limits::kMaxLabelKeyBytes, "bytes in its key");
    check.AtMost(field, value.size(), limits::kMaxLabelValueBytes, "bytes in its value");
  }
}

void CheckNotifierNames(const Monitor& monitor, Checker& check) {
  check.AtMost("notifiers", monitor.notifiers_size(), limits::kMaxNotifiersPerMonitor, "notifiers");
  for (int i = 0; i < monitor.notifiers_size(); ++i) {
    check.Name(absl::StrCat("notifiers[", i, "]"), kNotifierCollection, monitor.notifiers(i));
  }
}

void CheckPattern(const std::string& path, const EventPattern& pattern, Checker& check) {
  check.Required(path + ".event_type", pattern.event_type(), limits::kMaxEventTypeBytes);
  check.Required(path + ".key_attribute", pattern.key_attribute(), limits::kMaxAttributeNameBytes);
  check.AtMost(path + ".filter", pattern.filter().size(), limits::kMaxFilterBytes, "bytes");
}

void CheckPatterns(const FollowUp& follow_up, Checker& check) {
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  const auto check_one = [&](bool given, bool required, const char* role, const EventPattern& p) {
    const std::string path = absl::StrCat("follow_up.", role);
    if (!given && required) check.Fail(path, "is required");
    if (!given) return;
    CheckPattern(path, p, check);
    if (!seen.insert({p.event_type(), p.key_attribute(), p.filter()}).second) {
      check.Fail(path, "has the same type, filter and key attribute as another pattern");
    }
  };
  check_one(follow_up.has_primary(), true, "primary", follow_up.primary());
  check_one(follow_up.has_secondary(), true, "secondary", follow_up.secondary());
  check_one(follow_up.has_cancel(), false, "cancel", follow_up.cancel());
}

void CheckFollowUp(const FollowUp& follow_up, Checker& check) {
  CheckPatterns(follow_up, check);
  if (!follow_up.has_within()) {
    check.Fail("follow_up.within", "is required");
  } else if (ToMicros(follow_up.within()) == 0) {
    check.Fail("follow_up.within", "must be over 0");
  }
  check.Between("follow_up.within", follow_up.within(), limits::kMaxWithinUs);
  check.Between("follow_up.grace", follow_up.grace(), limits::kMaxGraceUs);
  check.Between("follow_up.reorder_tolerance", follow_up.reorder_tolerance(),
                limits::kMaxReorderToleranceUs);
  check.Between("follow_up.clock_skew", follow_up.clock_skew(), limits::kMaxClockSkewUs);
}

void CheckLogin(const EmailNotifier& email, Checker& check) {
  const absl::string_view ref = email.password_ref();
  if (!ref.empty() && !absl::StartsWith(ref, "file:/") && !absl::StartsWith(ref, "env:")) {
    // Not quoted: it may be the password itself.
    check.Fail("email.password_ref",
               "must be file:/path or env:NAME; a password itself is never stored");
  }
  if (!email.username().empty() && ref.empty()) {
    check.Fail("email.password_ref", "is required with username");
  }
}

void CheckEmail(const EmailNotifier& email, Checker& check) {
  check.Required("email.host", email.host(), kMaxHostBytes);
  if (email.port() < 0 || email.port() > kMaxPort) {
    check.Fail("email.port", absl::StrCat("is ", email.port(), "; 1 to ", kMaxPort));
  }
  CheckLogin(email, check);
  if (email.from().empty()) check.Fail("email.from", "is required");
  if (email.to().empty()) check.Fail("email.to", "is required");
  check.AtMost("email.to", email.to_size(), limits::kMaxEmailRecipients, "addresses");
  if (email.timeout_seconds() < 0 || email.timeout_seconds() > limits::kMaxEmailTimeoutSeconds) {
    check.Fail("email.timeout_seconds", absl::StrCat("is ", email.timeout_seconds(), "; 1 to ",
                                                     limits::kMaxEmailTimeoutSeconds));
  }
}

}  // namespace

std::vector<FieldProblem> CheckMonitor(const Monitor& monitor) {
  Checker check;
  check.Name("name", kMonitorCollection, monitor.name());
  check.AtMost("display_name", monitor.display_name().size(), limits::kMaxDisplayNameBytes,
               "bytes");
  check.AtMost("description", monitor.description().size(), limits::kMaxDescriptionBytes, "bytes");
  CheckLabels(monitor, check);
  CheckNotifierNames(monitor, check);
  if (monitor.has_follow_up()) {
    CheckFollowUp(monitor.follow_up(), check);
  } else {
    check.Fail("follow_up", "is required: a monitor needs a condition");
  }
  return check.TakeProblems();
}

std::vector<FieldProblem> CheckNotifier(const Notifier& notifier) {
  Checker check;
  check.Name("name", kNotifierCollection, notifier.name());
  check.AtMost("display_name", notifier.display_name().size(), limits::kMaxDisplayNameBytes,
               "bytes");
  if (notifier.has_email()) {
    CheckEmail(notifier.email(), check);
  } else {
    check.Fail("email", "is required: a notifier needs a kind");
  }
  return check.TakeProblems();
}

}  // namespace lapse::cli
