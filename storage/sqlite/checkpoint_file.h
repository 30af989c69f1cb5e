// One partition's checkpoint as bytes, and files that are written durably.
#ifndef LAPSE_STORAGE_SQLITE_CHECKPOINT_FILE_H_
#define LAPSE_STORAGE_SQLITE_CHECKPOINT_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/checkpoint_store.h"

namespace lapse::storage {

// Magic, version, partition, position, length, checksum (XXH3 of all the rest), state; integers
// little-endian.
std::string EncodeCheckpoint(const PartitionCheckpoint& checkpoint);

// `path` is for the message. DATA_LOSS, reason DATA_FOLDER_DAMAGED, for anything that
// EncodeCheckpoint did not make; FAILED_PRECONDITION, reason DATA_FOLDER_NEWER, for a later
// version.
absl::StatusOr<PartitionCheckpoint> DecodeCheckpoint(absl::string_view path,
                                                     absl::string_view bytes);

// Errors of the following as FileError.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);
// Makes or replaces the file; its content is on disk on return, its name once its folder is synced.
absl::Status WriteAndSync(const std::string& path, absl::string_view bytes);
absl::Status SyncFolder(const std::string& path);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_CHECKPOINT_FILE_H_
