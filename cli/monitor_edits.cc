#include "cli/monitor_edits.h"

#include <cstdint>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "base/names.h"
#include "base/proto_time.h"
#include "cli/command.h"
#include "cli/human.h"
#include "cli/resource_file.h"

namespace lapse::cli {
namespace {

using google::protobuf::Duration;
using lapse::v1::EventPattern;
using lapse::v1::FollowUp;
using lapse::v1::Monitor;

using SetText = std::function<void(Monitor&, const std::string&)>;

// Where a pattern stands in its condition.
using PatternOf = EventPattern* (FollowUp::*)();

void Add(MonitorEdits& edits, const std::string& path, std::function<void(Monitor&)> edit) {
  edits.paths.insert(path);
  edits.edits.push_back(std::move(edit));
}

CLI::Option* AddText(CLI::App& command, MonitorEdits& edits, const std::string& flag,
                     const std::string& path, SetText set, const std::string& help) {
  const auto add = [&edits, path, set = std::move(set)](const std::string& text) {
    Add(edits, path, [set, text](Monitor& monitor) { set(monitor, text); });
  };
  return command.add_option_function<std::string>(flag, add, help);
}

void AddPattern(CLI::App& command, MonitorEdits& edits, const std::string& role, PatternOf pattern,
                const std::string& help) {
  AddText(
      command, edits, "--" + role, "follow_up",
      [pattern](Monitor& monitor, const std::string& type) {
        (monitor.mutable_follow_up()->*pattern)()->set_event_type(type);
      },
      help)
      ->type_name("TYPE");
}

void AddPatternDetails(CLI::App& command, MonitorEdits& edits, const std::string& role,
                       PatternOf pattern) {
  AddText(
      command, edits, absl::StrCat("--", role, "-key"), "follow_up",
      [pattern](Monitor& monitor, const std::string& attribute) {
        (monitor.mutable_follow_up()->*pattern)()->set_key_attribute(attribute);
      },
      absl::StrCat("Key attribute of the ", role, ", where it differs"))
      ->type_name("ATTRIBUTE");
  AddText(
      command, edits, absl::StrCat("--", role, "-filter"), "follow_up",
      [pattern](Monitor& monitor, const std::string& filter) {
        (monitor.mutable_follow_up()->*pattern)()->set_filter(filter);
      },
      absl::StrCat("Only events that match, such as: source = \"checkout\""))
      ->type_name("FILTER");
}

void SetKey(Monitor& monitor, const std::string& attribute) {
  FollowUp& follow_up = *monitor.mutable_follow_up();
  follow_up.mutable_primary()->set_key_attribute(attribute);
  follow_up.mutable_secondary()->set_key_attribute(attribute);
  if (follow_up.has_cancel()) follow_up.mutable_cancel()->set_key_attribute(attribute);
}

void AddTime(CLI::App& command, MonitorEdits& edits, const std::string& flag,
             Duration* (FollowUp::*field)(), const std::string& help) {
  const auto add = [&edits, flag, field](const std::string& text) {
    const absl::StatusOr<int64_t> micros = ParseDuration(text);
    if (!micros.ok()) throw CLI::ValidationError(flag, std::string(micros.status().message()));
    Add(edits, "follow_up", [field, micros = *micros](Monitor& monitor) {
      SetDuration(micros, (monitor.mutable_follow_up()->*field)());
    });
  };
  command.add_option_function<std::string>(flag, add, help)->type_name("DURATION");
}

// The key attribute after the types, and the patterns' own keys after it: options are handled in
// the order in which they are declared.
void AddCondition(CLI::App& command, MonitorEdits& edits) {
  AddPattern(command, edits, "primary", &FollowUp::mutable_primary, "The event that opens a wait");
  AddPattern(command, edits, "secondary", &FollowUp::mutable_secondary,
             "The event that must follow");
  AddPattern(command, edits, "cancel", &FollowUp::mutable_cancel, "The event that calls it off");
  command.add_flag_callback(
      "--no-cancel",
      [&edits] {
        Add(edits, "follow_up", [](Monitor& m) { m.mutable_follow_up()->clear_cancel(); });
      },
      "Nothing calls it off any more");
  AddText(command, edits, "--key", "follow_up", SetKey,
          "The attribute that ties the events together")
      ->type_name("ATTRIBUTE");
  AddTime(command, edits, "--within", &FollowUp::mutable_within, "How soon it must follow");
  AddTime(command, edits, "--grace", &FollowUp::mutable_grace,
          "How long after that to wait before alerting; default 0s");
  AddEnum(
      command, "--on-repeat", *FollowUp::OnRepeat_descriptor(),
      [&edits](int number) {
        Add(edits, "follow_up", [number](Monitor& m) {
          m.mutable_follow_up()->set_on_repeat(static_cast<FollowUp::OnRepeat>(number));
        });
      },
      "What a second primary for an open key does; default keep-first");
  AddTime(command, edits, "--reorder-tolerance", &FollowUp::mutable_reorder_tolerance,
          "How far out of order events may arrive; default 10s");
  AddTime(command, edits, "--clock-skew", &FollowUp::mutable_clock_skew,
          "How much older than its primary a secondary may be; default 1s");
  AddPatternDetails(command, edits, "primary", &FollowUp::mutable_primary);
  AddPatternDetails(command, edits, "secondary", &FollowUp::mutable_secondary);
  AddPatternDetails(command, edits, "cancel", &FollowUp::mutable_cancel);
}

void AddLabel(MonitorEdits& edits, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw CLI::ValidationError("--label", "write it as key=value, such as team=fulfilment");
  }
  Add(edits, "labels", [key = text.substr(0, equals), value = text.substr(equals + 1)](Monitor& m) {
    (*m.mutable_labels())[key] = value;
  });
}

void AddLabels(CLI::App& command, MonitorEdits& edits) {
  command
      .add_option_function<std::vector<std::string>>(
          "--label",
          [&edits](const std::vector<std::string>& labels) {
            for (const std::string& label : labels) AddLabel(edits, label);
          },
          "Set a label, key=value; may be repeated")
      ->allow_extra_args(false);
  command
      .add_option_function<std::vector<std::string>>(
          "--remove-label",
          [&edits](const std::vector<std::string>& keys) {
            for (const std::string& key : keys) {
              Add(edits, "labels", [key](Monitor& m) { m.mutable_labels()->erase(key); });
            }
          },
          "Remove a label by its key; may be repeated")
      ->allow_extra_args(false);
}

void AddNotifierNames(CLI::App& command, MonitorEdits& edits) {
  command
      .add_option_function<std::vector<std::string>>(
          "--notifier",
          [&edits](const std::vector<std::string>& ids) {
            Add(edits, "notifiers", [ids](Monitor& m) {
              m.clear_notifiers();
              for (const std::string& id : ids) {
                m.add_notifiers(FullName(kNotifierCollection, id));
              }
            });
          },
          "Where its alerts go, in place of what was set; may be repeated")
      ->allow_extra_args(false);
  command.add_flag_callback(
      "--no-notifiers",
      [&edits] { Add(edits, "notifiers", [](Monitor& m) { m.clear_notifiers(); }); },
      "Its alerts go nowhere");
}

}  // namespace

void MonitorEdits::ApplyTo(Monitor& monitor) const {
  for (const auto& edit : edits) edit(monitor);
}

void AddMonitorEdits(CLI::App& command, MonitorEdits& edits) {
  AddCondition(command, edits);
  AddText(
      command, edits, "--display-name", "display_name",
      [](Monitor& m, const std::string& text) { m.set_display_name(text); },
      "What people call it; default the id");
  AddText(
      command, edits, "--description", "description",
      [](Monitor& m, const std::string& text) { m.set_description(text); },
      "What to do when it fires, for example");
  AddEnum(
      command, "--severity", *Monitor::Severity_descriptor(),
      [&edits](int number) {
        Add(edits, "severity",
            [number](Monitor& m) { m.set_severity(static_cast<Monitor::Severity>(number)); });
      },
      "Default warning");
  AddLabels(command, edits);
  AddNotifierNames(command, edits);
}

}  // namespace lapse::cli
