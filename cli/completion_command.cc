// `lapsectl completion`.

#include <string>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/completion.h"

namespace lapse::cli {

void AddCompletion(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("completion", "Print a completion script for a shell");
  AddChoice(
      *command, "SHELL", {"bash", "zsh", "fish"},
      [&app, &context](const std::string& shell) {
        context.PrintText(shell == "bash"  ? BashCompletion(app)
                          : shell == "zsh" ? ZshCompletion(app)
                                           : FishCompletion(app));
      },
      "For bash: source <(lapsectl completion bash)")
      ->required();
}

}  // namespace lapse::cli
