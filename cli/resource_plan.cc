#include "cli/resource_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "cli/errors.h"
#include "cli/rpc.h"
#include "lapse/v1/event_service.grpc.pb.h"
#include "lapse/v1/monitor_service.grpc.pb.h"
#include "lapse/v1/notifier_service.grpc.pb.h"

namespace lapse::cli {
namespace {

using lapse::v1::EventPattern;
using lapse::v1::EventService;
using lapse::v1::Monitor;
using lapse::v1::MonitorService;
using lapse::v1::Notifier;
using lapse::v1::NotifierService;

// `status` with the place in the file of the field at fault, as far as the server named one.
absl::Status AtResource(const Resource& resource, const absl::Status& status) {
  if (status.ok()) return status;
  const ServerDetails details = DetailsFromServer(status);
  absl::string_view field = details.violations.empty() ? "" : details.violations.front().field;
  absl::ConsumePrefix(&field, resource.monitor() != nullptr ? "monitor." : "notifier.");
  return WithMessage(status, absl::StrCat(resource.Position(field), ": ", resource.name(), ": ",
                                          status.message()));
}

absl::StatusOr<Monitor> GetMonitor(Context& context, const std::string& name) {
  lapse::v1::GetMonitorRequest request;
  request.set_name(name);
  return Call<MonitorService>(context, &MonitorService::Stub::GetMonitor, request);
}

absl::StatusOr<Notifier> GetNotifier(Context& context, const std::string& name) {
  lapse::v1::GetNotifierRequest request;
  request.set_name(name);
  return Call<NotifierService>(context, &NotifierService::Stub::GetNotifier, request);
}

// The etag of what the server has; unset where it has none.
absl::StatusOr<std::optional<std::string>> PresentEtag(Context& context, const Resource& resource) {
  std::optional<std::string> etag;
  absl::Status status;
  if (resource.monitor() != nullptr) {
    const auto present = GetMonitor(context, resource.name());
    status = present.status();
    if (present.ok()) etag = present->etag();
  } else {
    const auto present = GetNotifier(context, resource.name());
    status = present.status();
    if (present.ok()) etag = present->etag();
  }
  if (status.code() == absl::StatusCode::kNotFound) return etag;
  RETURN_IF_ERROR(AtResource(resource, status));
  return etag;
}

const std::string& GivenEtag(const Resource& resource) {
  return resource.monitor() != nullptr ? resource.monitor()->etag() : resource.notifier()->etag();
}

absl::Status CheckEtag(const Resource& resource, const std::optional<std::string>& present) {
  const std::string& given = GivenEtag(resource);
  if (given.empty() || given == present.value_or("")) return absl::OkStatus();
  return Conflict(absl::StrCat(
      resource.Position("etag"), ": ", resource.name(),
      present.has_value() ? " has changed since this file was read from the server"
                          : " is no longer on the server",
      ". Read it again, or leave the etag out of the file to apply it all the same. Nothing was "
      "changed."));
}

// Has the server parse the filter, by listing the first event that matches.
absl::Status CheckFilter(Context& context, const Resource& resource, const std::string& role,
                         const EventPattern& pattern) {
  if (pattern.filter().empty()) return absl::OkStatus();
  lapse::v1::ListEventsRequest request;
  request.set_filter(pattern.filter());
  request.set_page_size(1);
  absl::Status status =
      Call<EventService>(context, &EventService::Stub::ListEvents, request).status();
  if (status.ok()) return status;
  const std::string position = resource.Position(absl::StrCat("follow_up.", role, ".filter"));
  return WithMessage(status, absl::StrCat(position, ": ", resource.name(), ": ", status.message()));
}

absl::Status CheckFilters(Context& context, const Resource& resource) {
  const lapse::v1::FollowUp& follow_up = resource.monitor()->follow_up();
  RETURN_IF_ERROR(CheckFilter(context, resource, "primary", follow_up.primary()));
  RETURN_IF_ERROR(CheckFilter(context, resource, "secondary", follow_up.secondary()));
  return CheckFilter(context, resource, "cancel", follow_up.cancel());
}

absl::Status CheckNotifiers(Context& context, const Resource& resource,
                            std::set<std::string>* known) {
  for (int i = 0; i < resource.monitor()->notifiers_size(); ++i) {
    const std::string& name = resource.monitor()->notifiers(i);
    if (known->count(name) > 0) continue;
    const absl::Status status = GetNotifier(context, name).status();
    if (!status.ok()) {
      const std::string position = resource.Position(absl::StrCat("notifiers[", i, "]"));
      return WithMessage(status, absl::StrCat(position, ": ", resource.name(), " names ", name,
                                              ": ", status.message()));
    }
    known->insert(name);
  }
  return absl::OkStatus();
}

absl::StatusOr<Monitor> SetDisabled(Context& context, const Monitor& monitor, bool disabled) {
  if (disabled) {
    lapse::v1::DisableMonitorRequest request;
    request.set_name(monitor.name());
    return Call<MonitorService>(context, &MonitorService::Stub::DisableMonitor, request);
  }
  lapse::v1::EnableMonitorRequest request;
  request.set_name(monitor.name());
  return Call<MonitorService>(context, &MonitorService::Stub::EnableMonitor, request);
}

// Gives the etag after it.
absl::StatusOr<std::string> PutMonitor(Context& context, const Resource& resource,
                                       const std::optional<std::string>& etag) {
  Monitor monitor;
  if (etag.has_value()) {
    lapse::v1::UpdateMonitorRequest request;
    *request.mutable_monitor() = *resource.monitor();
    request.mutable_monitor()->set_etag(*etag);
    for (const char* path :
         {"display_name", "description", "severity", "labels", "notifiers", "follow_up"}) {
      request.mutable_update_mask()->add_paths(path);
    }
    ASSIGN_OR_RETURN(monitor,
                     Call<MonitorService>(context, &MonitorService::Stub::UpdateMonitor, request));
  } else {
    lapse::v1::CreateMonitorRequest request;
    request.set_monitor_id(resource.id);
    *request.mutable_monitor() = *resource.monitor();
    ASSIGN_OR_RETURN(monitor,
                     Call<MonitorService>(context, &MonitorService::Stub::CreateMonitor, request));
  }
  if (resource.disabled.has_value() && *resource.disabled != monitor.disabled()) {
    ASSIGN_OR_RETURN(monitor, SetDisabled(context, monitor, *resource.disabled));
  }
  return monitor.etag();
}

absl::StatusOr<std::string> PutNotifier(Context& context, const Resource& resource,
                                        const std::optional<std::string>& etag) {
  Notifier notifier;
  if (etag.has_value()) {
    lapse::v1::UpdateNotifierRequest request;
    *request.mutable_notifier() = *resource.notifier();
    request.mutable_notifier()->set_etag(*etag);
    for (const char* path : {"display_name", "email"}) {
      request.mutable_update_mask()->add_paths(path);
    }
    ASSIGN_OR_RETURN(
        notifier, Call<NotifierService>(context, &NotifierService::Stub::UpdateNotifier, request));
  } else {
    lapse::v1::CreateNotifierRequest request;
    request.set_notifier_id(resource.id);
    *request.mutable_notifier() = *resource.notifier();
    ASSIGN_OR_RETURN(
        notifier, Call<NotifierService>(context, &NotifierService::Stub::CreateNotifier, request));
  }
  return notifier.etag();
}

}  // namespace

absl::StatusOr<ResourcePlan> ResourcePlan::Make(Context& context,
                                                const std::vector<Resource>& resources) {
  ResourcePlan plan;
  std::set<std::string> notifiers;
  for (const Resource& resource : resources) {
    Step step = {&resource, std::nullopt};
    ASSIGN_OR_RETURN(step.etag, PresentEtag(context, resource));
    RETURN_IF_ERROR(CheckEtag(resource, step.etag));
    if (resource.notifier() != nullptr) notifiers.insert(resource.name());
    plan.steps_.push_back(std::move(step));
  }
  for (const Resource& resource : resources) {
    if (resource.monitor() == nullptr) continue;
    RETURN_IF_ERROR(CheckNotifiers(context, resource, &notifiers));
    RETURN_IF_ERROR(CheckFilters(context, resource));
  }
  std::stable_partition(plan.steps_.begin(), plan.steps_.end(),
                        [](const Step& step) { return step.resource->notifier() != nullptr; });
  return plan;
}

std::vector<Outcome> ResourcePlan::Preview() const {
  std::vector<Outcome> outcomes;
  for (const Step& step : steps_) {
    outcomes.push_back({step.resource->name(), step.etag.has_value()
                                                   ? "would be updated if it differs"
                                                   : "would be created"});
  }
  return outcomes;
}

absl::Status ResourcePlan::Carry(Context& context, std::vector<Outcome>* outcomes) const {
  for (const Step& step : steps_) {
    const Resource& resource = *step.resource;
    const absl::StatusOr<std::string> etag = resource.monitor() != nullptr
                                                 ? PutMonitor(context, resource, step.etag)
                                                 : PutNotifier(context, resource, step.etag);
    if (!etag.ok()) return AtResource(resource, etag.status());
    // The server keeps the etag where nothing differs.
    const char* result = !step.etag.has_value() ? "created"
                         : *step.etag == *etag  ? "unchanged"
                                                : "updated";
    outcomes->push_back({resource.name(), result});
  }
  return absl::OkStatus();
}

}  // namespace lapse::cli
