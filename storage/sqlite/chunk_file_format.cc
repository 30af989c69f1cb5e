#include "storage/sqlite/chunk_file_format.h"

#include <cstring>

#include "xxhash.h"

namespace lapse::storage {
namespace {

constexpr size_t kChecksumBytes = sizeof(uint64_t);
constexpr size_t kHeadBytes = kChecksumBytes + sizeof(uint32_t);

uint64_t ChecksumOf(absl::string_view bytes) {
  return XXH3_64bits(bytes.data() + kChecksumBytes, bytes.size() - kChecksumBytes);
}

}  // namespace

std::string EncodeKeys(uint32_t attribute_set, const std::vector<uint32_t>& fingerprints) {
  const size_t size = fingerprints.size() * sizeof(uint32_t);
  std::string bytes(kHeadBytes + size, '\0');
  std::memcpy(&bytes[kChecksumBytes], &attribute_set, sizeof(attribute_set));
  if (size > 0) std::memcpy(&bytes[kHeadBytes], fingerprints.data(), size);
  const uint64_t checksum = ChecksumOf(bytes);
  std::memcpy(bytes.data(), &checksum, sizeof(checksum));
  return bytes;
}

std::optional<ChunkKeys> DecodeKeys(absl::string_view bytes) {
  if (bytes.size() < kHeadBytes || (bytes.size() - kHeadBytes) % sizeof(uint32_t) != 0)
    return std::nullopt;
  uint64_t checksum = 0;
  std::memcpy(&checksum, bytes.data(), sizeof(checksum));
  if (checksum != ChecksumOf(bytes)) return std::nullopt;
  ChunkKeys keys;
  std::memcpy(&keys.attribute_set, bytes.data() + kChecksumBytes, sizeof(keys.attribute_set));
  keys.fingerprints.resize((bytes.size() - kHeadBytes) / sizeof(uint32_t));
  if (!keys.fingerprints.empty())
    std::memcpy(keys.fingerprints.data(), bytes.data() + kHeadBytes, bytes.size() - kHeadBytes);
  return keys;
}

}  // namespace lapse::storage
