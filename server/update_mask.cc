#include "server/update_mask.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/field_mask_util.h"

namespace lapse::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::FieldMask;
using google::protobuf::Message;
using google::protobuf::util::FieldMaskUtil;

bool IsFixed(const std::string& path, const std::set<std::string>& fixed) {
  const std::string top = path.substr(0, path.find('.'));
  return fixed.contains(top);
}

// Messages of our own are walked into; protobuf's, such as Duration, are values.
bool IsNested(const FieldDescriptor& field) {
  return !field.is_repeated() && field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->file()->package() == "lapse.v1";
}

void AddPopulated(const Message& message, const std::string& prefix, FieldMask* mask) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string path = absl::StrCat(prefix, field->name());
    if (IsNested(*field)) {
      AddPopulated(message.GetReflection()->GetMessage(message, field), path + ".", mask);
    } else {
      mask->add_paths(path);
    }
  }
}

FieldMask WithoutFixed(const FieldMask& mask, const std::set<std::string>& fixed) {
  FieldMask kept;
  for (const std::string& path : mask.paths()) {
    if (!IsFixed(path, fixed)) kept.add_paths(path);
  }
  return kept;
}

FieldMask AllFields(const Message& message) {
  FieldMask mask;
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    mask.add_paths(message.GetDescriptor()->field(i)->name());
  }
  return mask;
}

absl::Status CheckPaths(const Message& message, const FieldMask& mask,
                        const std::set<std::string>& fixed) {
  for (const std::string& path : mask.paths()) {
    if (!FieldMaskUtil::GetFieldDescriptors(message.GetDescriptor(), path, nullptr)) {
      return InvalidField("update_mask", "MASK_PATH_UNKNOWN",
                          absl::StrCat("update_mask has ", Quoted(path), ", which is no field of ",
                                       message.GetDescriptor()->name()));
    }
    if (IsFixed(path, fixed)) {
      return InvalidField(
          "update_mask", "MASK_PATH_OUTPUT_ONLY",
          absl::StrCat("update_mask has ", Quoted(path), ", which an update cannot set"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyUpdateMask(const FieldMask& mask, const Message& wanted,
                             const std::set<std::string>& fixed, Message* target) {
  FieldMask effective;
  if (mask.paths().empty()) {
    AddPopulated(wanted, "", &effective);
    effective = WithoutFixed(effective, fixed);
  } else if (mask.paths_size() == 1 && mask.paths(0) == "*") {
    effective = WithoutFixed(AllFields(wanted), fixed);
  } else if (absl::Status status = CheckPaths(wanted, mask, fixed); !status.ok()) {
    return status;
  } else {
    effective = mask;
  }
  FieldMaskUtil::MergeOptions options;
  options.set_replace_message_fields(true);
  options.set_replace_repeated_fields(true);
  FieldMaskUtil::MergeMessageTo(wanted, effective, options, target);
  return absl::OkStatus();
}

}  // namespace lapse::server
