#include "storage/state_store_rules.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/fingerprint.h"
#include "base/limits.h"

namespace lapse::storage {
namespace {

using lapse::v1::Delivery;

constexpr absl::string_view kDeliveriesInfix = "/deliveries/";

// Stored on disk and sent to receivers by way of the keys: never changes.
constexpr uint64_t kDeliveryKeySeed = 0x6c6170736b6579;

absl::Status NotFound(absl::string_view reason, absl::string_view what, absl::string_view name) {
  return MakeError(absl::StatusCode::kNotFound, reason,
                   absl::StrCat("there is no ", what, " ", Quoted(name)));
}

}  // namespace

std::string DeliveryName(absl::string_view notifier, int64_t number) {
  return absl::StrCat(notifier, kDeliveriesInfix, number);
}

absl::StatusOr<DeliveryId> ParseDeliveryName(absl::string_view name) {
  const size_t infix = name.rfind(kDeliveriesInfix);
  if (infix == absl::string_view::npos) return DeliveryNotFound(name);
  DeliveryId id{std::string(name.substr(0, infix))};
  if (!absl::SimpleAtoi(name.substr(infix + kDeliveriesInfix.size()), &id.number) ||
      DeliveryName(id.notifier, id.number) != name) {
    return DeliveryNotFound(name);
  }
  return id;
}

std::string AlertDeliveryKey(absl::string_view alert, int64_t version,
                             absl::string_view notifier_identity) {
  return FingerprintOf(kDeliveryKeySeed, {alert, absl::StrCat(version), notifier_identity}).ToHex();
}

std::string DigestDeliveryKey(int64_t number, absl::string_view notifier_identity) {
  return FingerprintOf(kDeliveryKeySeed, {"digest", absl::StrCat(number), notifier_identity})
      .ToHex();
}

absl::string_view NotifierIdentity(const lapse::v1::Notifier& notifier) {
  return notifier.uid().empty() ? notifier.name() : notifier.uid();
}

void AppendTry(const lapse::v1::DeliveryTry& attempt, Delivery* delivery) {
  auto* tries = delivery->mutable_tries();
  *tries->Add() = attempt;
  const int excess = tries->size() - limits::kMaxKeptTries;
  if (excess > 0) tries->DeleteSubrange(0, excess);
  delivery->set_try_count(delivery->try_count() + 1);
}

Delivery::State StateAfterTry(Delivery::State stored, Delivery::State reported) {
  if (stored == Delivery::STATE_PENDING || reported == Delivery::STATE_SENT) return reported;
  return stored;
}

std::string NewFeedId() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) absl::StrAppend(&id, absl::Hex(random(), absl::kZeroPad8));
  return id;
}

void DigestSamples::Add(const lapse::v1::Alert& alert) {
  if (full() || !names_.insert(alert.name()).second) return;
  newest_first_.push_back(alert);
}

bool DigestSamples::full() const { return newest_first_.size() >= limits::kMaxDigestSamples; }

std::vector<lapse::v1::Alert> DigestSamples::Take() && {
  std::reverse(newest_first_.begin(), newest_first_.end());
  return std::move(newest_first_);
}

absl::Status AlertNotFound(absl::string_view name) {
  return NotFound("ALERT_NOT_FOUND", "alert", name);
}

absl::Status DeliveryNotFound(absl::string_view name) {
  return NotFound("DELIVERY_NOT_FOUND", "delivery", name);
}

absl::Status NotifierNotFound(absl::string_view name) {
  return NotFound("NOTIFIER_NOT_FOUND", "notifier", name);
}

absl::Status NotifierExists(absl::string_view name) {
  return MakeError(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS",
                   absl::StrCat("there is a notifier ", Quoted(name), " already"));
}

absl::Status EtagStale(absl::string_view name) {
  return MakeError(
      absl::StatusCode::kAborted, "ETAG_STALE",
      absl::StrCat(Quoted(name), " has changed since its etag was read: read it again"));
}

absl::Status RequestNotFound(absl::string_view request_id) {
  return NotFound("REQUEST_NOT_FOUND", "create with request_id", request_id);
}

absl::Status NothingDue(absl::string_view notifier) {
  return MakeError(absl::StatusCode::kNotFound, "NOTHING_DUE",
                   absl::StrCat("no delivery to ", Quoted(notifier), " is due"));
}

absl::Status FeedTrimmed(int64_t asked, int64_t resumable_after) {
  return absl::OutOfRangeError(absl::StrCat("the feed's changes after ", asked,
                                            " are no longer all kept; it can be read after ",
                                            resumable_after));
}

}  // namespace lapse::storage
