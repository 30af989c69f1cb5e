// Files of resources for `lapsectl apply`: YAML documents, each one Monitor or Notifier.
#ifndef LAPSE_CLI_RESOURCE_FILE_H_
#define LAPSE_CLI_RESOURCE_FILE_H_

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/yaml_reader.h"
#include "lapse/v1/monitor.pb.h"
#include "lapse/v1/notifier.pb.h"

namespace lapse::cli {

// One document. Output-only fields are cleared; names are full (`monitors/order-delivered`), also
// of the notifiers of a monitor.
struct Resource {
  std::variant<lapse::v1::Monitor, lapse::v1::Notifier> message;
  std::string id;
  // What the document says of `disabled`, which only a monitor has.
  std::optional<bool> disabled;
  // The file's name as given, and the document's first line.
  std::string file;
  int line = 0;
  FieldLines lines;

  const lapse::v1::Monitor* monitor() const { return std::get_if<lapse::v1::Monitor>(&message); }
  const lapse::v1::Notifier* notifier() const { return std::get_if<lapse::v1::Notifier>(&message); }
  // `monitors/order-delivered`.
  std::string name() const;
  // `FILE:LINE` of the field, or of what it is part of where it was not given.
  std::string Position(absl::string_view field_path) const;
};

// All documents of `text`, checked for form and by CheckMonitor and CheckNotifier. INVALID_ARGUMENT
// lists every mistake, `FILE:LINE: message` on lines of their own.
absl::StatusOr<std::vector<Resource>> ParseResources(absl::string_view file,
                                                     const std::string& text);

// `notifiers/ops` for `ops` and for `notifiers/ops`.
std::string FullName(absl::string_view collection, absl::string_view id_or_name);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_RESOURCE_FILE_H_
