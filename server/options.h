// The server's options, from flags, environment (LAPSE_…) and a YAML file; a flag wins over the
// environment, and that over the file.
#ifndef LAPSE_SERVER_OPTIONS_H_
#define LAPSE_SERVER_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/limits.h"

namespace lapse::server {

struct Options {
  // Made where it is not there.
  std::string data_folder = "lapse-data";
  // HOST:PORT; port 0 takes a free one.
  std::string listen = "127.0.0.1:7070";
  // Allows an address other than loopback, in the clear and without authentication.
  bool insecure = false;
  // 0: one a core, at least 1, at most 64.
  int shard_count = 0;
  int64_t settle_us = limits::kDefaultSettleUs;
  int64_t idle_key_retention_us = limits::kDefaultIdleKeyRetentionUs;
  size_t duplicate_window_events = limits::kDefaultDuplicateWindowEvents;
  // Of a StreamAlerts subscriber that does not read, until it is cut.
  int64_t subscriber_write_timeout_us = limits::kSubscriberWriteTimeoutUs;
  int64_t checkpoint_interval_us = 30 * limits::kMicrosPerSecond;
  // How long events are kept; never less than what a restart needs.
  int64_t event_retention_us = 30 * limits::kMicrosPerDay;
  int64_t log_file_bytes = limits::kLogFileBytes;
  // Starts although a part of the event log that is needed is damaged or missing.
  bool accept_loss = false;
  // How far before its receipt an event may say it occurred; 0: any age.
  int64_t max_event_age_us = 0;
  std::vector<std::string> index_attributes;
  // trace, debug, info, warning, error.
  std::string log_level = "info";
};

// Parses the command line of `lapsed`. Sets `help` to the text to print where --help or --version
// was given. INVALID_ARGUMENT says which option, with which value, and what is allowed; for the
// file, the line too.
absl::StatusOr<Options> ParseOptions(int argc, const char* const* argv, std::string* help);

// Whether `listen` names a loopback address. INVALID_ARGUMENT for another form than HOST:PORT.
absl::StatusOr<bool> IsLoopback(const std::string& listen);

}  // namespace lapse::server

#endif  // LAPSE_SERVER_OPTIONS_H_
