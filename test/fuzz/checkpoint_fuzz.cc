// A checkpoint's file, and the partition in it, down to the state of each key. Whatever the bytes
// are, they are refused or make a partition that is written as one that can be read.
#include <cstring>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "google/protobuf/stubs/logging.h"
#include "monitors/compiled_monitor.h"
#include "monitors/partition.h"
#include "monitors/test_monitors.h"
#include "storage/sqlite/checkpoint_file.h"
#include "test/fuzz/fuzz_target.h"
#include "xxhash.h"
#include "zstd.h"

namespace {

// It would tell of every text that is not UTF-8.
[[maybe_unused]] const auto kProtobufLog = google::protobuf::SetLogHandler(nullptr);

using lapse::monitors::CompiledMonitor;
using lapse::monitors::Partition;

constexpr uint64_t kSeed = 7;
constexpr char kCompressedVersion = 1;
constexpr char kChecksummedVersion = 2;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

const CompiledMonitor& TheMonitor() {
  static const auto* const monitor = new std::shared_ptr<const CompiledMonitor>(
      CompiledMonitor::Compile(lapse::monitors::OrderMonitor()).value());
  return **monitor;
}

absl::StatusOr<Partition> Parse(absl::string_view bytes) {
  return Partition::Parse(bytes, kSeed, 1, [](const std::string&, int64_t) {
    return absl::StatusOr<const CompiledMonitor*>(&TheMonitor());
  });
}

bool IsRefusal(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsFailedPrecondition(status);
}

void FuzzFile(std::string_view bytes) {
  const auto read = lapse::storage::DecodeCheckpoint("file", View(bytes));
  FUZZ_CHECK(read.ok() || IsRefusal(read.status()));
}

void FuzzPartition(std::string_view bytes) {
  auto partition = Parse(View(bytes));
  FUZZ_CHECK(partition.ok() || IsRefusal(partition.status()));
  if (!partition.ok()) return;
  const std::string written = partition->Serialize();
  // In its file, and back.
  const auto file = lapse::storage::DecodeCheckpoint(
      "file", lapse::storage::EncodeCheckpoint({.partition = 3, .position = 9, .state = written}));
  FUZZ_CHECK(file.ok() && file->state == written);
  auto again = Parse(file->state);
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(again->Serialize() == written);
}

std::string Compressed(std::string_view plain) {
  std::string out(1 + ZSTD_compressBound(plain.size()), kCompressedVersion);
  out.resize(1 + ZSTD_compress(out.data() + 1, out.size() - 1, plain.data(), plain.size(), 1));
  return out;
}

// As if it had been written so: past the checksum, nothing but the reader stands between the bytes
// and the keys.
std::string Checksummed(std::string_view body) {
  const XXH64_hash_t checksum = XXH3_64bits(body.data(), body.size());
  std::string out(1 + sizeof(checksum), kChecksummedVersion);
  std::memcpy(out.data() + 1, &checksum, sizeof(checksum));
  out += body;
  return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lapse::fuzz::Input input(data, size);
  switch (input.Byte() % 4) {
    case 0:
      FuzzFile(input.Rest());
      break;
    case 1:
      FuzzPartition(input.Rest());
      break;
    case 2:
      FuzzPartition(Compressed(input.Rest()));
      break;
    default:
      FuzzPartition(Checksummed(input.Rest()));
  }
  return 0;
}
