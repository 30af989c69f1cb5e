#include "cli/notifier_view.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/proto_time.h"
#include "cli/human.h"
#include "cli/proto_names.h"

namespace lapse::cli {
namespace {

using lapse::v1::Delivery;
using lapse::v1::DeliveryTry;
using lapse::v1::EmailNotifier;
using lapse::v1::Notifier;

std::string SecurityText(const EmailNotifier& email) {
  if (email.security() == EmailNotifier::SECURITY_UNSPECIFIED) return "starttls";
  return absl::AsciiStrToLower(
      ShortEnumName(*EmailNotifier::Security_descriptor(), email.security()));
}

std::string ServerText(const Notifier& notifier) {
  if (!notifier.has_email()) return "";
  const EmailNotifier& email = notifier.email();
  const std::string port = email.port() == 0 ? "" : absl::StrCat(":", email.port());
  return absl::StrCat(email.host(), port, " (", SecurityText(email), ")");
}

Color StateColor(Delivery::State state) {
  if (state == Delivery::STATE_SENT) return Color::kGreen;
  if (state == Delivery::STATE_DEAD) return Color::kRed;
  return state == Delivery::STATE_PENDING ? Color::kYellow : Color::kNone;
}

std::string AboutText(const Delivery& delivery) {
  if (!delivery.alert().empty()) return IdOf(delivery.alert());
  return absl::StrCat("digest of ", delivery.digested_count());
}

}  // namespace

std::string NotifierTable(const std::vector<Notifier>& notifiers, const TableStyle& style) {
  Table table({{"ID"}, {"KIND"}, {"SERVER"}, {"FROM"}, {"TO", false, true}});
  for (const Notifier& notifier : notifiers) {
    table.Add({{IdOf(notifier.name())},
               {notifier.has_email() ? "email" : ""},
               {ServerText(notifier)},
               {notifier.email().from()},
               {absl::StrJoin(notifier.email().to(), ", ")}});
  }
  return table.Render(style);
}

std::string NotifierFields(const Notifier& notifier, const ViewTime& time,
                           const TableStyle& style) {
  const EmailNotifier& email = notifier.email();
  return RenderFields(
      {
          {"name", {notifier.name()}},
          {"display name", {notifier.display_name()}},
          {"kind", {notifier.has_email() ? "email" : ""}},
          {"server", {ServerText(notifier)}},
          {"username", {email.username()}},
          {"password", {email.password_ref()}},
          {"from", {email.from()}},
          {"to", {absl::StrJoin(email.to(), ", ")}},
          {"ca file", {email.ca_file()}},
          {"timeout",
           {email.timeout_seconds() == 0 ? "" : absl::StrCat(email.timeout_seconds(), "s")}},
          {"uid", {notifier.uid()}},
          {"etag", {notifier.etag()}},
          {"created", {TimeText(notifier.has_create_time(), notifier.create_time(), time)}},
          {"updated", {TimeText(notifier.has_update_time(), notifier.update_time(), time)}},
      },
      style);
}

std::string DeliveryTable(const std::vector<Delivery>& deliveries, const ViewTime& time,
                          const TableStyle& style) {
  Table table({{"CREATED"},
               {"NOTIFIER"},
               {"STATE"},
               {"ABOUT"},
               {"TRIES", true},
               {"NEXT TRY"},
               {"LAST TRY", false, true}});
  for (const Delivery& delivery : deliveries) {
    // notifiers/{id}/deliveries/{id}
    const absl::string_view name = delivery.name();
    const std::string notifier = IdOf(name.substr(0, name.find("/deliveries/")));
    table.Add({{TimeText(delivery.has_create_time(), delivery.create_time(), time)},
               {notifier},
               {ShortEnumName(*Delivery::State_descriptor(), delivery.state()),
                StateColor(delivery.state())},
               {AboutText(delivery)},
               {absl::StrCat(delivery.try_count())},
               {TimeText(delivery.has_next_try_time(), delivery.next_try_time(), time)},
               {delivery.tries().empty() ? "" : TryText(*delivery.tries().rbegin())}});
  }
  return table.Render(style);
}

std::string TryText(const DeliveryTry& attempt) {
  const bool timed = attempt.has_start_time() && attempt.has_end_time();
  const std::string took =
      timed ? ShortDuration(ToMicros(attempt.end_time()) - ToMicros(attempt.start_time())) : "";
  const std::string code =
      attempt.status_code() == 0 ? "" : absl::StrCat(" (", attempt.status_code(), ")");
  if (attempt.error().empty()) return absl::StrCat("sent", timed ? " in " : "", took, code);
  return absl::StrCat("failed", timed ? " after " : "", took, code, ": ", attempt.error());
}

}  // namespace lapse::cli
