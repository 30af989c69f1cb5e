#include "server/options.h"

#include <arpa/inet.h>
#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/nearest.h"
#include "base/status_macros.h"

namespace lapse::server {
namespace {

constexpr int kMaxShards = 64;

// The text of every option before it is checked; the key is the flag's name without dashes.
struct RawOptions {
  std::string config;
  std::string data_folder, listen, shards, settle, idle_key_retention, duplicate_window,
      checkpoint_interval, subscriber_write_timeout;
  std::string event_retention, max_event_age, log_file_mb, log_level;
  std::vector<std::string> index_attributes;
  bool insecure = false;
  bool accept_loss = false;
};

void AddOption(CLI::App& app, const std::string& name, std::string& value,
               const std::string& text) {
  std::string variable = absl::StrCat("LAPSE_", name);
  for (char& c : variable)
    c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  app.add_option("--" + name, value, text)->envname(variable);
}

void Describe(CLI::App& app, RawOptions& raw) {
  AddOption(app, "config", raw.config,
            "A YAML file with any of the options below, named as here without dashes in front");
  AddOption(app, "data-folder", raw.data_folder,
            "Where everything is kept; made where it is not there [lapse-data]");
  AddOption(app, "listen", raw.listen,
            "HOST:PORT to serve gRPC on; port 0 takes a free one [127.0.0.1:7070]");
  app.add_flag("--insecure", raw.insecure,
               "Allow an address other than loopback, in the clear and without authentication")
      ->envname("LAPSE_INSECURE");
  AddOption(app, "shards", raw.shards, "Matcher threads, 1 to 64 [one a core]");
  AddOption(app, "settle", raw.settle,
            "How long nothing fires after a start or a gap, such as 5s [5s]");
  AddOption(app, "idle-key-retention", raw.idle_key_retention,
            "How long a key with nothing pending is remembered [1h]");
  AddOption(app, "duplicate-window", raw.duplicate_window,
            "Among how many accepted events duplicates are recognised, for at most 24h [10000000]");
  AddOption(app, "checkpoint-interval", raw.checkpoint_interval,
            "How often the matcher's state is saved [30s]");
  AddOption(app, "subscriber-write-timeout", raw.subscriber_write_timeout,
            "How long a subscriber of alerts may not read before it is cut [60s]");
  AddOption(app, "event-retention", raw.event_retention, "How long events are kept [720h]");
  AddOption(app, "max-event-age", raw.max_event_age,
            "How old an event may be when it is received; 0s: any age [0s]");
  AddOption(app, "log-file-mb", raw.log_file_mb,
            "Size of an event log file in MiB, 1 to 1024 [128]");
  app.add_flag(
         "--accept-loss", raw.accept_loss,
         "Start although a part of the event log that is needed is damaged or missing; what is "
         "lost is logged")
      ->envname("LAPSE_ACCEPT_LOSS");
  AddOption(app, "log-level", raw.log_level, "trace, debug, info, warning or error [info]");
  app.add_option("--index-attributes", raw.index_attributes,
                 "Attributes that ListEvents finds by index, besides the monitors' keys")
      ->delimiter(',')
      ->envname("LAPSE_INDEX_ATTRIBUTES");
}

absl::Status OptionError(absl::string_view name, absl::string_view value,
                         absl::string_view allowed) {
  return InvalidField(name, "OPTION_INVALID",
                      absl::StrCat("--", name, " is ", Quoted(value), "; ", allowed));
}

absl::Status ParseDuration(absl::string_view name, const std::string& text, int64_t min_us,
                           int64_t* value_us) {
  if (text.empty()) return absl::OkStatus();
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration) || duration > absl::Hours(24 * 3650) ||
      absl::ToInt64Microseconds(duration) < min_us) {
    return OptionError(name, text,
                       absl::StrCat("expected a duration such as 500ms, 5s or 1h30m, at least ",
                                    absl::FormatDuration(absl::Microseconds(min_us))));
  }
  *value_us = absl::ToInt64Microseconds(duration);
  return absl::OkStatus();
}

template <typename Int>
absl::Status ParseNumber(absl::string_view name, const std::string& text, int64_t min, int64_t max,
                         Int* value) {
  if (text.empty()) return absl::OkStatus();
  int64_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || number < min || number > max) {
    return OptionError(name, text, absl::StrCat("expected a whole number from ", min, " to ", max));
  }
  *value = static_cast<Int>(number);
  return absl::OkStatus();
}

// The file's options as the words of a command line, so that both are checked by the same code.
absl::StatusOr<std::vector<std::string>> ReadFile(const std::string& path,
                                                  const std::vector<std::string>& known) {
  YAML::Node root;
  try {
    root = YAML::LoadFile(path);
  } catch (const YAML::BadFile&) {
    return OptionError("config", path, "the file cannot be read");
  } catch (const YAML::Exception& e) {
    return OptionError("config", path, absl::StrCat("line ", e.mark.line + 1, ": ", e.msg));
  }
  std::vector<std::string> words;
  if (root.IsNull()) return words;
  if (!root.IsMap()) return OptionError("config", path, "expected `option: value` lines");
  for (const auto& entry : root) {
    const std::string name = entry.first.Scalar();
    const std::string line = absl::StrCat("line ", entry.first.Mark().line + 1, ": ");
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return OptionError(
          "config", path,
          absl::StrCat(line, "unknown option ", Quoted(name), "; ", DidYouMean(name, known)));
    }
    if (entry.second.IsMap() || entry.second.IsNull()) {
      return OptionError("config", path, absl::StrCat(line, name, " has no plain value"));
    }
    std::vector<std::string> values;
    if (entry.second.IsSequence()) {
      for (const YAML::Node& item : entry.second) values.push_back(item.Scalar());
    } else {
      values.push_back(entry.second.Scalar());
    }
    words.push_back(absl::StrCat("--", name, "=", absl::StrJoin(values, ",")));
  }
  return words;
}

std::vector<std::string> KnownNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      if (name != "help" && name != "config") names.push_back(name);
    }
  }
  return names;
}

// Gives what is still empty in `raw` the file's value.
void FillFrom(const RawOptions& file, RawOptions* raw) {
  const auto fill = [](const std::string& from, std::string& to) {
    if (to.empty()) to = from;
  };
  fill(file.data_folder, raw->data_folder);
  fill(file.listen, raw->listen);
  fill(file.shards, raw->shards);
  fill(file.settle, raw->settle);
  fill(file.idle_key_retention, raw->idle_key_retention);
  fill(file.duplicate_window, raw->duplicate_window);
  fill(file.checkpoint_interval, raw->checkpoint_interval);
  fill(file.subscriber_write_timeout, raw->subscriber_write_timeout);
  fill(file.event_retention, raw->event_retention);
  fill(file.max_event_age, raw->max_event_age);
  fill(file.log_file_mb, raw->log_file_mb);
  fill(file.log_level, raw->log_level);
  if (raw->index_attributes.empty()) raw->index_attributes = file.index_attributes;
  raw->insecure = raw->insecure || file.insecure;
  raw->accept_loss = raw->accept_loss || file.accept_loss;
}

absl::Status ParseWords(CLI::App& app, std::vector<std::string> words) {
  // CLI11 takes a vector from its end.
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    return absl::CancelledError();
  } catch (const CLI::ParseError& e) {
    return InvalidField("", "OPTION_INVALID", absl::StrCat(e.what(), "; see lapsed --help"));
  }
  return absl::OkStatus();
}

absl::Status ReadConfig(RawOptions* raw) {
  RawOptions file;
  CLI::App app;
  app.add_option("--data-folder", file.data_folder);
  app.add_option("--listen", file.listen);
  app.add_flag("--insecure", file.insecure);
  app.add_flag("--accept-loss", file.accept_loss);
  app.add_option("--shards", file.shards);
  app.add_option("--settle", file.settle);
  app.add_option("--idle-key-retention", file.idle_key_retention);
  app.add_option("--duplicate-window", file.duplicate_window);
  app.add_option("--checkpoint-interval", file.checkpoint_interval);
  app.add_option("--subscriber-write-timeout", file.subscriber_write_timeout);
  app.add_option("--event-retention", file.event_retention);
  app.add_option("--max-event-age", file.max_event_age);
  app.add_option("--log-file-mb", file.log_file_mb);
  app.add_option("--log-level", file.log_level);
  app.add_option("--index-attributes", file.index_attributes)->delimiter(',');
  ASSIGN_OR_RETURN(std::vector<std::string> words, ReadFile(raw->config, KnownNames(app)));
  RETURN_IF_ERROR(ParseWords(app, std::move(words)));
  FillFrom(file, raw);
  return absl::OkStatus();
}

absl::Status CheckListen(const Options& options) {
  ASSIGN_OR_RETURN(const bool loopback, IsLoopback(options.listen));
  if (loopback || options.insecure) return absl::OkStatus();
  return OptionError(
      "listen", options.listen,
      "it is not a loopback address, and everything would be in the clear and open to anyone; say "
      "--insecure if that is meant");
}

absl::StatusOr<Options> Check(const RawOptions& raw) {
  Options options;
  if (!raw.data_folder.empty()) options.data_folder = raw.data_folder;
  if (!raw.listen.empty()) options.listen = raw.listen;
  options.insecure = raw.insecure;
  options.accept_loss = raw.accept_loss;
  options.index_attributes = raw.index_attributes;
  RETURN_IF_ERROR(CheckListen(options));
  RETURN_IF_ERROR(ParseNumber("shards", raw.shards, 1, kMaxShards, &options.shard_count));
  RETURN_IF_ERROR(ParseDuration("settle", raw.settle, 0, &options.settle_us));
  RETURN_IF_ERROR(ParseDuration("idle-key-retention", raw.idle_key_retention,
                                limits::kMicrosPerSecond, &options.idle_key_retention_us));
  RETURN_IF_ERROR(ParseNumber("duplicate-window", raw.duplicate_window, 1'000, 100'000'000,
                              &options.duplicate_window_events));
  RETURN_IF_ERROR(ParseDuration("checkpoint-interval", raw.checkpoint_interval,
                                100 * limits::kMicrosPerMilli, &options.checkpoint_interval_us));
  RETURN_IF_ERROR(ParseDuration("subscriber-write-timeout", raw.subscriber_write_timeout,
                                limits::kMicrosPerSecond, &options.subscriber_write_timeout_us));
  RETURN_IF_ERROR(ParseDuration("event-retention", raw.event_retention, limits::kMicrosPerMinute,
                                &options.event_retention_us));
  RETURN_IF_ERROR(ParseDuration("max-event-age", raw.max_event_age, 0, &options.max_event_age_us));
  int64_t log_file_mb = options.log_file_bytes >> 20;
  RETURN_IF_ERROR(ParseNumber("log-file-mb", raw.log_file_mb, 1, 1'024, &log_file_mb));
  options.log_file_bytes = log_file_mb << 20;
  const std::vector<std::string> levels = {"trace", "debug", "info", "warning", "error"};
  if (!raw.log_level.empty()) options.log_level = raw.log_level;
  if (std::find(levels.begin(), levels.end(), options.log_level) == levels.end()) {
    return OptionError("log-level", options.log_level,
                       absl::StrCat("expected one of ", absl::StrJoin(levels, ", ")));
  }
  return options;
}

}  // namespace

absl::StatusOr<Options> ParseOptions(int argc, const char* const* argv, std::string* help) {
  RawOptions raw;
  CLI::App app(
      "Lapse: tells, within milliseconds, that something which should have followed did not.",
      "lapsed");
  Describe(app, raw);
  const absl::Status parsed = ParseWords(app, std::vector<std::string>(argv + 1, argv + argc));
  if (absl::IsCancelled(parsed)) {
    *help = app.help();
    return Options();
  }
  RETURN_IF_ERROR(parsed);
  if (!raw.config.empty()) RETURN_IF_ERROR(ReadConfig(&raw));
  return Check(raw);
}

absl::StatusOr<bool> IsLoopback(const std::string& listen) {
  const size_t colon = listen.rfind(':');
  int port = -1;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(listen.substr(colon + 1), &port) || port < 0 || port > 65'535) {
    return OptionError("listen", listen, "expected HOST:PORT with a port from 0 to 65535");
  }
  const std::string host = listen.substr(0, colon);
  if (host == "localhost" || host == "[::1]") return true;
  in_addr address;
  // Parsed, since a name such as 127.example.com only looks like one.
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

}  // namespace lapse::server
