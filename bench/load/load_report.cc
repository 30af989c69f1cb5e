#include "bench/load/load_report.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace lapse::bench {
namespace {

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  }
  return quoted + "\"";
}

}  // namespace

double Latencies::AtMs(double share) {
  if (values_us_.empty()) return 0;
  if (!sorted_) std::sort(values_us_.begin(), values_us_.end());
  sorted_ = true;
  const auto last = static_cast<double>(values_us_.size() - 1);
  return static_cast<double>(values_us_[static_cast<size_t>(share * last)]) / 1'000.0;
}

void LoadReport::AddUnsent(LoadClock& clock, int64_t events_per_request, int64_t now_us) {
  for (int64_t left = clock.UnsentAt(clock.measure_until_us()); left > 0; --left) {
    const int64_t scheduled_us = clock.Take(now_us);
    if (!clock.IsMeasured(scheduled_us)) continue;
    unsent += events_per_request;
    ack.Add(now_us - scheduled_us);
  }
}

void LoadReport::AddError(int code, const std::string& message) {
  ++errors[CodeName(code)];
  if (first_error.empty()) first_error = message;
}

std::string LoadReport::ToJson() {
  const double seconds = static_cast<double>(elapsed_us) / 1e6;
  const double rate = seconds > 0 ? static_cast<double>(events) / seconds : 0;
  const std::string codes = absl::StrJoin(errors, ", ", [](std::string* out, const auto& error) {
    absl::StrAppend(out, Quoted(error.first), ": ", error.second);
  });
  return absl::StrFormat(
      "{\"events_per_second\": %.1f, \"events\": %d, \"seconds\": %.3f, \"accepted\": %d, "
      "\"duplicates\": %d, \"rejected\": %d, \"unsent\": %d, \"acks\": %d, \"ack_p50_ms\": %.3f, "
      "\"ack_p99_ms\": %.3f, \"ack_max_ms\": %.3f, \"event_bytes\": %.1f, \"errors\": {%s}, "
      "\"first_error\": %s}",
      rate, events, seconds, accepted, duplicates, rejected, unsent,
      static_cast<int64_t>(ack.count()), ack.AtMs(0.5), ack.AtMs(0.99), ack.AtMs(1.0),
      mean_event_bytes, codes, Quoted(first_error));
}

std::string CodeName(int code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

}  // namespace lapse::bench
