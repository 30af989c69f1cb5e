#include "server/validation_monitor.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/proto_time.h"

namespace lapse::server {
namespace {

using google::protobuf::Duration;
using lapse::v1::EventPattern;
using lapse::v1::FollowUp;
using lapse::v1::Monitor;

constexpr int64_t kYearSeconds = 365 * 86'400;
const std::string kNotUtf8 = "a\xff";

void SetPattern(const std::string& type, const std::string& key, EventPattern* pattern) {
  pattern->set_event_type(type);
  pattern->set_key_attribute(key);
}

Monitor ValidMonitor() {
  Monitor monitor;
  monitor.set_name("monitors/order-delivered");
  FollowUp* follow_up = monitor.mutable_follow_up();
  SetPattern("order_created", "order_id", follow_up->mutable_primary());
  SetPattern("order_delivered", "order_id", follow_up->mutable_secondary());
  follow_up->mutable_within()->set_seconds(10);
  return monitor;
}

struct Case {
  const char* what;
  std::function<void(Monitor&)> change;
  // Empty: the monitor is accepted.
  std::string reason;
  std::string field;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    Monitor monitor = ValidMonitor();
    c.change(monitor);
    const absl::Status status = ValidateMonitor(monitor);
    EXPECT_EQ(DetailsOf(status).reason, c.reason) << c.what << ": " << status;
    EXPECT_EQ(DetailsOf(status).field, c.field) << c.what << ": " << status;
    EXPECT_EQ(status.code(),
              c.reason.empty() ? absl::StatusCode::kOk : absl::StatusCode::kInvalidArgument)
        << c.what;
  }
}

void SetLabels(Monitor& monitor, int count) {
  for (int i = 0; i < count; ++i) (*monitor.mutable_labels())[absl::StrCat("l", i)] = "";
}

void SetNotifiers(Monitor& monitor, int count) {
  for (int i = 0; i < count; ++i) monitor.add_notifiers(absl::StrCat("notifiers/n", i));
}

TEST(ValidateMonitorTest, AcceptsAMonitor) {
  EXPECT_EQ(ValidateMonitor(ValidMonitor()), absl::OkStatus());
}

TEST(ValidateMonitorTest, NamesAndTextsAreLimited) {
  const std::string id63(63, 'a');
  Check({
      {"no name", [](Monitor& m) { m.clear_name(); }, "NAME_INVALID", "name"},
      {"another collection", [](Monitor& m) { m.set_name("alerts/a"); }, "NAME_INVALID", "name"},
      {"longest id", [=](Monitor& m) { m.set_name("monitors/" + id63); }},
      {"id too long", [=](Monitor& m) { m.set_name("monitors/a" + id63); }, "ID_INVALID", "name"},
      {"bad id", [](Monitor& m) { m.set_name("monitors/Order"); }, "ID_INVALID", "name"},
      {"longest display name", [](Monitor& m) { m.set_display_name(std::string(128, 'd')); }},
      {"display name too long", [](Monitor& m) { m.set_display_name(std::string(129, 'd')); },
       "DISPLAY_NAME_TOO_LONG", "display_name"},
      {"display name not UTF-8", [](Monitor& m) { m.set_display_name(kNotUtf8); }, "NOT_UTF8",
       "display_name"},
      {"longest description", [](Monitor& m) { m.set_description(std::string(4'096, 'd')); }},
      {"description too long", [](Monitor& m) { m.set_description(std::string(4'097, 'd')); },
       "DESCRIPTION_TOO_LONG", "description"},
      {"known severity", [](Monitor& m) { m.set_severity(Monitor::SEVERITY_CRITICAL); }},
      {"unknown severity", [](Monitor& m) { m.set_severity(static_cast<Monitor::Severity>(9)); },
       "SEVERITY_INVALID", "severity"},
  });
}

TEST(ValidateMonitorTest, LabelsAndNotifiersAreLimited) {
  Check({
      {"most labels", [](Monitor& m) { SetLabels(m, 32); }},
      {"too many labels", [](Monitor& m) { SetLabels(m, 33); }, "TOO_MANY_LABELS", "labels"},
      {"empty key", [](Monitor& m) { (*m.mutable_labels())[""] = "x"; }, "LABEL_KEY_EMPTY",
       "labels"},
      {"longest key", [](Monitor& m) { (*m.mutable_labels())[std::string(63, 'k')] = "x"; }},
      {"key too long", [](Monitor& m) { (*m.mutable_labels())[std::string(64, 'k')] = "x"; },
       "LABEL_KEY_TOO_LONG", "labels"},
      {"longest value", [](Monitor& m) { (*m.mutable_labels())["k"] = std::string(256, 'v'); }},
      {"value too long", [](Monitor& m) { (*m.mutable_labels())["k"] = std::string(257, 'v'); },
       "LABEL_VALUE_TOO_LONG", "labels[k]"},
      {"value not UTF-8", [](Monitor& m) { (*m.mutable_labels())["k"] = kNotUtf8; }, "NOT_UTF8",
       "labels[k]"},
      {"most notifiers", [](Monitor& m) { SetNotifiers(m, 16); }},
      {"too many notifiers", [](Monitor& m) { SetNotifiers(m, 17); }, "TOO_MANY_NOTIFIERS",
       "notifiers"},
      {"no notifier's name", [](Monitor& m) { m.add_notifiers("mail"); }, "NAME_INVALID",
       "notifiers[0]"},
      {"a notifier twice",
       [](Monitor& m) {
         m.add_notifiers("notifiers/a");
         m.add_notifiers("notifiers/a");
       },
       "NOTIFIER_REPEATED", "notifiers[1]"},
  });
}

TEST(ValidateMonitorTest, AConditionAndItsPatternsAreRequired) {
  const auto primary = [](const std::function<void(EventPattern*)>& change) {
    return [change](Monitor& m) { change(m.mutable_follow_up()->mutable_primary()); };
  };
  Check({
      {"no condition", [](Monitor& m) { m.clear_condition(); }, "CONDITION_MISSING", "condition"},
      {"no primary", [](Monitor& m) { m.mutable_follow_up()->clear_primary(); }, "PATTERN_MISSING",
       "follow_up.primary"},
      {"no secondary", [](Monitor& m) { m.mutable_follow_up()->clear_secondary(); },
       "PATTERN_MISSING", "follow_up.secondary"},
      {"no type", primary([](EventPattern* p) { p->clear_event_type(); }), "EVENT_TYPE_MISSING",
       "follow_up.primary.event_type"},
      {"longest type", primary([](EventPattern* p) { p->set_event_type(std::string(128, 't')); })},
      {"type too long", primary([](EventPattern* p) { p->set_event_type(std::string(129, 't')); }),
       "EVENT_TYPE_TOO_LONG", "follow_up.primary.event_type"},
      {"no key", primary([](EventPattern* p) { p->clear_key_attribute(); }),
       "KEY_ATTRIBUTE_MISSING", "follow_up.primary.key_attribute"},
      {"longest key",
       primary([](EventPattern* p) { p->set_key_attribute(std::string(128, 'k')); })},
      {"key too long",
       primary([](EventPattern* p) { p->set_key_attribute(std::string(129, 'k')); }),
       "KEY_ATTRIBUTE_TOO_LONG", "follow_up.primary.key_attribute"},
      {"an empty cancel", [](Monitor& m) { m.mutable_follow_up()->mutable_cancel(); },
       "EVENT_TYPE_MISSING", "follow_up.cancel.event_type"},
      {"a filter", primary([](EventPattern* p) { p->set_filter("attributes.amount > 100"); })},
      {"a filter too long",
       primary([](EventPattern* p) { p->set_filter(std::string(4'097, ' ')); }), "FILTER_TOO_LONG",
       "follow_up.primary.filter"},
  });
}

TEST(ValidateMonitorTest, ABadFilterPointsAtItsColumn) {
  Monitor monitor = ValidMonitor();
  monitor.mutable_follow_up()->mutable_secondary()->set_filter("type = x AND sorce = y");
  const absl::Status status = ValidateMonitor(monitor);
  EXPECT_EQ(DetailsOf(status).reason, "FILTER_FIELD_UNKNOWN");
  EXPECT_EQ(DetailsOf(status).field, "follow_up.secondary.filter");
  EXPECT_TRUE(absl::StrContains(status.message(), "column 14")) << status;
}

TEST(ValidateMonitorTest, TheSamePatternMayNotStandTwice) {
  const auto set_cancel = [](const char* type, const char* key, const char* filter) {
    return [=](Monitor& m) {
      SetPattern(type, key, m.mutable_follow_up()->mutable_cancel());
      m.mutable_follow_up()->mutable_cancel()->set_filter(filter);
    };
  };
  Check({
      {"secondary as primary",
       [](Monitor& m) { *m.mutable_follow_up()->mutable_secondary() = m.follow_up().primary(); },
       "PATTERN_REPEATED", "follow_up.secondary"},
      {"cancel as primary", set_cancel("order_created", "order_id", ""), "PATTERN_REPEATED",
       "follow_up.cancel"},
      {"cancel as secondary", set_cancel("order_delivered", "order_id", " "), "PATTERN_REPEATED",
       "follow_up.cancel"},
      {"another filter", set_cancel("order_created", "order_id", "attributes.final = true")},
      {"another key", set_cancel("order_created", "parent_id", "")},
      {"another type", set_cancel("order_cancelled", "order_id", "")},
  });
}

struct DurationField {
  const char* name;
  const char* reason;
  Duration* (FollowUp::*mutable_field)();
  int64_t max_seconds;
};

TEST(ValidateMonitorTest, DurationsAreLimited) {
  const std::vector<DurationField> fields = {
      {"grace", "GRACE", &FollowUp::mutable_grace, kYearSeconds},
      {"reorder_tolerance", "REORDER_TOLERANCE", &FollowUp::mutable_reorder_tolerance, 3'600},
      {"clock_skew", "CLOCK_SKEW", &FollowUp::mutable_clock_skew, 3'600},
  };
  for (const DurationField& f : fields) {
    const auto set = [&f](int64_t seconds, int32_t nanos) {
      return [&f, seconds, nanos](Monitor& m) {
        Duration* duration = (m.mutable_follow_up()->*f.mutable_field)();
        duration->set_seconds(seconds);
        duration->set_nanos(nanos);
      };
    };
    const std::string field = absl::StrCat("follow_up.", f.name);
    Check({
        {"zero", set(0, 0)},
        {"longest", set(f.max_seconds, 0)},
        {"a nanosecond more", set(f.max_seconds, 1), absl::StrCat(f.reason, "_TOO_LONG"), field},
        {"a microsecond more", set(f.max_seconds, 1'000), absl::StrCat(f.reason, "_TOO_LONG"),
         field},
        {"negative", set(-1, 0), absl::StrCat(f.reason, "_NEGATIVE"), field},
        {"negative by a nanosecond", set(0, -1), absl::StrCat(f.reason, "_NEGATIVE"), field},
        {"signs that differ", set(1, -1), "DURATION_INVALID", field},
        {"no duration", set(INT64_MAX, 0), "DURATION_INVALID", field},
    });
  }
}

TEST(ValidateMonitorTest, WithinIsOverZeroAndAtMostAYear) {
  const auto set = [](int64_t seconds, int32_t nanos) {
    return [=](Monitor& m) {
      m.mutable_follow_up()->mutable_within()->set_seconds(seconds);
      m.mutable_follow_up()->mutable_within()->set_nanos(nanos);
    };
  };
  const std::string field = "follow_up.within";
  Check({
      {"none", [](Monitor& m) { m.mutable_follow_up()->clear_within(); }, "WITHIN_MISSING", field},
      {"zero", set(0, 0), "WITHIN_NOT_POSITIVE", field},
      {"finer than a microsecond", set(0, 999), "WITHIN_NOT_POSITIVE", field},
      {"negative", set(-5, 0), "WITHIN_NOT_POSITIVE", field},
      {"a microsecond", set(0, 1'000)},
      {"a year", set(kYearSeconds, 0)},
      {"over a year", set(kYearSeconds, 1), "WITHIN_TOO_LONG", field},
      {"no duration", set(5, 1'000'000'000), "DURATION_INVALID", field},
  });
}

TEST(ValidateMonitorTest, OnRepeatMustBeKnown) {
  Check({{"stack",
          [](Monitor& m) { m.mutable_follow_up()->set_on_repeat(FollowUp::ON_REPEAT_STACK); }},
         {"unknown",
          [](Monitor& m) {
            m.mutable_follow_up()->set_on_repeat(static_cast<FollowUp::OnRepeat>(9));
          },
          "ON_REPEAT_INVALID", "follow_up.on_repeat"}});
}

TEST(NormalizeMonitorTest, FillsInTheDefaults) {
  Monitor monitor = ValidMonitor();
  NormalizeMonitor(&monitor);
  EXPECT_EQ(monitor.display_name(), "order-delivered");
  EXPECT_EQ(monitor.severity(), Monitor::SEVERITY_WARNING);
  EXPECT_EQ(monitor.follow_up().on_repeat(), FollowUp::ON_REPEAT_KEEP_FIRST);
  EXPECT_TRUE(monitor.follow_up().has_grace());
  EXPECT_EQ(ToMicros(monitor.follow_up().grace()), 0);
  EXPECT_EQ(ToMicros(monitor.follow_up().reorder_tolerance()), limits::kDefaultReorderToleranceUs);
  EXPECT_EQ(ToMicros(monitor.follow_up().clock_skew()), limits::kDefaultClockSkewUs);
}

TEST(NormalizeMonitorTest, KeepsWhatIsGivenAlsoZero) {
  Monitor monitor = ValidMonitor();
  monitor.set_display_name("Delivered");
  monitor.set_severity(Monitor::SEVERITY_INFO);
  monitor.mutable_follow_up()->set_on_repeat(FollowUp::ON_REPEAT_RESTART);
  monitor.mutable_follow_up()->mutable_grace()->set_seconds(2);
  monitor.mutable_follow_up()->mutable_reorder_tolerance();
  monitor.mutable_follow_up()->mutable_clock_skew();
  const Monitor before = monitor;
  NormalizeMonitor(&monitor);
  EXPECT_EQ(monitor.SerializeAsString(), before.SerializeAsString());
}

}  // namespace
}  // namespace lapse::server
