#include "notifiers/lane.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/fingerprint.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "notifiers/retry_policy.h"
#include "notifiers/text.h"
#include "spdlog/spdlog.h"

namespace lapse::notifiers {
namespace {

using lapse::v1::Delivery;
using lapse::v1::DeliveryTry;
using lapse::v1::Notifier;
using storage::DueDelivery;

constexpr int64_t kStoreRetryUs = limits::kMicrosPerSecond;
// Far more deliveries than can have been sent in a minute.
constexpr int kRestoredDeliveries = 200;
constexpr int kGiveUpBatch = 100;

bool IsDigest(const Delivery& delivery) { return delivery.alert().empty(); }

uint64_t SeedOf(const std::string& text) { return FingerprintOf(0, {text}).low; }

Message MessageOf(const DueDelivery& due) {
  Message message;
  message.kind = IsDigest(due.delivery) ? Message::Kind::kDigest : Message::Kind::kAlert;
  message.idempotency_key = due.delivery.idempotency_key();
  message.create_time_us = ToMicros(due.delivery.create_time());
  message.alert = due.alert;
  message.samples = due.samples;
  message.digested_count = due.delivery.digested_count();
  return message;
}

void LogTry(const Delivery& delivery, const SendResult& result, Delivery::State state) {
  const std::string what = delivery.alert().empty() ? "digest" : delivery.alert();
  if (state == Delivery::STATE_SENT && result.error.empty()) {
    spdlog::info("{} ({}): sent", delivery.name(), what);
  } else {
    spdlog::warn("{} ({}): {}: {}", delivery.name(), what,
                 state == Delivery::STATE_SENT   ? "sent to some"
                 : state == Delivery::STATE_DEAD ? "given up"
                                                 : "will be tried again",
                 result.error);
  }
}

}  // namespace

DeliveryTry TryOf(const SendResult& result, int64_t start_time_us, int64_t end_time_us) {
  DeliveryTry attempt;
  SetTimestamp(start_time_us, attempt.mutable_start_time());
  SetTimestamp(end_time_us, attempt.mutable_end_time());
  attempt.set_error(result.error);
  attempt.set_status_code(result.status_code);
  return attempt;
}

SendResult SendThrough(Channels& channels, const Message& message, const Notifier& notifier) {
  const auto found = channels.find(notifier.kind_case());
  if (found != channels.end()) return found->second->Send(message, notifier);
  SendResult result;
  result.outcome = SendOutcome::kMisconfigured;
  result.error = "the notifier is of a kind that this server cannot send to";
  return result;
}

Lane::Lane(std::string notifier_name, LaneContext& context)
    : notifier_name_(std::move(notifier_name)), context_(context) {}

int64_t Lane::Run() {
  bool more = true;
  int64_t wait_until_us = kNoWaitUs;
  while (more && !context_.stopping.load()) {
    more = false;
    const absl::StatusOr<int64_t> step = Step(&more);
    if (!step.ok()) {
      // Deleting a notifier ends its deliveries: what was found due has ended meanwhile.
      if (!absl::IsNotFound(step.status())) {
        spdlog::error("{}: deliveries cannot be read or written: {}", notifier_name_,
                      step.status().ToString());
      }
      return std::max(hold_until_us_, context_.clock.NowUs() + kStoreRetryUs);
    }
    wait_until_us = *step;
  }
  return wait_until_us;
}

absl::StatusOr<int64_t> Lane::Step(bool* more) {
  ASSIGN_OR_RETURN(const Notifier notifier, context_.notifiers.GetNotifier(notifier_name_));
  RETURN_IF_ERROR(RestoreRate());
  const int64_t now_us = context_.clock.NowUs();
  if (hold_until_us_ > now_us) return hold_until_us_;
  ASSIGN_OR_RETURN(const int64_t due_count,
                   context_.deliveries.CountDueDeliveries(notifier_name_, now_us));
  const SendPlan plan = rate_.Plan(now_us, due_count);
  switch (plan.action) {
    case SendPlan::Action::kIdle:
      return kNoWaitUs;
    case SendPlan::Action::kWait:
      return plan.until_us;
    case SendPlan::Action::kMakeDigest:
      *more = true;
      RETURN_IF_ERROR(MakeDigest());
      return kNoWaitUs;
    case SendPlan::Action::kSendOne:
      return SendOldest(notifier, more);
  }
  return kNoWaitUs;
}

absl::Status Lane::MakeDigest() {
  const absl::StatusOr<Delivery> digest =
      context_.deliveries.MakeDigest(notifier_name_, context_.clock.NowUs());
  // None: it ended since it was counted, as by its notifier's deletion.
  if (!digest.ok() && !absl::IsNotFound(digest.status())) return digest.status();
  rate_.DigestMade();
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Lane::SendOldest(const Notifier& notifier, bool* more) {
  const int64_t now_us = context_.clock.NowUs();
  ASSIGN_OR_RETURN(const std::vector<DueDelivery> due,
                   context_.deliveries.ListDueDeliveries(notifier_name_, now_us, 1));
  // It ended since it was counted, as by its notifier's deletion.
  if (due.empty()) return now_us + kStoreRetryUs;
  *more = true;
  RETURN_IF_ERROR(Try(notifier, due.front()));
  return kNoWaitUs;
}

absl::Status Lane::Try(const Notifier& notifier, const DueDelivery& due) {
  const int64_t start_time_us = context_.clock.NowUs();
  const SendResult result = SendThrough(context_.channels, MessageOf(due), notifier);
  if (result.may_have_arrived) rate_.Add(context_.clock.NowUs());
  HoldAfter(result);
  absl::Status recorded = Record(due, result, start_time_us);
  if (!recorded.ok()) {
    // It stays due: without a growing wait a full disk would send the same mail every second.
    ++failure_count_;
    hold_until_us_ = context_.clock.NowUs() +
                     BackoffUs(SendOutcome::kMisconfigured, failure_count_, SeedOf(notifier_name_));
    return recorded;
  }
  if (hold_until_us_ > context_.clock.NowUs()) return GiveUpOld(result.error);
  return absl::OkStatus();
}

void Lane::HoldAfter(const SendResult& result) {
  const bool nothing_works =
      result.outcome == SendOutcome::kReceiverDown || result.outcome == SendOutcome::kMisconfigured;
  if (!nothing_works) {
    failure_count_ = 0;
    return;
  }
  ++failure_count_;
  hold_until_us_ =
      context_.clock.NowUs() + BackoffUs(result.outcome, failure_count_, SeedOf(notifier_name_));
}

absl::Status Lane::Record(const DueDelivery& due, const SendResult& result, int64_t start_time_us) {
  const int64_t now_us = context_.clock.NowUs();
  const TryDecision decision = DecideAfterTry(result.outcome, due.delivery.try_count() + 1,
                                              ToMicros(due.delivery.create_time()), now_us,
                                              SeedOf(due.delivery.idempotency_key()));
  RETURN_IF_ERROR(context_.deliveries.RecordTry(due.delivery.name(),
                                                TryOf(result, start_time_us, now_us),
                                                decision.state, decision.next_try_time_us));
  LogTry(due.delivery, result, decision.state);
  if (result.outcome != SendOutcome::kSent) ++context_.counters.failed_tries;
  if (decision.state == Delivery::STATE_SENT) ++context_.counters.sent;
  if (decision.state == Delivery::STATE_DEAD) ++context_.counters.dead;
  return absl::OkStatus();
}

// While the receiver is down only one delivery is tried at a time: those that grew too old
// meanwhile end with it.
absl::Status Lane::GiveUpOld(const std::string& error) {
  const int64_t now_us = context_.clock.NowUs();
  ASSIGN_OR_RETURN(const std::vector<DueDelivery> due,
                   context_.deliveries.ListDueDeliveries(notifier_name_, now_us, kGiveUpBatch));
  SendResult result;
  result.outcome = SendOutcome::kReceiverDown;
  result.error = OneLine(absl::StrCat("too old to be tried again; the last one failed: ", error),
                         limits::kMaxTryErrorBytes);
  for (const DueDelivery& one : due) {
    const int64_t age_us = now_us - ToMicros(one.delivery.create_time());
    if (age_us >= limits::kMaxDeliveryAgeUs) RETURN_IF_ERROR(Record(one, result, now_us));
  }
  return absl::OkStatus();
}

// Counts the recorded tries of the last minute that were accepted, or went unanswered after the
// message was handed over.
absl::Status Lane::RestoreRate() {
  if (rate_restored_) return absl::OkStatus();
  const int64_t now_us = context_.clock.NowUs();
  // Two lists, so that many that wait do not hide those that were sent.
  for (const Delivery::State state : {Delivery::STATE_SENT, Delivery::STATE_PENDING}) {
    ASSIGN_OR_RETURN(const auto listed,
                     context_.deliveries.ListDeliveries(notifier_name_, "", {state}, INT64_MAX,
                                                        kRestoredDeliveries));
    for (const auto& [number, delivery] : listed) {
      for (const DeliveryTry& attempt : delivery.tries()) {
        const bool may_have_arrived = attempt.status_code() > 0 && attempt.status_code() < 400;
        const int64_t end_us = ToMicros(attempt.end_time());
        if (may_have_arrived && now_us - end_us < limits::kMicrosPerMinute) rate_.Add(end_us);
      }
    }
  }
  rate_restored_ = true;
  return absl::OkStatus();
}

}  // namespace lapse::notifiers
