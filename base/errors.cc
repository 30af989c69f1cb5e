#include "base/errors.h"

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace lapse {
namespace {

constexpr char kReasonUrl[] = "lapse/reason";
constexpr char kFieldUrl[] = "lapse/field";
constexpr char kRetryUrl[] = "lapse/retry_after_us";
constexpr size_t kMaxQuotedBytes = 80;

std::string PayloadOr(const absl::Status& status, const char* url) {
  const auto payload = status.GetPayload(url);
  return payload.has_value() ? std::string(*payload) : std::string();
}

absl::Status WithRetry(absl::Status status, int64_t retry_after_us) {
  status.SetPayload(kRetryUrl, absl::Cord(absl::StrCat(retry_after_us)));
  return status;
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message) {
  absl::Status status(code, message);
  status.SetPayload(kReasonUrl, absl::Cord(reason));
  return status;
}

absl::Status InvalidField(absl::string_view field, absl::string_view reason,
                          absl::string_view message) {
  absl::Status status = MakeError(absl::StatusCode::kInvalidArgument, reason, message);
  status.SetPayload(kFieldUrl, absl::Cord(field));
  return status;
}

absl::Status Overloaded(absl::string_view reason, absl::string_view message,
                        int64_t retry_after_us) {
  return WithRetry(MakeError(absl::StatusCode::kResourceExhausted, reason, message),
                   retry_after_us);
}

absl::Status Unavailable(absl::string_view reason, absl::string_view message,
                         int64_t retry_after_us) {
  return WithRetry(MakeError(absl::StatusCode::kUnavailable, reason, message), retry_after_us);
}

ErrorDetails DetailsOf(const absl::Status& status) {
  ErrorDetails details{PayloadOr(status, kReasonUrl), PayloadOr(status, kFieldUrl), std::nullopt};
  int64_t retry_after_us = 0;
  if (absl::SimpleAtoi(PayloadOr(status, kRetryUrl), &retry_after_us)) {
    details.retry_after_us = retry_after_us;
  }
  return details;
}

absl::Status WithFieldPrefix(const absl::Status& status, absl::string_view prefix) {
  if (status.ok()) return status;
  const std::string field = PayloadOr(status, kFieldUrl);
  absl::Status copy = status;
  copy.SetPayload(kFieldUrl, absl::Cord(field.empty() ? std::string(prefix)
                                                      : absl::StrCat(prefix, ".", field)));
  return copy;
}

std::string Quoted(absl::string_view value) {
  const absl::string_view shown = CutUtf8(value, kMaxQuotedBytes);
  return absl::StrCat("\"",
                      IsUtf8(shown) ? absl::Utf8SafeCHexEscape(shown) : absl::CHexEscape(shown),
                      shown.size() < value.size() ? "\"..." : "\"");
}

}  // namespace lapse
