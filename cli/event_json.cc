#include "cli/event_json.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"

namespace lapse::cli {
namespace {

// Rewrites plain attribute values as protobuf's JSON of a Value. Only the shape is looked at;
// protobuf's parser checks the rest, so that anything unexpected is copied as it is.
class AttributeRewriter {
 public:
  explicit AttributeRewriter(absl::string_view json) : rest_(json) {}

  std::string Rewrite() {
    RewriteObject(&AttributeRewriter::RewriteField);
    absl::StrAppend(&out_, rest_);
    return std::move(out_);
  }

 private:
  using OnField = void (AttributeRewriter::*)(absl::string_view name);

  // Copies an object, its values by `on_field`. Stops where the shape is not that of an object.
  void RewriteObject(OnField on_field) {
    if (!Copy('{')) return;
    do {
      const absl::string_view name = TakeValue();
      absl::StrAppend(&out_, name);
      if (!Copy(':')) return;
      CopySpace();
      (this->*on_field)(name);
    } while (Copy(','));
    Copy('}');
  }

  void RewriteField(absl::string_view name) {
    if (name == "\"attributes\"") {
      RewriteObject(&AttributeRewriter::RewriteAttribute);
    } else {
      absl::StrAppend(&out_, TakeValue());
    }
  }

  void RewriteAttribute(absl::string_view) {
    const absl::string_view value = TakeValue();
    const char first = value.empty() ? '\0' : value[0];
    if (first == '"') {
      absl::StrAppend(&out_, "{\"stringValue\":", value, "}");
    } else if (value == "true" || value == "false") {
      absl::StrAppend(&out_, "{\"boolValue\":", value, "}");
    } else if (first == '-' || absl::ascii_isdigit(first)) {
      const bool whole = value.find_first_of(".eE") == absl::string_view::npos;
      absl::StrAppend(&out_, whole ? "{\"int64Value\":" : "{\"doubleValue\":", value, "}");
    } else {
      absl::StrAppend(&out_, value);
    }
  }

  void CopySpace() {
    size_t end = 0;
    while (end < rest_.size() && absl::ascii_isspace(rest_[end])) ++end;
    absl::StrAppend(&out_, rest_.substr(0, end));
    rest_.remove_prefix(end);
  }

  bool Copy(char c) {
    CopySpace();
    if (rest_.empty() || rest_[0] != c) return false;
    out_.push_back(c);
    rest_.remove_prefix(1);
    CopySpace();
    return true;
  }

  // The text of the value that comes next, without the space after it.
  absl::string_view TakeValue() {
    size_t end = 0;
    int depth = 0;
    bool quoted = false;
    for (; end < rest_.size(); ++end) {
      const char c = rest_[end];
      if (quoted) {
        if (c == '\\') ++end;
        quoted = c != '"';
        continue;
      }
      if (depth == 0 && (c == ',' || c == ':' || c == '}' || c == ']' || absl::ascii_isspace(c))) {
        break;
      }
      quoted = c == '"';
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
    }
    const absl::string_view value = rest_.substr(0, end);
    rest_.remove_prefix(value.size());
    return value;
  }

  absl::string_view rest_;
  std::string out_;
};

}  // namespace

absl::Status ParseEventJson(absl::string_view line, lapse::v1::Event* event) {
  event->Clear();
  const std::string json = AttributeRewriter(line).Rewrite();
  const auto status = google::protobuf::util::JsonStringToMessage(json, event);
  if (status.ok()) return absl::OkStatus();
  // Further lines show the input with a caret under it.
  const std::string message(status.message());
  return absl::InvalidArgumentError(
      absl::StrCat("not an event in JSON: ", message.substr(0, message.find('\n'))));
}

}  // namespace lapse::cli
