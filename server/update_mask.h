// Update masks as every Update method treats them (AIP-134).
#ifndef LAPSE_SERVER_UPDATE_MASK_H_
#define LAPSE_SERVER_UPDATE_MASK_H_

#include <set>
#include <string>

#include "absl/status/status.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/message.h"

namespace lapse::server {

// Sets in `target` what `mask` names, as it is in `wanted`; what is named and not set there is
// cleared. No paths: the fields that are populated in `wanted`, down to single fields of nested
// messages, so that nothing is wiped that was not sent; lists and maps are replaced whole. `*`: all
// fields. `fixed` are top-level fields that an update never touches (name, etag and those that the
// server sets); to name one is INVALID_ARGUMENT, MASK_PATH_OUTPUT_ONLY; a path that there is not,
// MASK_PATH_UNKNOWN. On error `target` is as it was.
absl::Status ApplyUpdateMask(const google::protobuf::FieldMask& mask,
                             const google::protobuf::Message& wanted,
                             const std::set<std::string>& fixed, google::protobuf::Message* target);

}  // namespace lapse::server

#endif  // LAPSE_SERVER_UPDATE_MASK_H_
