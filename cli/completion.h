// Shell completion, generated from the command line's own description.
#ifndef LAPSE_CLI_COMPLETION_H_
#define LAPSE_CLI_COMPLETION_H_

#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace lapse::cli {

// A script that completes commands, options, and values of options that take one of a few (an
// option's type name `a|b|c`) or a file (`FILE`).
std::string BashCompletion(const CLI::App& app);
std::string ZshCompletion(const CLI::App& app);
std::string FishCompletion(const CLI::App& app);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_COMPLETION_H_
