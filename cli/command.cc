#include "cli/command.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/errors.h"
#include "base/nearest.h"
#include "cli/human.h"
#include "cli/proto_names.h"
#include "cli/rpc.h"
#include "google/protobuf/descriptor.h"

namespace lapse::cli {
namespace {

std::string ChoiceOf(const std::vector<std::string>& choices, const std::string& name,
                     const std::string& text) {
  const std::string lower = absl::StrReplaceAll(absl::AsciiStrToLower(text), {{"_", "-"}});
  for (const std::string& choice : choices) {
    if (choice == lower) return choice;
  }
  throw CLI::ValidationError(
      name, absl::StrCat(Quoted(text), " is none of ", absl::StrJoin(choices, ", "),
                         MeantHint(text, choices)));
}

}  // namespace

CLI::App* AddGroup(CLI::App& parent, const std::string& name, const std::string& help) {
  CLI::App* group = parent.add_subcommand(name, help);
  group->require_subcommand(1);
  return group;
}

CLI::Option* AddDuration(CLI::App& command, const std::string& name, int64_t& value_us,
                         const std::string& help) {
  const auto set = [&value_us, name](const std::string& text) {
    const absl::StatusOr<int64_t> parsed = ParseDuration(text);
    if (!parsed.ok()) throw CLI::ValidationError(name, std::string(parsed.status().message()));
    value_us = *parsed;
  };
  return command.add_option_function<std::string>(name, set, help)->type_name("DURATION");
}

CLI::Option* AddChoice(CLI::App& command, const std::string& name,
                       const std::vector<std::string>& choices,
                       std::function<void(const std::string&)> set, const std::string& help,
                       bool many) {
  const auto set_all = [choices, name,
                        set = std::move(set)](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) set(ChoiceOf(choices, name, text));
  };
  CLI::Option* option = command.add_option_function<std::vector<std::string>>(name, set_all, help);
  option->type_name(absl::StrJoin(choices, "|"))->allow_extra_args(false);
  return many ? option : option->expected(1);
}

CLI::Option* AddEnum(CLI::App& command, const std::string& name,
                     const google::protobuf::EnumDescriptor& type, std::function<void(int)> set,
                     const std::string& help, bool many) {
  std::vector<std::string> choices = EnumChoices(type);
  for (std::string& choice : choices) {
    choice = absl::StrReplaceAll(absl::AsciiStrToLower(choice), {{"_", "-"}});
  }
  const auto set_number = [&type, set = std::move(set)](const std::string& choice) {
    int number = 0;
    if (ParseEnum(type, choice, &number)) set(number);
  };
  return AddChoice(command, name, choices, set_number, help, many);
}

std::string CheckPositive(const std::string& text) {
  int64_t number = 0;
  if (absl::SimpleAtoi(text, &number) && number > 0) return "";
  return absl::StrCat(Quoted(text), " is no whole number over 0");
}

size_t ListLimit::value() const { return all ? kNoLimit : limit; }

void AddListLimit(CLI::App& command, ListLimit& limit, const std::string& things) {
  command.add_option("-n,--limit", limit.limit, absl::StrCat("At most so many ", things))
      ->check(CheckPositive)
      ->capture_default_str();
  command.add_flag("--all", limit.all, absl::StrCat("All ", things, ", however many"));
}

void NoteMore(Context& context, bool more) {
  if (more) context.PrintNote("There are more. See them with --all, or a larger --limit.");
}

}  // namespace lapse::cli
