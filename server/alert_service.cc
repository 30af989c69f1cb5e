#include "server/alert_service.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/filter/alert_fields.h"
#include "base/filter/filter.h"
#include "base/limits.h"
#include "base/names.h"
#include "base/status_macros.h"
#include "server/append_control.h"
#include "server/lists.h"
#include "server/page_token.h"
#include "server/refused_stream.h"
#include "server/unary.h"

namespace lapse::server {
namespace {

using lapse::v1::Alert;
using storage::FeedPosition;

// What one ListAlerts call may read before it gives a short page.
constexpr int kScanLimit = 10'000;
constexpr int64_t kCloseWaitUs = 5 * limits::kMicrosPerSecond;

absl::StatusOr<AlertStream::Matches> ParseAlertFilter(const std::string& text) {
  ASSIGN_OR_RETURN(Filter filter, Filter::Parse(text, AlertSchema()));
  return AlertStream::Matches([filter = std::move(filter)](const Alert& alert) {
    return filter.Matches(AlertFields(alert));
  });
}

absl::Status CursorOutOfRange(absl::string_view reason, absl::string_view why) {
  return MakeError(absl::StatusCode::kOutOfRange, reason,
                   absl::StrCat("cursor ", why, "; start again without it"));
}

lapse::internal::v1::ControlRecord CloseRecord(const Alert& alert, const std::string& note) {
  lapse::internal::v1::ControlRecord control;
  lapse::internal::v1::AlertClose* close = control.mutable_alert_close();
  close->set_monitor_uid(alert.monitor_uid());
  close->set_revision(alert.revision());
  close->set_key(alert.key());
  close->set_primary_sequence(alert.primary_event().sequence());
  close->set_note(note);
  return control;
}

absl::Status CheckClosable(const Alert& alert) {
  if (alert.state() == Alert::STATE_FIRING) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "ALERT_RESOLVED",
      absl::StrCat(alert.name(), " is resolved already; only a firing alert can be closed"));
}

absl::Status CheckNote(const std::string& note) {
  if (note.size() <= limits::kMaxCloseNoteBytes) return absl::OkStatus();
  return InvalidField("note", "NOTE_TOO_LONG",
                      absl::StrCat("note has ", note.size(), " bytes; at most ",
                                   limits::kMaxCloseNoteBytes, " are allowed"));
}

// The call's deadline in microseconds, no later than `latest_us`.
int64_t DeadlineUs(const grpc::CallbackServerContext& call, int64_t latest_us) {
  const int64_t deadline_us =
      std::chrono::duration_cast<std::chrono::microseconds>(call.deadline().time_since_epoch())
          .count();
  return std::min(deadline_us, latest_us);
}

}  // namespace

grpc::ServerWriteReactor<lapse::v1::StreamAlertsResponse>* AlertService::StreamAlerts(
    grpc::CallbackServerContext* call, const lapse::v1::StreamAlertsRequest* request) {
  using Refused = RefusedStream<grpc::ServerWriteReactor<lapse::v1::StreamAlertsResponse>>;
  absl::StatusOr<AlertStream::Matches> matches = ParseAlertFilter(request->filter());
  if (!matches.ok()) return new Refused(matches.status());
  const absl::StatusOr<FeedPosition> start = StartOf(*request);
  if (!start.ok()) return new Refused(start.status());
  const auto stream = std::make_shared<AlertStream>(context_, call, *std::move(matches));
  if (!context_.registry.Add(stream)) {
    return new Refused(
        Unavailable("TOO_MANY_SUBSCRIBERS",
                    absl::StrCat("The server stops, or has its ", limits::kMaxSubscribers,
                                 " subscribers; try again later"),
                    limits::kMicrosPerSecond));
  }
  stream->Begin(*start);
  return stream.get();
}

absl::StatusOr<FeedPosition> AlertService::StartOf(const lapse::v1::StreamAlertsRequest& request) {
  if (request.cursor().empty()) return -1;
  ASSIGN_OR_RETURN(const FeedPosition position,
                   ReadAlertCursor(context_.hub.feed_id(), request.cursor()));
  ASSIGN_OR_RETURN(const storage::FeedInfo info, context_.store.GetFeedInfo());
  if (position > info.last) return CursorOutOfRange("CURSOR_IN_FUTURE", "is ahead of the feed");
  if (position < info.resumable_after) {
    return CursorOutOfRange("CURSOR_EXPIRED", "is older than the changes that are kept (7 days)");
  }
  return position;
}

grpc::ServerUnaryReactor* AlertService::GetAlert(grpc::CallbackServerContext* call,
                                                 const lapse::v1::GetAlertRequest* request,
                                                 Alert* response) {
  return RunUnary(context_.executor, call, request, response,
                  [this](const lapse::v1::GetAlertRequest& get) { return Get(get); });
}

absl::StatusOr<Alert> AlertService::Get(const lapse::v1::GetAlertRequest& request) {
  RETURN_IF_ERROR(ParseResourceName(kAlertCollection, request.name(), "name").status());
  return context_.store.GetAlert(request.name());
}

grpc::ServerUnaryReactor* AlertService::ListAlerts(grpc::CallbackServerContext* call,
                                                   const lapse::v1::ListAlertsRequest* request,
                                                   lapse::v1::ListAlertsResponse* response) {
  return RunUnary(context_.executor, call, request, response,
                  [this](const lapse::v1::ListAlertsRequest& list) { return List(list); });
}

absl::StatusOr<lapse::v1::ListAlertsResponse> AlertService::List(
    const lapse::v1::ListAlertsRequest& request) {
  ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  ASSIGN_OR_RETURN(const AlertStream::Matches matches, ParseAlertFilter(request.filter()));
  const PageQuery query = {"ListAlerts", request.filter()};
  ASSIGN_OR_RETURN(const PagePlace place, ReadPageToken(query, request.page_token()));
  FeedPosition before = INT64_MAX;
  if (!place.empty() && !absl::SimpleAtoi(place[0], &before))
    return absl::InternalError("page token of another form");
  ASSIGN_OR_RETURN(storage::AlertStore::AlertList list,
                   context_.store.ListAlerts(matches, before, page_size, kScanLimit));
  const auto message_of = [](const auto& listed) -> const Alert& { return listed.alert; };
  if (CutPage(&list.alerts, message_of)) list.next_before = list.alerts.back().first_position;
  lapse::v1::ListAlertsResponse response;
  for (storage::AlertStore::ListedAlert& listed : list.alerts)
    *response.add_alerts() = std::move(listed.alert);
  if (list.next_before.has_value()) {
    response.set_next_page_token(MakePageToken(query, {absl::StrCat(*list.next_before)}));
  }
  return response;
}

grpc::ServerUnaryReactor* AlertService::CloseAlert(grpc::CallbackServerContext* call,
                                                   const lapse::v1::CloseAlertRequest* request,
                                                   Alert* response) {
  const int64_t deadline_us = DeadlineUs(*call, context_.clock.NowUs() + kCloseWaitUs);
  return RunUnary(context_.executor, call, request, response,
                  [this, deadline_us](const lapse::v1::CloseAlertRequest& close) {
                    return Close(close, deadline_us);
                  });
}

absl::StatusOr<Alert> AlertService::Close(const lapse::v1::CloseAlertRequest& request,
                                          int64_t deadline_us) {
  RETURN_IF_ERROR(ParseResourceName(kAlertCollection, request.name(), "name").status());
  RETURN_IF_ERROR(CheckNote(request.note()));
  ASSIGN_OR_RETURN(const Alert alert, context_.store.GetAlert(request.name()));
  RETURN_IF_ERROR(CheckClosable(alert));
  RETURN_IF_ERROR(AppendControlAndWait(log_, CloseRecord(alert, request.note())).status());
  ASSIGN_OR_RETURN(Alert closed, context_.hub.AwaitResolved(request.name(), deadline_us));
  if (closed.state() == Alert::STATE_RESOLVED) return closed;
  return MakeError(absl::StatusCode::kDeadlineExceeded, "CLOSE_PENDING",
                   absl::StrCat("The close of ", request.name(),
                                " is recorded and will take effect; look again later"));
}

}  // namespace lapse::server
