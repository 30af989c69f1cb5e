// Alerts and messages for this folder's tests.
#ifndef LAPSE_NOTIFIERS_TEST_MESSAGES_H_
#define LAPSE_NOTIFIERS_TEST_MESSAGES_H_

#include <cstdint>
#include <string>

#include "base/limits.h"
#include "base/proto_time.h"
#include "lapse/v1/alert.pb.h"
#include "lapse/v1/notifier.pb.h"
#include "notifiers/channel.h"

namespace lapse::notifiers {

// 2026-03-01 12:00:00 UTC.
inline constexpr int64_t kPrimaryTimeUs = 1'772'366'400ll * limits::kMicrosPerSecond;
inline constexpr int64_t kDueTimeUs = kPrimaryTimeUs + 10 * limits::kMicrosPerSecond;

inline lapse::v1::Alert FiringAlert(const std::string& key) {
  lapse::v1::Alert alert;
  alert.set_name("alerts/a-" + key);
  alert.set_monitor("monitors/order-delivered");
  alert.set_monitor_uid("uid-1");
  alert.set_revision(1);
  alert.set_key(key);
  alert.set_state(lapse::v1::Alert::STATE_FIRING);
  alert.set_reason(lapse::v1::Alert::REASON_DEADLINE_PASSED);
  alert.set_monitor_display_name("order delivered");
  alert.set_severity(lapse::v1::Monitor::SEVERITY_CRITICAL);
  (*alert.mutable_labels())["team"] = "logistics";
  alert.set_expected_event_type("order_delivered");
  lapse::v1::EventSummary& primary = *alert.mutable_primary_event();
  primary.set_id("e-1");
  primary.set_source("checkout");
  primary.set_type("order_created");
  SetTimestamp(kPrimaryTimeUs, primary.mutable_occur_time());
  SetTimestamp(kPrimaryTimeUs + 5'000, primary.mutable_ingest_time());
  (*primary.mutable_attributes())["order_id"].set_string_value(key);
  (*primary.mutable_attributes())["amount"].set_double_value(12.5);
  SetTimestamp(kDueTimeUs, alert.mutable_due_time());
  SetTimestamp(kDueTimeUs, alert.mutable_fire_time());
  alert.set_version(1);
  return alert;
}

inline lapse::v1::Alert ResolvedAlert(const std::string& key) {
  lapse::v1::Alert alert = FiringAlert(key);
  alert.set_state(lapse::v1::Alert::STATE_RESOLVED);
  alert.set_reason(lapse::v1::Alert::REASON_FOLLOWED_LATE);
  alert.set_version(2);
  SetTimestamp(kDueTimeUs + 3'200'000, alert.mutable_resolve_time());
  SetDuration(3'200'000, alert.mutable_lateness());
  lapse::v1::EventSummary& secondary = *alert.mutable_secondary_event();
  secondary.set_id("e-2");
  secondary.set_type("order_delivered");
  SetTimestamp(kDueTimeUs + 3'200'000, secondary.mutable_occur_time());
  SetTimestamp(kDueTimeUs + 3'200'000, secondary.mutable_ingest_time());
  return alert;
}

inline Message AlertMessage(const lapse::v1::Alert& alert) {
  Message message;
  message.idempotency_key = "00112233445566778899aabbccddeeff";
  message.create_time_us = kDueTimeUs + 1'000;
  message.alert = alert;
  return message;
}

inline lapse::v1::Notifier MailNotifier(int port = 25) {
  lapse::v1::Notifier notifier;
  notifier.set_name("notifiers/ops-mail");
  lapse::v1::EmailNotifier& email = *notifier.mutable_email();
  email.set_host("localhost");
  email.set_port(port);
  email.set_security(lapse::v1::EmailNotifier::SECURITY_NONE);
  email.set_from("Lapse <lapse@example.com>");
  email.add_to("ops@example.com");
  return notifier;
}

}  // namespace lapse::notifiers

#endif  // LAPSE_NOTIFIERS_TEST_MESSAGES_H_
