#include "test/simulation/requests.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "lapse/v1/monitor_service.pb.h"

namespace lapse::simulation {
namespace {

using lapse::v1::Event;
using lapse::v1::Monitor;

constexpr int64_t kMonitors = 3;

// Nothing of the request is kept, and the caller may rely on it.
bool IsRefusal(const absl::Status& status) {
  const std::string reason = DetailsOf(status).reason;
  return reason == "DISK_FULL" || reason == "LOG_QUEUE_FULL";
}

bool SameContent(const Event& a, const Event& b) {
  Event left = a;
  Event right = b;
  left.clear_id();
  right.clear_id();
  return left.ShortDebugString() == right.ShortDebugString();
}

}  // namespace

Requests::BatchRef Requests::NextBatch(int64_t now_us) {
  auto batch = std::make_shared<Batch>();
  batch->events = generator_.NextBatch(now_us);
  for (const Event& event : batch->events) {
    if (event.id().empty()) continue;
    const EventName name = {event.source(), event.id()};
    if (fates_.try_emplace(name).second) batch->fresh.push_back(name);
  }
  return batch;
}

void Requests::Send(const BatchRef& batch, Node& node) {
  batches_.push_back(batch);
  google::protobuf::RepeatedPtrField<Event> events(batch->events.begin(), batch->events.end());
  const absl::Status status = node.Append(
      std::move(events),
      [this, batch](absl::StatusOr<storage::AppendResult> result) { OnAnswer(*batch, result); });
  if (!status.ok()) batch->state = Batch::State::kRefused;
}

void Requests::OnAnswer(Batch& batch, const absl::StatusOr<storage::AppendResult>& result) {
  if (result.ok()) {
    batch.state = Batch::State::kAccepted;
    batch.answers = result->events;
  } else {
    batch.state = IsRefusal(result.status()) ? Batch::State::kRefused : Batch::State::kUncertain;
  }
}

void Requests::OnCrash() {
  for (const BatchRef& batch : batches_) {
    if (batch->state == Batch::State::kUnanswered) batch->state = Batch::State::kUncertain;
  }
  if (!changing_.empty()) uncertain_monitors_[changing_] = true;
  changing_.clear();
}

absl::Status Requests::Check(const Oracle& oracle) {
  for (const BatchRef& batch : batches_) {
    for (const Event& event : batch->events) {
      Fate& fate = fates_[{event.source(), event.id()}];
      fate.accepted |= batch->state == Batch::State::kAccepted;
      fate.uncertain |= batch->state == Batch::State::kUncertain;
    }
  }
  for (const BatchRef& batch : batches_) {
    RETURN_IF_ERROR(CheckBatch(*batch));
    if (batch->state == Batch::State::kAccepted) ++accepted_;
    if (batch->state == Batch::State::kRefused) ++refused_;
  }
  RETURN_IF_ERROR(CheckRefused());
  batches_.clear();
  return CheckMonitors(oracle);
}

absl::Status Requests::CheckBatch(const Batch& batch) const {
  switch (batch.state) {
    case Batch::State::kUnanswered:
      return absl::FailedPreconditionError("a request was never answered");
    case Batch::State::kRefused:
      return absl::OkStatus();
    case Batch::State::kUncertain:
      return CheckWhole(batch);
    case Batch::State::kAccepted:
      break;
  }
  if (batch.answers.size() != batch.events.size())
    return absl::FailedPreconditionError("a request was answered in part");
  for (size_t i = 0; i < batch.events.size(); ++i) {
    RETURN_IF_ERROR(CheckAnswer(batch.events[i], batch.answers[i]));
  }
  return absl::OkStatus();
}

absl::Status Requests::CheckAnswer(const Event& sent, const storage::AppendedEvent& answer) const {
  const std::string what = absl::StrCat("the acknowledgement of sequence ", answer.sequence,
                                        " for ", sent.ShortDebugString());
  const ReferenceEvent* const logged = log_.FindEvent(answer.sequence);
  if (logged == nullptr)
    return absl::DataLossError(absl::StrCat(what, ": the log has no such event"));
  const bool same_name = logged->event.source() == sent.source() &&
                         (sent.id().empty() || logged->event.id() == sent.id());
  if (!same_name) {
    return absl::DataLossError(
        absl::StrCat(what, ": the log has ", logged->event.ShortDebugString()));
  }
  const bool same = SameContent(logged->event, sent);
  if (!answer.duplicate && !same)
    return absl::DataLossError(absl::StrCat(what, ": its content has changed in the log"));
  if (answer.conflicting == (answer.duplicate && !same)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(what, ": conflicting is wrong"));
}

absl::Status Requests::CheckWhole(const Batch& batch) const {
  std::set<bool> present;
  for (const EventName& name : batch.fresh) present.insert(log_.HasEvent(name));
  if (present.size() < 2) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("of a request that was not answered, with ",
                                          batch.events[0].ShortDebugString(),
                                          ", the log has a part"));
}

absl::Status Requests::CheckRefused() const {
  for (const BatchRef& batch : batches_) {
    if (batch->state != Batch::State::kRefused) continue;
    for (const Event& event : batch->events) {
      if (event.id().empty()) continue;
      const Fate& fate = fates_.at({event.source(), event.id()});
      if (fate.accepted || fate.uncertain || !log_.HasEvent({event.source(), event.id()})) continue;
      return absl::DataLossError(
          absl::StrCat("the log has an event that was refused: ", event.ShortDebugString()));
    }
  }
  return absl::OkStatus();
}

Requests::MonitorRequest Requests::NextMonitorRequest() {
  using Kind = MonitorRequest::Kind;
  Dice& dice = generator_.dice();
  MonitorRequest request;
  request.id = absl::StrCat("m", dice.Below(kMonitors));
  static constexpr Kind kKinds[] = {Kind::kCreate, Kind::kCreate,    Kind::kCreate, Kind::kCreate,
                                    Kind::kToggle, Kind::kCondition, Kind::kLabel,  Kind::kDelete};
  request.kind = kKinds[dice.Below(8)];
  request.condition = generator_.NextCondition();
  request.label = absl::StrCat("label ", dice.Below(1'000));
  return request;
}

absl::StatusOr<Monitor> Requests::TryChange(const MonitorRequest& request,
                                            server::MonitorCatalog& catalog) {
  using Kind = MonitorRequest::Kind;
  const std::string name = absl::StrCat("monitors/", request.id);
  if (request.kind == Kind::kCreate) {
    lapse::v1::CreateMonitorRequest create;
    create.set_monitor_id(request.id);
    *create.mutable_monitor()->mutable_follow_up() = request.condition;
    return catalog.Create(create);
  }
  ASSIGN_OR_RETURN(Monitor monitor, catalog.Get(name));
  if (request.kind == Kind::kDelete) {
    lapse::v1::DeleteMonitorRequest remove;
    remove.set_name(name);
    RETURN_IF_ERROR(catalog.Delete(remove));
    return Monitor();
  }
  if (request.kind == Kind::kToggle && !monitor.disabled()) {
    lapse::v1::DisableMonitorRequest disable;
    disable.set_name(name);
    return catalog.Disable(disable);
  }
  if (request.kind == Kind::kToggle) {
    lapse::v1::EnableMonitorRequest enable;
    enable.set_name(name);
    return catalog.Enable(enable);
  }
  lapse::v1::UpdateMonitorRequest update;
  update.mutable_monitor()->set_name(name);
  if (request.kind == Kind::kLabel) {
    update.mutable_monitor()->set_display_name(request.label);
    update.mutable_update_mask()->add_paths("display_name");
  } else {
    *update.mutable_monitor()->mutable_follow_up() = request.condition;
    update.mutable_update_mask()->add_paths("follow_up");
  }
  return catalog.Update(update);
}

void Requests::ChangeMonitor(const MonitorRequest& request, Node& node) {
  const std::string name = absl::StrCat("monitors/", request.id);
  changing_ = name;
  const absl::StatusOr<Monitor> result = TryChange(request, node.catalog());
  changing_.clear();
  if (result.ok()) {
    monitors_[name] = result->name().empty() ? std::optional<Monitor>() : *result;
  } else if (!IsRefusal(result.status()) && !absl::IsNotFound(result.status()) &&
             !absl::IsAlreadyExists(result.status())) {
    uncertain_monitors_[name] = true;
  }
}

absl::Status Requests::CheckMonitors(const Oracle& oracle) {
  std::map<std::string, const MonitorModel*> living;
  for (const auto& [uid, monitor] : oracle.monitors()) {
    if (monitor.in_force != 0) living[monitor.name] = &monitor;
  }
  for (const auto& [name, answered] : monitors_) {
    if (uncertain_monitors_[name]) continue;
    const auto found = living.find(name);
    const bool same = answered.has_value()
                          ? found != living.end() && found->second->uid == answered->uid() &&
                                found->second->in_force == answered->revision() &&
                                found->second->disabled == answered->disabled()
                          : found == living.end();
    if (same) continue;
    return absl::DataLossError(
        absl::StrCat(name, " is not what was acknowledged: ",
                     answered.has_value() ? answered->ShortDebugString() : std::string("deleted")));
  }
  return absl::OkStatus();
}

std::optional<lapse::internal::v1::ControlRecord> Requests::NextClose(const ReferenceFeed& feed) {
  if (feed.alerts().empty()) return std::nullopt;
  auto chosen = feed.alerts().begin();
  std::advance(chosen, generator_.dice().Below(static_cast<int64_t>(feed.alerts().size())));
  const lapse::v1::Alert& alert = chosen->second.back();
  lapse::internal::v1::ControlRecord control;
  lapse::internal::v1::AlertClose& close = *control.mutable_alert_close();
  close.set_monitor_uid(alert.monitor_uid());
  close.set_revision(alert.revision());
  close.set_key(alert.key());
  close.set_primary_sequence(alert.primary_event().sequence());
  close.set_note("closed by hand");
  return control;
}

}  // namespace lapse::simulation
