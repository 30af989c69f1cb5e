#include "cli/view.h"

#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/proto_time.h"
#include "cli/attribute.h"
#include "cli/human.h"

namespace lapse::cli {

std::string TimeText(bool set, const google::protobuf::Timestamp& time, const ViewTime& view) {
  return set ? ShortTime(ToMicros(time), view.now_us, view.zone) : "";
}

std::string DurationText(bool set, const google::protobuf::Duration& duration) {
  return set ? ShortDuration(ToMicros(duration)) : "";
}

std::string AttributesText(const google::protobuf::Map<std::string, lapse::v1::Value>& attributes) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, value] : attributes) sorted[name] = ValueText(value);
  return absl::StrJoin(sorted, " ", absl::PairFormatter("="));
}

std::string LabelsText(const google::protobuf::Map<std::string, std::string>& labels) {
  const std::map<std::string, std::string> sorted(labels.begin(), labels.end());
  return absl::StrJoin(sorted, " ", absl::PairFormatter("="));
}

std::string IdOf(absl::string_view name) {
  const size_t slash = name.rfind('/');
  return std::string(slash == absl::string_view::npos ? name : name.substr(slash + 1));
}

std::string IdsText(const google::protobuf::RepeatedPtrField<std::string>& names) {
  return absl::StrJoin(names, ", ", [](std::string* out, const std::string& name) {
    absl::StrAppend(out, IdOf(name));
  });
}

std::string Words(absl::string_view name) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(name), {{"_", " "}});
}

}  // namespace lapse::cli
