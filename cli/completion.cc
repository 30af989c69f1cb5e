#include "cli/completion.h"

#include <vector>

#include "CLI/App.hpp"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace lapse::cli {
namespace {

struct OptionWords {
  // `--output`, `-o`.
  std::vector<std::string> names;
  std::string help;
  bool takes_value = false;
  bool takes_file = false;
  // The values, where there are a few.
  std::vector<std::string> values;
};

struct CommandWords {
  // `monitors create`; empty for the application itself.
  std::string path;
  std::string help;
  std::vector<std::string> subcommands;
  std::vector<OptionWords> options;
  // The same as an option's values, of the first positional argument.
  std::vector<std::string> values;
};

std::vector<std::string> ValuesOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (!absl::StrContains(type, "|")) return {};
  return absl::StrSplit(type, '|');
}

OptionWords WordsOf(const CLI::Option& option) {
  OptionWords words;
  for (const std::string& name : option.get_lnames()) words.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) words.names.push_back("-" + name);
  words.help = option.get_description();
  words.takes_value = option.get_items_expected_max() > 0;
  words.takes_file = option.get_type_name() == "FILE";
  words.values = ValuesOf(option);
  return words;
}

void AddOptions(const CLI::App& app, CommandWords* words) {
  for (const CLI::Option* option : app.get_options({})) {
    if (option->nonpositional()) {
      words->options.push_back(WordsOf(*option));
    } else if (words->values.empty()) {
      words->values = ValuesOf(*option);
    }
  }
}

// Depth first. A command knows the global options too.
void Collect(const CLI::App& root, const CLI::App& app, const std::string& path,
             std::vector<CommandWords>* commands) {
  CommandWords words = {path, app.get_description(), {}, {}, {}};
  AddOptions(app, &words);
  if (&app != &root) {
    for (const CLI::Option* option : root.get_options({})) {
      const bool own = option->check_lname("help") || option->check_lname("version");
      if (!own) words.options.push_back(WordsOf(*option));
    }
  }
  const auto subcommands = app.get_subcommands({});
  for (const CLI::App* subcommand : subcommands)
    words.subcommands.push_back(subcommand->get_name());
  commands->push_back(words);
  for (const CLI::App* subcommand : subcommands) {
    Collect(root, *subcommand, absl::StrCat(path, path.empty() ? "" : " ", subcommand->get_name()),
            commands);
  }
}

std::vector<CommandWords> CommandsOf(const CLI::App& app) {
  std::vector<CommandWords> commands;
  Collect(app, app, "", &commands);
  return commands;
}

std::vector<std::string> OptionNames(const CommandWords& command) {
  std::vector<std::string> names;
  for (const OptionWords& option : command.options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return names;
}

// The arms of a `case` over "PATH OPTION" that set what its value may be.
std::string ValueArms(const std::vector<CommandWords>& commands) {
  std::string arms;
  for (const CommandWords& command : commands) {
    for (const OptionWords& option : command.options) {
      if (!option.takes_value) continue;
      const std::string patterns =
          absl::StrJoin(option.names, "|", [&](std::string* out, const std::string& name) {
            absl::StrAppend(out, "'", command.path, " ", name, "'");
          });
      const std::string action =
          option.takes_file ? "files=1"
                            : absl::StrCat("values='", absl::StrJoin(option.values, " "), "'");
      absl::StrAppend(&arms, "    ", patterns, ") value=1; ", action, " ;;\n");
    }
  }
  return arms;
}

std::string WordArms(const std::vector<CommandWords>& commands) {
  std::string arms;
  for (const CommandWords& command : commands) {
    std::vector<std::string> words = command.subcommands;
    words.insert(words.end(), command.values.begin(), command.values.end());
    absl::StrAppend(&arms, "    '", command.path, "') words='", absl::StrJoin(words, " "),
                    "'; options='", absl::StrJoin(OptionNames(command), " "), "' ;;\n");
  }
  return arms;
}

// All paths, each between bars: `|monitors|monitors create|`.
std::string Paths(const std::vector<CommandWords>& commands) {
  std::string paths = "|";
  for (const CommandWords& command : commands) absl::StrAppend(&paths, command.path, "|");
  return paths;
}

// Both bash and zsh: finds the command that the words before the cursor name, and what may come
// next. Reads the array `before` and leaves `words`, `options`, `value`, `values` and `files`.
constexpr char kFindCommand[] = R"(_lapsectl_find() {
  local paths='@PATHS@' word last=''
  path='' words='' options='' value='' values='' files=''
  for word in "${before[@]}"; do
    case "$paths" in *"|${path:+$path }$word|"*) path="${path:+$path }$word" ;; esac
    last=$word
  done
  case "$path $last" in
@VALUE_ARMS@  esac
  case "$path" in
@WORD_ARMS@  esac
}
)";

std::string FindCommand(const CLI::App& app) {
  const std::vector<CommandWords> commands = CommandsOf(app);
  return absl::StrReplaceAll(kFindCommand, {{"@PATHS@", Paths(commands)},
                                            {"@VALUE_ARMS@", ValueArms(commands)},
                                            {"@WORD_ARMS@", WordArms(commands)}});
}

std::string FishQuoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

std::string FishOption(const OptionWords& option) {
  std::string line;
  for (const std::string& name : option.names) {
    absl::StrAppend(
        &line, absl::StartsWith(name, "--") ? " -l " + name.substr(2) : " -s " + name.substr(1));
  }
  if (option.takes_file) {
    absl::StrAppend(&line, " -r -F");
  } else if (option.takes_value) {
    absl::StrAppend(&line, " -x -a ", FishQuoted(absl::StrJoin(option.values, " ")));
  }
  return absl::StrCat(line, " -d ", FishQuoted(option.help));
}

}  // namespace

std::string BashCompletion(const CLI::App& app) {
  return absl::StrCat(
      R"(# bash completion of lapsectl. Use it with: source <(lapsectl completion bash)
)",
      FindCommand(app), R"(_lapsectl() {
  local current=${COMP_WORDS[COMP_CWORD]} before=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
  local path words options value values files
  _lapsectl_find
  COMPREPLY=()
  if [[ -n $files ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  elif [[ -n $value ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}
complete -o filenames -F _lapsectl lapsectl
)");
}

std::string ZshCompletion(const CLI::App& app) {
  return absl::StrCat(R"(#compdef lapsectl
# zsh completion of lapsectl. Use it with: source <(lapsectl completion zsh)
)",
                      FindCommand(app), R"(_lapsectl() {
  local current=${words[CURRENT]} before=("${(@)words[2,CURRENT-1]}")
  local path words options value values files
  _lapsectl_find
  if [[ -n $files ]]; then
    _files
  elif [[ -n $value ]]; then
    compadd -- ${=values}
  elif [[ $current == -* ]]; then
    compadd -- ${=options}
  else
    compadd -- ${=words}
  fi
}
compdef _lapsectl lapsectl
)");
}

std::string FishCompletion(const CLI::App& app) {
  const std::vector<CommandWords> commands = CommandsOf(app);
  std::string script = absl::StrCat(
      R"(# fish completion of lapsectl. Use it with: lapsectl completion fish | source
function __lapsectl_at
    set -l paths )",
      FishQuoted(Paths(commands)), R"(
    set -l path ''
    for word in (commandline -opc)[2..-1]
        set -l longer (string trim -- "$path $word")
        if string match -q -- "*|$longer|*" "$paths"
            set path $longer
        end
    end
    test "$path" = "$argv[1]"
end
complete -c lapsectl -f
)");
  for (const CommandWords& command : commands) {
    const std::string where =
        absl::StrCat("complete -c lapsectl -n \"__lapsectl_at '", command.path, "'\"");
    for (const CommandWords& other : commands) {
      const size_t space = other.path.rfind(' ');
      const std::string parent = space == std::string::npos ? "" : other.path.substr(0, space);
      if (other.path.empty() || parent != command.path) continue;
      const std::string name = other.path.substr(space == std::string::npos ? 0 : space + 1);
      absl::StrAppend(&script, where, " -a ", name, " -d ", FishQuoted(other.help), "\n");
    }
    if (!command.values.empty()) {
      absl::StrAppend(&script, where, " -a ", FishQuoted(absl::StrJoin(command.values, " ")), "\n");
    }
    for (const OptionWords& option : command.options) {
      absl::StrAppend(&script, where, FishOption(option), "\n");
    }
  }
  return script;
}

}  // namespace lapse::cli
