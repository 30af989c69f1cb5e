// The command groups; each function adds one to the application. `context` outlives `app`.
#ifndef LAPSE_CLI_COMMANDS_H_
#define LAPSE_CLI_COMMANDS_H_

namespace CLI {
class App;
}  // namespace CLI

namespace lapse::cli {

class Context;

void AddSend(CLI::App& app, Context& context);
void AddEvents(CLI::App& app, Context& context);
void AddMonitors(CLI::App& app, Context& context);
void AddApply(CLI::App& app, Context& context);
void AddAlerts(CLI::App& app, Context& context);
void AddExpectations(CLI::App& app, Context& context);
void AddNotifiers(CLI::App& app, Context& context);
void AddStatus(CLI::App& app, Context& context);
void AddCompletion(CLI::App& app, Context& context);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_COMMANDS_H_
