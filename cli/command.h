// Building blocks of the command line.
#ifndef LAPSE_CLI_COMMAND_H_
#define LAPSE_CLI_COMMAND_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "cli/context.h"

namespace google::protobuf {
class EnumDescriptor;
}  // namespace google::protobuf

namespace lapse::cli {

// Adds the command `name`. `flags` declares its options on an Options that lives as long as
// `parent`; `run` is called with it once the whole command line is parsed.
template <typename Options>
CLI::App* AddCommand(CLI::App& parent, Context& context, const std::string& name,
                     const std::string& help, void (*flags)(CLI::App&, Options&),
                     absl::Status (*run)(Context&, const Options&)) {
  auto options = std::make_shared<Options>();
  CLI::App* command = parent.add_subcommand(name, help);
  flags(*command, *options);
  command->callback([options, &context, run] { context.result = run(context, *options); });
  return command;
}

// Adds a command that has only subcommands.
CLI::App* AddGroup(CLI::App& parent, const std::string& name, const std::string& help);

// A duration such as 45m, in microseconds.
CLI::Option* AddDuration(CLI::App& command, const std::string& name, int64_t& value_us,
                         const std::string& help);

// One of `choices`, in any letter case; `set` gets it as it stands in `choices`. The type's name
// lists them, and so do help and completion. With `many`, the option may be repeated, `set` being
// called for each.
CLI::Option* AddChoice(CLI::App& command, const std::string& name,
                       const std::vector<std::string>& choices,
                       std::function<void(const std::string&)> set, const std::string& help,
                       bool many = false);

// A value of an enum of the contract, by its short name in lower case; `set` gets its number.
CLI::Option* AddEnum(CLI::App& command, const std::string& name,
                     const google::protobuf::EnumDescriptor& type, std::function<void(int)> set,
                     const std::string& help, bool many = false);

// For Option::check: a whole number over 0.
std::string CheckPositive(const std::string& text);

// --limit and --all of a list.
struct ListLimit {
  size_t limit = 100;
  bool all = false;

  size_t value() const;
};
void AddListLimit(CLI::App& command, ListLimit& limit, const std::string& things);

// `There are more: ...`, where a list was cut off.
void NoteMore(Context& context, bool more);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_COMMAND_H_
