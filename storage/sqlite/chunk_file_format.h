// The schema of log files that are not sealed.
#ifndef LAPSE_STORAGE_SQLITE_CHUNK_FILE_FORMAT_H_
#define LAPSE_STORAGE_SQLITE_CHUNK_FILE_FORMAT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lapse::storage {

// A chunk without events has no times. `keys` is null where its events are not indexed. An
// attribute set never changes.
inline constexpr char kChunkFileSchema[] = R"sql(
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE attribute_sets(
  number INTEGER NOT NULL,
  attribute TEXT NOT NULL,
  PRIMARY KEY(number, attribute)) WITHOUT ROWID;
CREATE TABLE chunks(
  position INTEGER PRIMARY KEY,
  first_sequence INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL,
  write_time_us INTEGER NOT NULL,
  mark_time_us INTEGER NOT NULL,
  min_time_us INTEGER,
  max_time_us INTEGER,
  checksum INTEGER NOT NULL,
  keys BLOB,
  header BLOB NOT NULL,
  body BLOB NOT NULL);
)sql";

// What stands in `keys`: XXH3-64 of the rest, the number of the attribute set, the fingerprints.
struct ChunkKeys {
  uint32_t attribute_set = 0;
  std::vector<uint32_t> fingerprints;
};
std::string EncodeKeys(uint32_t attribute_set, const std::vector<uint32_t>& fingerprints);
// Unset where the bytes are damaged.
std::optional<ChunkKeys> DecodeKeys(absl::string_view bytes);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_CHUNK_FILE_FORMAT_H_
