#include "storage/sqlite/acknowledged_file.h"

#include <fcntl.h>

#include <cstddef>
#include <cstring>
#include <utility>

#include "base/status_macros.h"
#include "spdlog/spdlog.h"
#include "xxhash.h"

namespace lapse::storage {
namespace {

constexpr char kMagic[8] = {'L', 'A', 'P', 'S', 'A', 'C', 'K', '1'};

// As it stands in the file; the machines we run on are little-endian.
struct Record {
  char magic[8];
  Acknowledged acknowledged;
  uint64_t checksum;
};
static_assert(sizeof(Record) == 48);
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

uint64_t ChecksumOf(const Record& record) {
  return XXH3_64bits(&record, offsetof(Record, checksum));
}

}  // namespace

std::optional<Acknowledged> ReadAcknowledged(const std::string& path) {
  const auto file = OpenFile::Open(path, O_RDONLY);
  if (!file.ok()) return std::nullopt;
  const auto bytes = file->ReadAt(0, sizeof(Record));
  Record record;
  if (!bytes.ok() || bytes->size() != sizeof(record)) return std::nullopt;
  std::memcpy(&record, bytes->data(), sizeof(record));
  if (std::memcmp(record.magic, kMagic, sizeof(kMagic)) != 0 ||
      record.checksum != ChecksumOf(record))
    return std::nullopt;
  return record.acknowledged;
}

absl::StatusOr<AcknowledgedFile> AcknowledgedFile::Open(const std::string& path) {
  ASSIGN_OR_RETURN(OpenFile file, OpenFile::Open(path, O_RDWR | O_CREAT));
  return AcknowledgedFile(std::move(file));
}

void AcknowledgedFile::Note(const Acknowledged& acknowledged) {
  Record record = {.acknowledged = acknowledged};
  std::memcpy(record.magic, kMagic, sizeof(kMagic));
  record.checksum = ChecksumOf(record);
  const absl::Status status =
      file_.WriteAt(0, {reinterpret_cast<const char*>(&record), sizeof(record)});
  if (!status.ok() && !failed_) {
    spdlog::warn("a loss at the end of the log could not be told from now on: {}",
                 std::string(status.message()));
  }
  failed_ = !status.ok();
}

}  // namespace lapse::storage
