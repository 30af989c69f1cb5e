// Filters: a text is refused with its column, or matches without a crash and tells ranges that hold
// what it matches.
#include <string>

#include "absl/status/status.h"
#include "base/filter/alert_fields.h"
#include "base/filter/event_fields.h"
#include "base/filter/filter.h"
#include "base/proto_time.h"
#include "lapse/v1/alert.pb.h"
#include "lapse/v1/event.pb.h"
#include "test/fuzz/fuzz_target.h"

namespace {

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

lapse::v1::Event AnEvent() {
  lapse::v1::Event event;
  event.set_id("id-1");
  event.set_source("checkout");
  event.set_type("order_created");
  lapse::SetTimestamp(1'700'000'000'000'000, event.mutable_occur_time());
  (*event.mutable_attributes())["order_id"].set_string_value("A-17");
  (*event.mutable_attributes())["amount"].set_double_value(12.5);
  (*event.mutable_attributes())["count"].set_int64_value(7);
  (*event.mutable_attributes())["express"].set_bool_value(true);
  return event;
}

void FuzzEvents(absl::string_view text) {
  const auto filter = lapse::Filter::Parse(text, lapse::EventSchema());
  FUZZ_CHECK(filter.ok() || absl::IsInvalidArgument(filter.status()));
  if (!filter.ok()) return;
  static const lapse::v1::Event* const event = new lapse::v1::Event(AnEvent());
  const bool matches = filter->Matches(lapse::EventFields(*event));
  const auto [min_us, max_us] = filter->RequiredTimeRange(lapse::kEventOccurTime);
  const int64_t time_us = lapse::ToMicros(event->occur_time());
  FUZZ_CHECK(!matches || (time_us >= min_us && time_us <= max_us));
  filter->RequiredEqualities();
}

void FuzzAlerts(absl::string_view text) {
  const auto filter = lapse::Filter::Parse(text, lapse::AlertSchema());
  FUZZ_CHECK(filter.ok() || absl::IsInvalidArgument(filter.status()));
  if (!filter.ok()) return;
  lapse::v1::Alert alert;
  alert.set_key("A-17");
  alert.set_state(lapse::v1::Alert::STATE_FIRING);
  filter->Matches(lapse::AlertFields(alert));
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lapse::fuzz::Input input(data, size);
  FuzzEvents(View(input.Rest()));
  FuzzAlerts(View(input.Rest()));
  return 0;
}
