#include "server/notifier_service.h"

#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/fingerprint.h"
#include "base/limits.h"
#include "base/names.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "google/protobuf/util/message_differencer.h"
#include "notifiers/validate.h"
#include "server/lists.h"
#include "server/page_token.h"
#include "server/unary.h"
#include "server/update_mask.h"

namespace lapse::server {
namespace {

using google::protobuf::Empty;
using google::protobuf::util::MessageDifferencer;
using lapse::v1::Delivery;
using lapse::v1::ListDeliveriesRequest;
using lapse::v1::ListDeliveriesResponse;
using lapse::v1::ListNotifiersRequest;
using lapse::v1::ListNotifiersResponse;
using lapse::v1::Notifier;

constexpr size_t kEtagDigits = 16;
constexpr char kAllNotifiers[] = "notifiers/-";

// What only the server sets, and the name.
const std::set<std::string>& FixedFields() {
  static const auto* const fields =
      new std::set<std::string>{"name", "uid", "etag", "create_time", "update_time"};
  return *fields;
}

std::string EtagOf(Notifier notifier) {
  notifier.clear_etag();
  return FingerprintOf(0, {notifier.SerializeAsString()}).ToHex().substr(0, kEtagDigits);
}

void FillDefaults(const std::string& id, Notifier* notifier) {
  if (notifier->display_name().empty()) notifier->set_display_name(id);
  if (!notifier->has_email()) return;
  lapse::v1::EmailNotifier* mail = notifier->mutable_email();
  if (mail->security() == lapse::v1::EmailNotifier::SECURITY_UNSPECIFIED) {
    mail->set_security(lapse::v1::EmailNotifier::SECURITY_STARTTLS);
  }
  if (mail->port() == 0)
    mail->set_port(mail->security() == lapse::v1::EmailNotifier::SECURITY_TLS ? 465 : 587);
  if (mail->timeout_seconds() == 0) mail->set_timeout_seconds(limits::kDefaultEmailTimeoutSeconds);
}

absl::Status CheckRequestId(const std::string& request_id) {
  if (request_id.size() <= limits::kMaxRequestIdBytes) return absl::OkStatus();
  return InvalidField("request_id", "REQUEST_ID_TOO_LONG",
                      absl::StrCat("request_id has ", request_id.size(), " bytes; at most ",
                                   limits::kMaxRequestIdBytes, " are allowed"));
}

absl::StatusOr<ListNotifiersResponse> List(storage::NotifierStore& store,
                                           const ListNotifiersRequest& request) {
  ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  const PageQuery query = {"ListNotifiers"};
  ASSIGN_OR_RETURN(const PagePlace place, ReadPageToken(query, request.page_token()));
  ASSIGN_OR_RETURN(std::vector<Notifier> page,
                   store.ListNotifiers(place.empty() ? "" : place[0], page_size));
  const bool more = static_cast<int>(page.size()) == page_size;
  ListNotifiersResponse response;
  if (CutPage(&page) || more)
    response.set_next_page_token(MakePageToken(query, {page.back().name()}));
  for (Notifier& notifier : page) *response.add_notifiers() = std::move(notifier);
  return response;
}

// The notifier that a parent names; empty for all.
absl::StatusOr<std::string> NotifierOf(const std::string& parent) {
  if (parent == kAllNotifiers) return std::string();
  RETURN_IF_ERROR(ParseResourceName(kNotifierCollection, parent, "parent").status());
  return parent;
}

absl::StatusOr<std::vector<Delivery::State>> StatesOf(const ListDeliveriesRequest& request) {
  std::vector<Delivery::State> states;
  for (int state : request.states()) {
    if (!Delivery::State_IsValid(state) || state == Delivery::STATE_UNSPECIFIED) {
      return InvalidField(
          "states", "STATE_INVALID",
          absl::StrCat("states has ", state, ", which is no state; see the enum Delivery.State"));
    }
    states.push_back(static_cast<Delivery::State>(state));
  }
  return states;
}

PageQuery QueryOf(const ListDeliveriesRequest& request) {
  PageQuery query = {"ListDeliveries", request.parent(), request.alert()};
  for (int state : request.states()) query.push_back(absl::StrCat(state));
  return query;
}

}  // namespace

grpc::ServerUnaryReactor* NotifierService::CreateNotifier(
    grpc::CallbackServerContext* call, const lapse::v1::CreateNotifierRequest* request,
    Notifier* response) {
  return RunUnary(
      context_.executor, call, request, response,
      [this](const lapse::v1::CreateNotifierRequest& create) { return Create(create); });
}

absl::StatusOr<Notifier> NotifierService::Create(const lapse::v1::CreateNotifierRequest& request) {
  RETURN_IF_ERROR(ValidateResourceId(request.notifier_id(), "notifier_id"));
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  MutexLock changing(change_mutex_);
  absl::StatusOr<Notifier> repeated =
      Repeated(ResourceName(kNotifierCollection, request.notifier_id()), request.request_id());
  if (repeated.ok() || !absl::IsNotFound(repeated.status())) return repeated;
  return CreateLocked(request.notifier_id(), request.notifier(), request.request_id());
}

absl::StatusOr<Notifier> NotifierService::Repeated(const std::string& name,
                                                   const std::string& request_id) {
  if (request_id.empty()) return absl::NotFoundError("");
  ASSIGN_OR_RETURN(Notifier first,
                   context_.notifiers.FindNotifierByRequestId(
                       request_id, context_.clock.NowUs() - limits::kRequestIdRetentionUs));
  if (first.name() == name) return first;
  return InvalidField("request_id", "REQUEST_ID_REUSED",
                      absl::StrCat("request_id ", Quoted(request_id), " was used to create ",
                                   Quoted(first.name())));
}

absl::StatusOr<Notifier> NotifierService::CreateLocked(const std::string& id,
                                                       const Notifier& wanted,
                                                       const std::string& request_id) {
  ASSIGN_OR_RETURN(const std::vector<Notifier> all,
                   context_.notifiers.ListNotifiers("", limits::kMaxNotifiers));
  if (all.size() >= limits::kMaxNotifiers) {
    return MakeError(
        absl::StatusCode::kResourceExhausted, "TOO_MANY_NOTIFIERS",
        absl::StrCat("There are ", all.size(), " notifiers, which is the most; delete one first"));
  }
  RETURN_IF_ERROR(notifiers::ValidateNotifier(wanted));
  Notifier notifier = wanted;
  FillDefaults(id, &notifier);
  notifier.set_name(ResourceName(kNotifierCollection, id));
  notifier.set_uid(uuids_.Next());
  const int64_t now_us = context_.clock.NowUs();
  SetTimestamp(now_us, notifier.mutable_create_time());
  SetTimestamp(now_us, notifier.mutable_update_time());
  notifier.set_etag(EtagOf(notifier));
  RETURN_IF_ERROR(context_.notifiers.CreateNotifier(notifier, request_id, now_us));
  return notifier;
}

grpc::ServerUnaryReactor* NotifierService::GetNotifier(grpc::CallbackServerContext* call,
                                                       const lapse::v1::GetNotifierRequest* request,
                                                       Notifier* response) {
  return RunUnary(
      context_.executor, call, request, response,
      [this](const lapse::v1::GetNotifierRequest& get) -> absl::StatusOr<Notifier> {
        RETURN_IF_ERROR(ParseResourceName(kNotifierCollection, get.name(), "name").status());
        return context_.notifiers.GetNotifier(get.name());
      });
}

grpc::ServerUnaryReactor* NotifierService::ListNotifiers(grpc::CallbackServerContext* call,
                                                         const ListNotifiersRequest* request,
                                                         ListNotifiersResponse* response) {
  return RunUnary(
      context_.executor, call, request, response,
      [this](const ListNotifiersRequest& list) { return List(context_.notifiers, list); });
}

grpc::ServerUnaryReactor* NotifierService::UpdateNotifier(
    grpc::CallbackServerContext* call, const lapse::v1::UpdateNotifierRequest* request,
    Notifier* response) {
  return RunUnary(
      context_.executor, call, request, response,
      [this](const lapse::v1::UpdateNotifierRequest& update) { return Update(update); });
}

absl::StatusOr<Notifier> NotifierService::Update(const lapse::v1::UpdateNotifierRequest& request) {
  const Notifier& wanted = request.notifier();
  ASSIGN_OR_RETURN(const std::string id,
                   ParseResourceName(kNotifierCollection, wanted.name(), "notifier.name"));
  MutexLock changing(change_mutex_);
  const absl::StatusOr<Notifier> present = context_.notifiers.GetNotifier(wanted.name());
  if (absl::IsNotFound(present.status()) && request.allow_missing() && wanted.etag().empty()) {
    RETURN_IF_ERROR(ValidateResourceId(id, "notifier.name"));
    return CreateLocked(id, wanted, "");
  }
  if (!present.ok()) return present.status();
  Notifier notifier = *present;
  RETURN_IF_ERROR(ApplyUpdateMask(request.update_mask(), wanted, FixedFields(), &notifier));
  RETURN_IF_ERROR(notifiers::ValidateNotifier(notifier));
  FillDefaults(id, &notifier);
  const bool unchanged = MessageDifferencer::Equals(notifier, *present);
  if (unchanged && (wanted.etag().empty() || wanted.etag() == present->etag())) return notifier;
  SetTimestamp(context_.clock.NowUs(), notifier.mutable_update_time());
  notifier.set_etag(EtagOf(notifier));
  RETURN_IF_ERROR(context_.notifiers.UpdateNotifier(notifier, wanted.etag()));
  return notifier;
}

grpc::ServerUnaryReactor* NotifierService::DeleteNotifier(
    grpc::CallbackServerContext* call, const lapse::v1::DeleteNotifierRequest* request,
    Empty* response) {
  return RunUnary(context_.executor, call, request, response,
                  [this](const lapse::v1::DeleteNotifierRequest& remove) -> absl::StatusOr<Empty> {
                    RETURN_IF_ERROR(Delete(remove));
                    return Empty();
                  });
}

absl::Status NotifierService::Delete(const lapse::v1::DeleteNotifierRequest& request) {
  RETURN_IF_ERROR(ParseResourceName(kNotifierCollection, request.name(), "name").status());
  MutexLock changing(change_mutex_);
  const absl::Status status = context_.catalog.RemoveNotifier(request.name(), [this, &request] {
    return context_.notifiers.DeleteNotifier(request.name(), request.etag());
  });
  return absl::IsNotFound(status) && request.allow_missing() ? absl::OkStatus() : status;
}

grpc::ServerUnaryReactor* NotifierService::TestNotifier(
    grpc::CallbackServerContext* call, const lapse::v1::TestNotifierRequest* request,
    lapse::v1::TestNotifierResponse* response) {
  return RunUnary(
      context_.slow_executor, call, request, response,
      [this](const lapse::v1::TestNotifierRequest& test)
          -> absl::StatusOr<lapse::v1::TestNotifierResponse> {
        RETURN_IF_ERROR(ParseResourceName(kNotifierCollection, test.name(), "name").status());
        ASSIGN_OR_RETURN(const Notifier notifier, context_.notifiers.GetNotifier(test.name()));
        lapse::v1::TestNotifierResponse tried;
        *tried.mutable_result() = context_.dispatcher.SendTest(notifier);
        return tried;
      });
}

grpc::ServerUnaryReactor* NotifierService::ListDeliveries(grpc::CallbackServerContext* call,
                                                          const ListDeliveriesRequest* request,
                                                          ListDeliveriesResponse* response) {
  return RunUnary(context_.executor, call, request, response,
                  [this](const ListDeliveriesRequest& list) { return Deliveries(list); });
}

absl::StatusOr<ListDeliveriesResponse> NotifierService::Deliveries(
    const ListDeliveriesRequest& request) {
  ASSIGN_OR_RETURN(const std::string notifier, NotifierOf(request.parent()));
  ASSIGN_OR_RETURN(const std::vector<Delivery::State> states, StatesOf(request));
  ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  const PageQuery query = QueryOf(request);
  ASSIGN_OR_RETURN(const PagePlace place, ReadPageToken(query, request.page_token()));
  int64_t before = INT64_MAX;
  if (!place.empty() && !absl::SimpleAtoi(place[0], &before))
    return absl::InternalError("page token of another form");
  ASSIGN_OR_RETURN(
      std::vector<storage::DeliveryStore::ListedDelivery> page,
      context_.deliveries.ListDeliveries(notifier, request.alert(), states, before, page_size));
  const bool more = static_cast<int>(page.size()) == page_size;
  const auto message_of = [](const auto& listed) -> const Delivery& { return listed.delivery; };
  ListDeliveriesResponse response;
  if (CutPage(&page, message_of) || more) {
    response.set_next_page_token(MakePageToken(query, {absl::StrCat(page.back().number)}));
  }
  for (auto& listed : page) *response.add_deliveries() = std::move(listed.delivery);
  return response;
}

}  // namespace lapse::server
