#include "bench/workload/shapes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/limits.h"

namespace lapse::bench {
namespace {

constexpr int64_t kSecond = limits::kMicrosPerSecond;
constexpr int64_t kMinute = limits::kMicrosPerMinute;

constexpr std::array<const char*, 8> kCities = {"Pune",   "Mumbai",  "Berlin", "Lyon",
                                                "Nagoya", "Nairobi", "Lima",   "Montréal"};
constexpr std::array<const char*, 4> kMethods = {"card", "upi", "netbanking", "wallet"};
constexpr std::array<const char*, 3> kBanks = {"hdfc", "sbi", "n26"};
constexpr std::array<const char*, 3> kCurrencies = {"INR", "EUR", "JPY"};
constexpr std::array<const char*, 4> kZones = {"north", "east", "south", "west"};

lapse::v1::Value Text(std::string text) {
  lapse::v1::Value value;
  value.set_string_value(std::move(text));
  return value;
}

lapse::v1::Value Flag(bool flag) {
  lapse::v1::Value value;
  value.set_bool_value(flag);
  return value;
}

lapse::v1::Value Whole(int64_t number) {
  lapse::v1::Value value;
  value.set_int64_value(number);
  return value;
}

lapse::v1::Value Real(double number) {
  lapse::v1::Value value;
  value.set_double_value(number);
  return value;
}

// In whole cents.
lapse::v1::Value Money(Random& random, int64_t most) {
  return Real(static_cast<double>(random.Between(100, most * 100)) / 100.0);
}

Attributes PaymentAttributes(Random& random) {
  Attributes attributes;
  attributes["amount"] = Money(random, 10'000);
  attributes["currency"] = Text(random.Pick(kCurrencies));
  attributes["method"] = Text(random.Pick(kMethods));
  attributes["bank"] = Text(random.Pick(kBanks));
  attributes["merchant_id"] = Whole(random.Between(1, 5'000));
  attributes["first_payment"] = Flag(random.Chance(0.1));
  return attributes;
}

Attributes OrderAttributes(Random& random) {
  Attributes attributes;
  attributes["city"] = Text(random.Pick(kCities));
  attributes["store_code"] = Text(absl::StrFormat("S%04d", random.Between(1, 400)));
  attributes["order_value"] = Money(random, 500);
  attributes["promised_eta"] = Whole(random.Between(20, 60));
  attributes["express"] = Flag(random.Chance(0.2));
  return attributes;
}

Attributes DriverAttributes(Random& random) {
  Attributes attributes;
  attributes["zone"] = Text(random.Pick(kZones));
  attributes["city"] = Text(random.Pick(kCities));
  attributes["distance_km"] = Real(static_cast<double>(random.Between(1, 200)) / 10.0);
  attributes["candidates"] = Whole(random.Between(1, 12));
  attributes["surge"] = Flag(random.Chance(0.15));
  return attributes;
}

bool IsLargePayment(const lapse::v1::Event& event) {
  return event.attributes().at("amount").double_value() > 5'000;
}

bool IsOrderInPune(const lapse::v1::Event& event) {
  return event.attributes().at("city").string_value() == "Pune";
}

bool HasFewCandidates(const lapse::v1::Event& event) {
  return event.attributes().at("candidates").int64_value() < 4;
}

lapse::v1::Value PaymentKey(int64_t number) { return Text(absl::StrFormat("pay_%08d", number)); }
lapse::v1::Value OrderKey(int64_t number) { return Text(absl::StrFormat("A-%d", number)); }
lapse::v1::Value AllocationKey(int64_t number) { return Whole(7'000'000 + number); }

ShapeSpec Payments() {
  return {
      .name = "payments",
      .key_attribute = "payment_id",
      .steps = {{"payment_data_collected", "checkout", 0},
                {"bank_api_called", "bank-gateway", 30 * kSecond},
                {"bank_response_received", "bank-gateway", kMinute},
                {"ledger_updated", "ledger", 30 * kSecond},
                {"invoice_generated", "billing", 2 * kMinute},
                {"email_sent", "mailer", 5 * kMinute}},
      .cancel = {"payment_reversed", "bank-gateway", 0},
      .hops = {{"bank-called", "payment_data_collected", "bank_api_called", "payment_reversed",
                30 * kSecond},
               {"bank-answered", "bank_api_called", "bank_response_received", "", kMinute},
               {"ledger-updated", "bank_response_received", "ledger_updated", "payment_reversed",
                30 * kSecond},
               {"invoice-generated", "ledger_updated", "invoice_generated", "payment_reversed",
                2 * kMinute},
               {"email-sent", "invoice_generated", "email_sent", "payment_reversed", 5 * kMinute}},
      .filter = {"attributes.amount > 5000", IsLargePayment},
      .make_attributes = PaymentAttributes,
      .make_key = PaymentKey,
  };
}

ShapeSpec Orders() {
  return {
      .name = "orders",
      .key_attribute = "order_id",
      .steps = {{"order_created", "checkout", 0},
                {"order_shipped", "warehouse", 20 * kMinute},
                {"order_delivered", "courier", 45 * kMinute}},
      .cancel = {"order_cancelled", "checkout", 0},
      .hops = {{"shipped", "order_created", "order_shipped", "order_cancelled", 20 * kMinute},
               {"delivered", "order_shipped", "order_delivered", "order_cancelled", 45 * kMinute},
               {"whole", "order_created", "order_delivered", "order_cancelled", 60 * kMinute}},
      .filter = {"attributes.city = \"Pune\"", IsOrderInPune},
      .make_attributes = OrderAttributes,
      .make_key = OrderKey,
  };
}

ShapeSpec Drivers() {
  return {
      .name = "drivers",
      .key_attribute = "order_id",
      .steps = {{"allocation_initiated", "dispatch", 0},
                {"driver_fetched", "fleet", kMinute},
                {"allocation_succeeded", "dispatch", 2 * kMinute}},
      .cancel = {"allocation_failed", "dispatch", 0},
      .hops = {{"fetched", "allocation_initiated", "driver_fetched", "allocation_failed", kMinute},
               {"succeeded", "driver_fetched", "allocation_succeeded", "allocation_failed",
                2 * kMinute},
               {"failed", "driver_fetched", "allocation_failed", "allocation_succeeded",
                2 * kMinute}},
      .filter = {"attributes.candidates < 4", HasFewCandidates},
      .make_attributes = DriverAttributes,
      .make_key = AllocationKey,
  };
}

// The rules that differ between the monitors on one hop; durations before scaling.
struct Variant {
  absl::string_view id;
  lapse::v1::FollowUp::OnRepeat on_repeat;
  int64_t grace_us;
  int64_t reorder_tolerance_us;
  int64_t clock_skew_us;
};

constexpr std::array<Variant, 3> kVariants = {{
    {"keep-first", lapse::v1::FollowUp::ON_REPEAT_KEEP_FIRST, 0, kWorkloadDisorderUs, kSecond},
    {"restart", lapse::v1::FollowUp::ON_REPEAT_RESTART, 5 * kSecond, kWorkloadDisorderUs, 0},
    {"stack", lapse::v1::FollowUp::ON_REPEAT_STACK, 30 * kSecond, 15 * kSecond, 3 * kSecond},
}};

// The defaults are left to the server, so that they are tried too.
constexpr Variant kFilteredVariant = {"filtered", lapse::v1::FollowUp::ON_REPEAT_UNSPECIFIED, 0,
                                      kWorkloadDisorderUs, kSecond};

void SetUnlessDefault(int64_t duration_us, int64_t default_us,
                      google::protobuf::Duration* (lapse::v1::FollowUp::*field)(),
                      lapse::v1::FollowUp& rule) {
  if (duration_us == default_us) return;
  google::protobuf::Duration* duration = (rule.*field)();
  duration->set_seconds(duration_us / kSecond);
  duration->set_nanos(static_cast<int32_t>(duration_us % kSecond * 1'000));
}

void SetPattern(absl::string_view type, absl::string_view key_attribute,
                lapse::v1::EventPattern& pattern) {
  pattern.set_event_type(std::string(type));
  pattern.set_key_attribute(std::string(key_attribute));
}

lapse::v1::Monitor MakeMonitor(const ShapeSpec& shape, const Hop& hop, const Variant& variant,
                               double time_scale) {
  using lapse::v1::FollowUp;
  lapse::v1::Monitor monitor;
  monitor.set_name(absl::StrFormat("monitors/%s-%s-%s", shape.name, hop.id, variant.id));
  monitor.set_display_name(
      absl::StrFormat("%s follows %s (%s)", hop.secondary, hop.primary, variant.id));
  FollowUp& rule = *monitor.mutable_follow_up();
  SetPattern(hop.primary, shape.key_attribute, *rule.mutable_primary());
  SetPattern(hop.secondary, shape.key_attribute, *rule.mutable_secondary());
  if (!hop.cancel.empty()) SetPattern(hop.cancel, shape.key_attribute, *rule.mutable_cancel());
  rule.set_on_repeat(variant.on_repeat);
  SetUnlessDefault(hop.within_us, 0, &FollowUp::mutable_within, rule);
  SetUnlessDefault(ScaleDuration(variant.grace_us, time_scale), 0, &FollowUp::mutable_grace, rule);
  SetUnlessDefault(ScaleDuration(variant.reorder_tolerance_us, time_scale),
                   limits::kDefaultReorderToleranceUs, &FollowUp::mutable_reorder_tolerance, rule);
  SetUnlessDefault(ScaleDuration(variant.clock_skew_us, time_scale), limits::kDefaultClockSkewUs,
                   &FollowUp::mutable_clock_skew, rule);
  return monitor;
}

}  // namespace

int64_t ScaleDuration(int64_t duration_us, double time_scale) {
  if (duration_us <= 0) return duration_us;
  return std::max<int64_t>(1, std::llround(static_cast<double>(duration_us) * time_scale));
}

ShapeSpec MakeShape(Shape shape, double time_scale) {
  ShapeSpec spec = shape == Shape::kPayments ? Payments()
                   : shape == Shape::kOrders ? Orders()
                                             : Drivers();
  for (Step& step : spec.steps) step.within_us = ScaleDuration(step.within_us, time_scale);
  for (Hop& hop : spec.hops) hop.within_us = ScaleDuration(hop.within_us, time_scale);
  return spec;
}

std::vector<WorkloadMonitor> MakeMonitors(const ShapeSpec& shape, const WorkloadOptions& options) {
  std::vector<WorkloadMonitor> monitors;
  for (size_t i = 0; i < shape.hops.size(); ++i) {
    for (size_t v = 0; v < kVariants.size(); ++v) {
      if (!options.every_on_repeat && v != i % kVariants.size()) continue;
      monitors.push_back(
          {.monitor = MakeMonitor(shape, shape.hops[i], kVariants[v], options.time_scale)});
    }
  }
  WorkloadMonitor filtered = {
      .monitor = MakeMonitor(shape, shape.hops[0], kFilteredVariant, options.time_scale),
      .accepts_primary = shape.filter.accepts};
  filtered.monitor.mutable_follow_up()->mutable_primary()->set_filter(
      std::string(shape.filter.text));
  monitors.push_back(std::move(filtered));
  return monitors;
}

}  // namespace lapse::bench
