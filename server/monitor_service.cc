#include "server/monitor_service.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "server/lists.h"
#include "server/page_token.h"
#include "server/unary.h"

namespace lapse::server {
namespace {

using google::protobuf::Empty;
using lapse::v1::ListExpectationsRequest;
using lapse::v1::ListExpectationsResponse;
using lapse::v1::ListMonitorsRequest;
using lapse::v1::ListMonitorsResponse;
using lapse::v1::Monitor;

absl::StatusOr<ListMonitorsResponse> List(const MonitorCatalog& catalog,
                                          const ListMonitorsRequest& request) {
  ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  const PageQuery query = {"ListMonitors"};
  ASSIGN_OR_RETURN(const PagePlace place, ReadPageToken(query, request.page_token()));
  std::vector<Monitor> page = catalog.List(place.empty() ? "" : place[0], page_size);
  const bool more = static_cast<int>(page.size()) == page_size;
  ListMonitorsResponse response;
  if (CutPage(&page) || more)
    response.set_next_page_token(MakePageToken(query, {page.back().name()}));
  for (Monitor& monitor : page) *response.add_monitors() = std::move(monitor);
  return response;
}

PageQuery QueryOf(const ListExpectationsRequest& request) {
  PageQuery query = {"ListExpectations", request.parent(), request.key()};
  for (int verdict : request.verdicts()) query.push_back(absl::StrCat(verdict));
  return query;
}

absl::StatusOr<monitors::ExpectationQuery> MakeQuery(const ListExpectationsRequest& request,
                                                     const std::string& monitor_uid,
                                                     const PagePlace& place) {
  monitors::ExpectationQuery query{.monitor_uid = monitor_uid, .key = request.key()};
  for (int verdict : request.verdicts()) {
    if (!lapse::v1::Verdict_IsValid(verdict) || verdict == lapse::v1::VERDICT_UNSPECIFIED) {
      return InvalidField(
          "verdicts", "VERDICT_INVALID",
          absl::StrCat("verdicts has ", verdict, ", which is no verdict; see the enum Verdict"));
    }
    query.verdicts.push_back(static_cast<lapse::v1::Verdict>(verdict));
  }
  ASSIGN_OR_RETURN(query.page_size, PageSize(request.page_size()));
  std::pair<int64_t, int64_t> after;
  if (place.empty()) return query;
  if (place.size() != 2 || !absl::SimpleAtoi(place[0], &after.first) ||
      !absl::SimpleAtoi(place[1], &after.second)) {
    return absl::InternalError("page token of another form");
  }
  query.after = after;
  return query;
}

absl::StatusOr<monitors::ExpectationQuery> ReadQuery(const MonitorCatalog& catalog,
                                                     const ListExpectationsRequest& request) {
  ASSIGN_OR_RETURN(const PagePlace place, ReadPageToken(QueryOf(request), request.page_token()));
  ASSIGN_OR_RETURN(const Monitor monitor, catalog.Get(request.parent()));
  return MakeQuery(request, monitor.uid(), place);
}

ListExpectationsResponse MakeResponse(const ListExpectationsRequest& request,
                                      monitors::ExpectationPage page) {
  if (CutPage(&page.expectations)) {
    const lapse::v1::Expectation& last = page.expectations.back();
    page.next_after = {ToMicros(last.due_time()), last.primary_sequence()};
  }
  ListExpectationsResponse response;
  for (lapse::v1::Expectation& expectation : page.expectations) {
    *response.add_expectations() = std::move(expectation);
  }
  if (page.next_after.has_value()) {
    response.set_next_page_token(MakePageToken(
        QueryOf(request),
        {absl::StrCat(page.next_after->first), absl::StrCat(page.next_after->second)}));
  }
  return response;
}

template <typename Answer>
void AnswerListExpectations(const MonitorServiceContext& context,
                            const ListExpectationsRequest& request, Answer answer) {
  absl::StatusOr<monitors::ExpectationQuery> query = ReadQuery(context.catalog, request);
  if (!query.ok()) return answer(query.status());
  context.matcher.ListExpectations(
      *std::move(query), [&request, answer](absl::StatusOr<monitors::ExpectationPage> page) {
        if (!page.ok()) return answer(page.status());
        answer(MakeResponse(request, *std::move(page)));
      });
}

template <typename Answer>
void AnswerStats(const MonitorServiceContext& context, const std::string& name, Answer answer) {
  const absl::StatusOr<Monitor> monitor = context.catalog.Get(name);
  if (!monitor.ok()) return answer(monitor.status());
  context.matcher.GetMonitorStats(
      monitor->uid(),
      [name = monitor->name(), answer](absl::StatusOr<lapse::v1::MonitorStats> stats) {
        if (stats.ok()) stats->set_monitor(name);
        answer(std::move(stats));
      });
}

absl::StatusOr<Monitor> AddKeys(IndexedAttributeSet& indexed, absl::StatusOr<Monitor> monitor) {
  if (monitor.ok()) indexed.AddKeysOf(*monitor);
  return monitor;
}

}  // namespace

grpc::ServerUnaryReactor* MonitorService::CreateMonitor(
    grpc::CallbackServerContext* call, const lapse::v1::CreateMonitorRequest* request,
    Monitor* response) {
  return RunUnary(context_.executor, call, request, response,
                  [this](const lapse::v1::CreateMonitorRequest& create) {
                    return AddKeys(context_.indexed, context_.catalog.Create(create));
                  });
}

grpc::ServerUnaryReactor* MonitorService::GetMonitor(grpc::CallbackServerContext* call,
                                                     const lapse::v1::GetMonitorRequest* request,
                                                     Monitor* response) {
  return RunUnary(
      context_.executor, call, request, response,
      [this](const lapse::v1::GetMonitorRequest& get) { return context_.catalog.Get(get.name()); });
}

grpc::ServerUnaryReactor* MonitorService::ListMonitors(grpc::CallbackServerContext* call,
                                                       const ListMonitorsRequest* request,
                                                       ListMonitorsResponse* response) {
  return RunUnary(context_.executor, call, request, response,
                  [this](const ListMonitorsRequest& list) { return List(context_.catalog, list); });
}

grpc::ServerUnaryReactor* MonitorService::UpdateMonitor(
    grpc::CallbackServerContext* call, const lapse::v1::UpdateMonitorRequest* request,
    Monitor* response) {
  return RunUnary(context_.executor, call, request, response,
                  [this](const lapse::v1::UpdateMonitorRequest& update) {
                    return AddKeys(context_.indexed, context_.catalog.Update(update));
                  });
}

grpc::ServerUnaryReactor* MonitorService::DeleteMonitor(
    grpc::CallbackServerContext* call, const lapse::v1::DeleteMonitorRequest* request,
    Empty* response) {
  return RunUnary(context_.executor, call, request, response,
                  [this](const lapse::v1::DeleteMonitorRequest& remove) -> absl::StatusOr<Empty> {
                    RETURN_IF_ERROR(context_.catalog.Delete(remove));
                    return Empty();
                  });
}

grpc::ServerUnaryReactor* MonitorService::EnableMonitor(
    grpc::CallbackServerContext* call, const lapse::v1::EnableMonitorRequest* request,
    Monitor* response) {
  return RunUnary(context_.executor, call, request, response,
                  [this](const lapse::v1::EnableMonitorRequest& enable) {
                    return context_.catalog.Enable(enable);
                  });
}

grpc::ServerUnaryReactor* MonitorService::DisableMonitor(
    grpc::CallbackServerContext* call, const lapse::v1::DisableMonitorRequest* request,
    Monitor* response) {
  return RunUnary(context_.executor, call, request, response,
                  [this](const lapse::v1::DisableMonitorRequest& disable) {
                    return context_.catalog.Disable(disable);
                  });
}

grpc::ServerUnaryReactor* MonitorService::GetMonitorStats(
    grpc::CallbackServerContext* call, const lapse::v1::GetMonitorStatsRequest* request,
    lapse::v1::MonitorStats* response) {
  return RunUnaryLater(context_.executor, call, request, response,
                       [this](const lapse::v1::GetMonitorStatsRequest& get, auto answer) {
                         AnswerStats(context_, get.name(), std::move(answer));
                       });
}

grpc::ServerUnaryReactor* MonitorService::ListExpectations(grpc::CallbackServerContext* call,
                                                           const ListExpectationsRequest* request,
                                                           ListExpectationsResponse* response) {
  return RunUnaryLater(context_.executor, call, request, response,
                       [this](const ListExpectationsRequest& list, auto answer) {
                         AnswerListExpectations(context_, list, std::move(answer));
                       });
}

}  // namespace lapse::server
