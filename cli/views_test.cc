#include <string>

#include "absl/time/time.h"
#include "cli/alert_view.h"
#include "cli/event_view.h"
#include "cli/monitor_view.h"
#include "cli/notifier_view.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace lapse::cli {
namespace {

// 2024-11-22 08:33:20 UTC.
const ViewTime kTime = {1'732'264'400'000'000, absl::UTCTimeZone()};

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

constexpr char kMonitor[] = R"(
    name: "monitors/order-delivered" uid: "u1" revision: 2 etag: "e"
    display_name: "order delivered" severity: SEVERITY_CRITICAL
    labels { key: "team" value: "fulfilment" }
    notifiers: "notifiers/ops" notifiers: "notifiers/oncall"
    create_time { seconds: 1732264387 }
    follow_up {
      primary { event_type: "order_created" key_attribute: "order_id" filter: "source = \"shop\"" }
      secondary { event_type: "order_delivered" key_attribute: "order_id" }
      cancel { event_type: "order_cancelled" key_attribute: "order_id" }
      within { seconds: 2700 } grace {} on_repeat: ON_REPEAT_KEEP_FIRST
      reorder_tolerance { seconds: 10 } clock_skew { seconds: 1 }
    })";

TEST(MonitorView, TableSaysTheConditionInWords) {
  EXPECT_EQ(
      MonitorTable({Parse<lapse::v1::Monitor>(kMonitor)}, {}),
      "ID               STATE    SEVERITY  CONDITION                                           "
      "                             NOTIFIERS    REVISION\n"
      "order-delivered  enabled  critical  order_delivered within 45m of order_created by "
      "order_id, "
      "unless order_cancelled  ops, oncall         2\n");
}

TEST(MonitorView, FieldsShowEverythingInForce) {
  EXPECT_EQ(MonitorFields(Parse<lapse::v1::Monitor>(kMonitor), kTime, {}),
            "name               monitors/order-delivered\n"
            "display name       order delivered\n"
            "state              enabled\n"
            "severity           critical\n"
            "labels             team=fulfilment\n"
            "notifiers          ops, oncall\n"
            "condition          order_delivered within 45m of order_created by order_id, unless "
            "order_cancelled\n"
            "primary            order_created by order_id where source = \"shop\"\n"
            "secondary          order_delivered by order_id\n"
            "cancel             order_cancelled by order_id\n"
            "within             45m\n"
            "grace              0s\n"
            "on repeat          keep first\n"
            "reorder tolerance  10s\n"
            "clock skew         1s\n"
            "revision           2\n"
            "uid                u1\n"
            "etag               e\n"
            "created            08:33:07\n");
}

TEST(MonitorView, StatsAreAlignedCounts) {
  const auto stats = Parse<lapse::v1::MonitorStats>(R"(
      monitor: "monitors/order-delivered" opened: 1204 met: 1190 late: 1 missed: 3 pending: 10
      elapsed_p50 { seconds: 900 } elapsed_p95 { seconds: 2400 } elapsed_p99 { nanos: 5000000 })");
  EXPECT_EQ(
      StatsTable({stats}, {}),
      "MONITOR          OPENED    MET  LATE  MISSED  CANCELLED  SHED  WITHDRAWN  PENDING  P50  "
      "P95  P99\n"
      "order-delivered   1,204  1,190     1       3          0     0          0       10  15m  "
      "40m  5ms\n");
}

TEST(MonitorView, ExpectationsShowVerdictAndLateness) {
  const auto expectation = Parse<lapse::v1::Expectation>(R"(
      key: "A-17" verdict: VERDICT_LATE reason: VERDICT_REASON_FOLLOWED_LATE
      primary_time { seconds: 1732264387 } due_time { seconds: 1732264397 }
      elapsed { seconds: 13 nanos: 200000000 } lateness { seconds: 3 nanos: 200000000 }
      alert: "alerts/a1")");
  EXPECT_EQ(ExpectationTable({expectation}, kTime, {}),
            "KEY   VERDICT  REASON         OPENED    DUE        TOOK  LATE BY  ALERT\n"
            "A-17  LATE     followed late  08:33:07  08:33:17  13.2s     3.2s  a1\n");
}

lapse::v1::Alert AlertOf(const std::string& fields) {
  return Parse<lapse::v1::Alert>(R"(
      name: "alerts/a1" monitor: "monitors/order-delivered" key: "A-17" revision: 2
      expected_event_type: "order_delivered" severity: SEVERITY_WARNING version: 1
      due_time { seconds: 1732264397 } fire_time { seconds: 1732264397 nanos: 4000000 }
      )" + fields);
}

TEST(AlertView, SaysWhatHappened) {
  const struct {
    const char* fields;
    const char* text;
  } cases[] = {
      {"reason: REASON_DEADLINE_PASSED", "no order_delivered, due 08:33:17"},
      {"reason: REASON_DEADLINE_PASSED detected_late: true",
       "no order_delivered, due 08:33:17, detected late"},
      {"reason: REASON_REJUDGED",
       "no order_delivered in time, as an event out of order shows; due 08:33:17"},
      {"reason: REASON_FOLLOWED_LATE lateness { seconds: 3 nanos: 200000000 }",
       "order_delivered came 3.2s late"},
      {"reason: REASON_RECEIVED_LATE", "order_delivered was in time, but received late"},
      {"reason: REASON_CANCELLED_LATE", "cancelled after it was due"},
      {"reason: REASON_SUPERSEDED", "withdrawn: an event received late shows that nothing was due"},
      {"reason: REASON_CLOSED_BY_HAND close_note: \"refunded\"", "closed by hand: refunded"},
      {"reason: REASON_CLOSED_BY_HAND", "closed by hand"},
      {"reason: REASON_CLOSED_BY_AGE", "closed: too old"},
  };
  for (const auto& c : cases) EXPECT_EQ(AlertText(AlertOf(c.fields), kTime), c.text);
}

TEST(AlertView, TableAndWatchLineNameTheAlert) {
  const auto alert = AlertOf("state: STATE_FIRING reason: REASON_DEADLINE_PASSED");
  EXPECT_EQ(AlertTable({alert}, kTime, {}),
            "ALERT  STATE   MONITOR          KEY   FIRED     WHAT\n"
            "a1     FIRING  order-delivered  A-17  08:33:17  no order_delivered, due 08:33:17\n");
  lapse::v1::AlertChange change;
  *change.mutable_alert() = alert;
  EXPECT_EQ(
      WatchLine(change, kTime, {}),
      "08:33:17  FIRING    order-delivered  A-17  no order_delivered, due 08:33:17  alerts/a1\n");
  change.mutable_change_time()->set_seconds(1732264398);
  change.mutable_alert()->set_key("\x1b[2J");
  EXPECT_EQ(WatchLine(change, kTime, {.color = true}),
            "08:33:18  \x1b[31mFIRING  \x1b[0m  order-delivered  \\x1b[2J  no order_delivered, due "
            "08:33:17\x1b[2m  alerts/a1\x1b[0m\n");
}

TEST(AlertView, FieldsShowBothEvents) {
  const auto alert = AlertOf(R"(
      state: STATE_RESOLVED reason: REASON_FOLLOWED_LATE lateness { seconds: 3 }
      resolve_time { seconds: 1732264400 }
      primary_event { type: "order_created" source: "shop" occur_time { seconds: 1732264387 }
        attributes { key: "order_id" value { string_value: "A-17" } } omitted_attribute_count: 2 }
      secondary_event { type: "order_delivered" ingest_time { seconds: 1732264400 } })");
  EXPECT_EQ(
      AlertFields(alert, kTime, {}),
      "name       alerts/a1\n"
      "state      RESOLVED\n"
      "reason     followed late\n"
      "what       order_delivered came 3s late\n"
      "monitor    monitors/order-delivered (revision 2)\n"
      "key        A-17\n"
      "severity   warning\n"
      "primary    order_created from shop at 08:33:07  order_id=A-17 (2 attributes left out)\n"
      "secondary  order_delivered at 08:33:20\n"
      "due        08:33:17\n"
      "fired      08:33:17\n"
      "resolved   08:33:20\n"
      "late by    3s\n"
      "version    1\n");
}

TEST(EventView, ShowsAttributesByName) {
  const auto event = Parse<lapse::v1::Event>(R"(
      id: "1" source: "shop" type: "order_created" sequence: 12 occur_time { seconds: 1732264387 }
      attributes { key: "order_id" value { string_value: "A-17" } }
      attributes { key: "amount" value { double_value: 12.5 } })");
  EXPECT_EQ(EventTable({event}, kTime, {}),
            "SEQUENCE  TIME      TYPE           SOURCE  ID  ATTRIBUTES\n"
            "      12  08:33:07  order_created  shop    1   amount=12.5 order_id=A-17\n");
}

TEST(EventView, ShowsTypesWithTheirAttributes) {
  const auto type = Parse<lapse::v1::EventType>(R"(
      type: "order_created" event_count: 12345 last_seen_time { seconds: 1732264387 }
      attributes { name: "amount" kinds: KIND_INT64 kinds: KIND_DOUBLE }
      attributes { name: "order_id" kinds: KIND_STRING })");
  EXPECT_EQ(EventTypeTable({type}, kTime, {}),
            "TYPE           EVENTS  FIRST SEEN  LAST SEEN  ATTRIBUTES\n"
            "order_created  12,345              08:33:07   amount:int64|double order_id:string\n");
}

TEST(NotifierView, ShowsWhereMailGoes) {
  const auto notifier = Parse<lapse::v1::Notifier>(R"(
      name: "notifiers/ops" email { host: "mail" port: 2525 from: "lapse@x" to: "a@x" to: "b@x"
      username: "u" password_ref: "env:PW" })");
  EXPECT_EQ(NotifierTable({notifier}, {}),
            "ID   KIND   SERVER                FROM     TO\n"
            "ops  email  mail:2525 (starttls)  lapse@x  a@x, b@x\n");
  EXPECT_EQ(NotifierFields(notifier, kTime, {}),
            "name      notifiers/ops\n"
            "kind      email\n"
            "server    mail:2525 (starttls)\n"
            "username  u\n"
            "password  env:PW\n"
            "from      lapse@x\n"
            "to        a@x, b@x\n");
}

TEST(NotifierView, ShowsDeliveriesWithTheirLastTry) {
  const auto failed = Parse<lapse::v1::Delivery>(R"(
      name: "notifiers/ops/deliveries/d1" alert: "alerts/a1" state: STATE_PENDING try_count: 2
      create_time { seconds: 1732264387 } next_try_time { seconds: 1732264400 }
      tries { start_time { seconds: 1 } end_time { seconds: 2 } }
      tries { start_time { seconds: 1 } end_time { seconds: 31 } error: "451 later" status_code: 451 })");
  const auto digest = Parse<lapse::v1::Delivery>(R"(
      name: "notifiers/ops/deliveries/d2" state: STATE_SENT try_count: 1 digested_count: 42
      create_time { seconds: 1732264388 } tries { status_code: 250 })");
  EXPECT_EQ(
      DeliveryTable({failed, digest}, kTime, {}),
      "CREATED   NOTIFIER  STATE    ABOUT         TRIES  NEXT TRY  LAST TRY\n"
      "08:33:07  ops       PENDING  a1                2  08:33:20  failed after 30s (451): 451 "
      "later\n"
      "08:33:08  ops       SENT     digest of 42      1            sent (250)\n");
}

}  // namespace
}  // namespace lapse::cli
