// `lapsectl notifiers ...`.

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/names.h"
#include "base/status_macros.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/notifier_view.h"
#include "cli/resource_check.h"
#include "cli/resource_file.h"
#include "cli/rpc.h"
#include "lapse/v1/notifier_service.grpc.pb.h"

namespace lapse::cli {
namespace {

using lapse::v1::Delivery;
using lapse::v1::EmailNotifier;
using lapse::v1::Notifier;
using lapse::v1::NotifierService;
using Stub = NotifierService::Stub;

struct NameOptions {
  std::string id;

  std::string name() const { return FullName(kNotifierCollection, id); }
};

void NameFlags(CLI::App& command, NameOptions& o) {
  command.add_option("ID", o.id, "The notifier, such as ops")->required();
}

void PrintNotifier(Context& context, const Notifier& notifier) {
  context.Print(notifier,
                [&] { return NotifierFields(notifier, context.view_time(), context.style()); });
}

struct EditOptions : NameOptions {
  std::string etag;
  std::vector<std::function<void(Notifier&)>> edits;
  std::set<std::string> paths;

  void Add(const std::string& path, std::function<void(Notifier&)> edit) {
    paths.insert(path);
    edits.push_back(std::move(edit));
  }
  void ApplyTo(Notifier& notifier) const {
    for (const auto& edit : edits) edit(notifier);
  }
};

using SetText = void (*)(Notifier&, const std::string&);

void AddText(CLI::App& command, EditOptions& o, const std::string& flag, const std::string& path,
             SetText set, const std::string& help) {
  const auto add = [&o, path, set](const std::string& text) {
    o.Add(path, [set, text](Notifier& notifier) { set(notifier, text); });
  };
  command.add_option_function<std::string>(flag, add, help);
}

void AddNumber(CLI::App& command, EditOptions& o, const std::string& flag,
               void (EmailNotifier::*set)(int), const std::string& help) {
  const auto add = [&o, set](const int& number) {
    o.Add("email", [set, number](Notifier& n) { (n.mutable_email()->*set)(number); });
  };
  command.add_option_function<int>(flag, add, help);
}

void AddServer(CLI::App& command, EditOptions& o) {
  AddText(
      command, o, "--host", "email",
      [](Notifier& n, const std::string& text) { n.mutable_email()->set_host(text); },
      "The SMTP server");
  AddNumber(command, o, "--port", &EmailNotifier::set_port, "Default 587, or 465 with tls");
  AddEnum(
      command, "--security", *EmailNotifier::Security_descriptor(),
      [&o](int number) {
        o.Add("email", [number](Notifier& n) {
          n.mutable_email()->set_security(static_cast<EmailNotifier::Security>(number));
        });
      },
      "Default starttls");
  AddText(
      command, o, "--username", "email",
      [](Notifier& n, const std::string& text) { n.mutable_email()->set_username(text); },
      "For AUTH");
  AddText(
      command, o, "--password-ref", "email",
      [](Notifier& n, const std::string& text) { n.mutable_email()->set_password_ref(text); },
      "Where the server finds the password: file:/path or env:NAME");
  AddText(
      command, o, "--ca-file", "email",
      [](Notifier& n, const std::string& text) { n.mutable_email()->set_ca_file(text); },
      "PEM file of the authorities to trust; default the system's");
  AddNumber(command, o, "--timeout-seconds", &EmailNotifier::set_timeout_seconds,
            "For one mail; default 30");
}

void AddEdits(CLI::App& command, EditOptions& o) {
  AddText(
      command, o, "--display-name", "display_name",
      [](Notifier& n, const std::string& text) { n.set_display_name(text); },
      "What people call it; default the id");
  AddServer(command, o);
  AddText(
      command, o, "--from", "email",
      [](Notifier& n, const std::string& text) { n.mutable_email()->set_from(text); },
      "Address of the sender");
  const auto set_to = [&o](const std::vector<std::string>& addresses) {
    o.Add("email", [addresses](Notifier& n) {
      n.mutable_email()->clear_to();
      for (const std::string& address : addresses) n.mutable_email()->add_to(address);
    });
  };
  command
      .add_option_function<std::vector<std::string>>(
          "--to", set_to, "Address of a receiver, in place of what was set; may be repeated")
      ->allow_extra_args(false);
}

void CreateFlags(CLI::App& command, EditOptions& o) {
  NameFlags(command, o);
  AddEdits(command, o);
}

absl::Status RunCreate(Context& context, const EditOptions& o) {
  lapse::v1::CreateNotifierRequest request;
  request.set_notifier_id(IdOf(o.id));
  request.mutable_notifier()->set_name(o.name());
  o.ApplyTo(*request.mutable_notifier());
  std::string problems;
  for (const FieldProblem& problem : CheckNotifier(request.notifier())) {
    absl::StrAppend(&problems, problems.empty() ? "" : "\n", problem.field, " ", problem.message);
  }
  if (!problems.empty()) {
    return UsageError(absl::StrCat(problems, "\nSee `lapsectl notifiers create --help`."));
  }
  ASSIGN_OR_RETURN(const Notifier notifier,
                   Call<NotifierService>(context, &Stub::CreateNotifier, request));
  PrintNotifier(context, notifier);
  return absl::OkStatus();
}

absl::StatusOr<Notifier> GetNotifier(Context& context, const std::string& name) {
  lapse::v1::GetNotifierRequest request;
  request.set_name(name);
  return Call<NotifierService>(context, &Stub::GetNotifier, request);
}

absl::Status RunGet(Context& context, const NameOptions& o) {
  ASSIGN_OR_RETURN(const Notifier notifier, GetNotifier(context, o.name()));
  PrintNotifier(context, notifier);
  return absl::OkStatus();
}

struct ListOptions {
  ListLimit limit;
};

void ListFlags(CLI::App& command, ListOptions& o) { AddListLimit(command, o.limit, "notifiers"); }

absl::Status RunList(Context& context, const ListOptions& o) {
  ASSIGN_OR_RETURN(
      const auto notifiers,
      List<NotifierService>(context, &Stub::ListNotifiers, lapse::v1::ListNotifiersRequest(),
                            o.limit.value(), &lapse::v1::ListNotifiersResponse::mutable_notifiers));
  context.PrintList(notifiers.items,
                    "There is no notifier yet. Make one with `lapsectl notifiers create`.",
                    [&] { return NotifierTable(notifiers.items, context.style()); });
  NoteMore(context, notifiers.more);
  return absl::OkStatus();
}

void UpdateFlags(CLI::App& command, EditOptions& o) {
  NameFlags(command, o);
  command.add_option("--etag", o.etag, "Only where the notifier still has this etag");
  AddEdits(command, o);
}

absl::Status RunUpdate(Context& context, const EditOptions& o) {
  if (o.edits.empty()) {
    return UsageError("Nothing to change. See `lapsectl notifiers update --help` for what can be.");
  }
  ASSIGN_OR_RETURN(Notifier notifier, GetNotifier(context, o.name()));
  o.ApplyTo(notifier);
  if (!o.etag.empty()) notifier.set_etag(o.etag);
  lapse::v1::UpdateNotifierRequest request;
  *request.mutable_notifier() = notifier;
  for (const std::string& path : o.paths) request.mutable_update_mask()->add_paths(path);
  ASSIGN_OR_RETURN(notifier, Call<NotifierService>(context, &Stub::UpdateNotifier, request));
  PrintNotifier(context, notifier);
  return absl::OkStatus();
}

struct DeleteOptions {
  std::vector<std::string> ids;
  std::string etag;
  bool allow_missing = false;
};

void DeleteFlags(CLI::App& command, DeleteOptions& o) {
  command.add_option("ID", o.ids, "The notifiers")->required();
  command.add_option("--etag", o.etag, "Only where the notifier still has this etag");
  command.add_flag("--allow-missing", o.allow_missing, "One that is not there is no error");
}

absl::Status RunDelete(Context& context, const DeleteOptions& o) {
  for (const std::string& id : o.ids) {
    lapse::v1::DeleteNotifierRequest request;
    request.set_name(FullName(kNotifierCollection, id));
    request.set_etag(o.etag);
    request.set_allow_missing(o.allow_missing);
    RETURN_IF_ERROR(Call<NotifierService>(context, &Stub::DeleteNotifier, request).status());
    context.PrintNote(absl::StrCat("Deleted ", request.name(), "."));
  }
  return absl::OkStatus();
}

absl::Status RunTest(Context& context, const NameOptions& o) {
  lapse::v1::TestNotifierRequest request;
  request.set_name(o.name());
  ASSIGN_OR_RETURN(const auto response,
                   Call<NotifierService>(context, &Stub::TestNotifier, request));
  context.Print(response, [&] {
    return absl::StrCat("Test message ", Printable(TryText(response.result())), "\n");
  });
  if (response.result().error().empty()) return absl::OkStatus();
  return PartlyRefused(
      absl::StrCat("The test message was not sent. See the notifier's settings with "
                   "`lapsectl notifiers get ",
                   IdOf(o.id), "`."));
}

struct DeliveriesOptions {
  std::string id;
  std::string alert;
  std::vector<Delivery::State> states;
  ListLimit limit;
};

void DeliveriesFlags(CLI::App& command, DeliveriesOptions& o) {
  command.add_option("ID", o.id, "The notifier; default all");
  command.add_option("--alert", o.alert, "Only about this alert");
  AddEnum(
      command, "--state", *Delivery::State_descriptor(),
      [&o](int number) { o.states.push_back(static_cast<Delivery::State>(number)); },
      "Only in this state; may be repeated", /*many=*/true);
  AddListLimit(command, o.limit, "deliveries");
}

absl::Status RunDeliveries(Context& context, const DeliveriesOptions& o) {
  lapse::v1::ListDeliveriesRequest request;
  request.set_parent(o.id.empty() ? "notifiers/-" : FullName(kNotifierCollection, o.id));
  if (!o.alert.empty()) request.set_alert(FullName(kAlertCollection, o.alert));
  for (const Delivery::State state : o.states) request.add_states(state);
  ASSIGN_OR_RETURN(const auto deliveries,
                   List<NotifierService>(context, &Stub::ListDeliveries, request, o.limit.value(),
                                         &lapse::v1::ListDeliveriesResponse::mutable_deliveries));
  context.PrintList(deliveries.items, "Nothing has been sent.", [&] {
    return DeliveryTable(deliveries.items, context.view_time(), context.style());
  });
  NoteMore(context, deliveries.more);
  return absl::OkStatus();
}

}  // namespace

void AddNotifiers(CLI::App& app, Context& context) {
  CLI::App& group = *AddGroup(app, "notifiers", "Where alerts are sent, and what was sent");
  AddCommand(group, context, "create", "Create a notifier that sends email", CreateFlags,
             RunCreate);
  AddCommand(group, context, "get", "Show a notifier", NameFlags, RunGet);
  AddCommand(group, context, "list", "List the notifiers", ListFlags, RunList);
  AddCommand(group, context, "update", "Change a notifier; what is not named stays", UpdateFlags,
             RunUpdate);
  AddCommand(group, context, "delete", "Delete notifiers that no monitor names", DeleteFlags,
             RunDelete);
  AddCommand(group, context, "test", "Send a test message at once", NameFlags, RunTest);
  AddCommand(group, context, "deliveries", "List what was sent, newest first", DeliveriesFlags,
             RunDeliveries);
}

}  // namespace lapse::cli
