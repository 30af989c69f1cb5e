// Merged chunks and sorted runs of sealed files. A chunk is made of a log entry as the fuzzer wants
// it, then some of its bytes are changed: it is DATA_LOSS, or entries that can be merged again and
// come out the same.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/stubs/logging.h"
#include "lapse/internal/v1/log.pb.h"
#include "storage/chunk_codec.h"
#include "storage/sealed_chunk.h"
#include "storage/sealed_entry.h"
#include "storage/sealed_run.h"
#include "test/fuzz/fuzz_target.h"
#include "xxhash.h"
#include "zstd.h"

namespace {

using lapse::storage::SealedEntry;

constexpr uint64_t kSeed = 7;

// It would tell of every text that is not UTF-8.
[[maybe_unused]] const auto kProtobufLog = google::protobuf::SetLogHandler(nullptr);

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

std::string Compress(std::string_view plain) {
  std::string out(ZSTD_compressBound(plain.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 1));
  return out;
}

absl::StatusOr<lapse::storage::EncodedSealedChunk> Encode(const std::vector<SealedEntry>& entries) {
  return lapse::storage::EncodeSealedChunk(entries, kSeed, {"order_id"});
}

// The merged chunk of the one entry that the input describes, as in chunk_fuzz.cc; empty where it
// describes none.
std::string MakeChunk(lapse::fuzz::Input& input) {
  lapse::internal::v1::ChunkHeader header;
  if (!header.ParseFromString(std::string(input.Part()))) return "";
  header.set_body_size_bytes(static_cast<int64_t>(input.Rest().size()));
  const std::string head = header.SerializeAsString();
  const std::string body = input.Rest().empty() ? "" : Compress(input.Rest());
  const uint64_t checksum =
      XXH3_64bits_withSeed(body.data(), body.size(), XXH3_64bits(head.data(), head.size()));
  const auto entry = lapse::storage::DecodeChunk(head, body, checksum);
  if (!entry.ok()) return "";
  const auto chunk = Encode({lapse::storage::ToSealedEntry(**entry)});
  FUZZ_CHECK(chunk.ok() || absl::IsInvalidArgument(chunk.status()));
  return chunk.ok() ? chunk->bytes : "";
}

void Change(std::string* bytes, std::string_view changes) {
  for (size_t i = 0; i + 3 <= changes.size() && !bytes->empty(); i += 3) {
    const size_t at = static_cast<uint8_t>(changes[i]) << 8 | static_cast<uint8_t>(changes[i + 1]);
    (*bytes)[at % bytes->size()] = changes[i + 2];
  }
}

void FuzzChunk(const std::string& bytes, bool is_whole) {
  const auto entries = lapse::storage::DecodeSealedChunk(bytes);
  FUZZ_CHECK(entries.ok() || (!is_whole && absl::IsDataLoss(entries.status())));
  const auto matches = [](const lapse::v1::Event&) { return true; };
  lapse::storage::EventQuery query{.matches = matches};
  query.attribute_equals = {"order_id", "A-17"};
  const auto found = lapse::storage::FindInSealedChunk(bytes, query);
  FUZZ_CHECK(found.ok() || (!is_whole && absl::IsDataLoss(found.status())));
  if (!entries.ok()) return;
  for (const SealedEntry& entry : *entries) {
    const auto log_entry = lapse::storage::ToLogEntry(entry);
    FUZZ_CHECK(log_entry.ok() || (!is_whole && absl::IsDataLoss(log_entry.status())));
  }
  if (!is_whole) return;
  const auto again = Encode(*entries);
  FUZZ_CHECK(again.ok());
  const auto entries_again = lapse::storage::DecodeSealedChunk(again->bytes);
  FUZZ_CHECK(entries_again.ok() && entries_again->size() == entries->size());
  for (size_t i = 0; i < entries->size(); ++i) {
    FUZZ_CHECK((*entries_again)[i].events.size() == (*entries)[i].events.size());
    FUZZ_CHECK((*entries_again)[i].wire == (*entries)[i].wire);
  }
}

void FuzzBlock(lapse::fuzz::Input& input) {
  uint32_t fence = 0;
  for (int i = 0; i < 4; ++i) fence = fence << 8 | input.Byte();
  std::vector<uint32_t> chunks;
  const absl::Status status =
      lapse::storage::FindInBlock(View(input.Rest()), fence, fence + input.Byte(), &chunks);
  FUZZ_CHECK(status.ok() || absl::IsDataLoss(status));
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lapse::fuzz::Input input(data, size);
  const uint8_t mode = input.Byte() % 3;
  if (mode == 0) {
    FuzzBlock(input);
  } else if (mode == 1) {
    FuzzChunk(std::string(input.Rest()), false);
  } else {
    const std::string changes(input.Part());
    std::string bytes = MakeChunk(input);
    const std::string whole = bytes;
    Change(&bytes, changes);
    if (!bytes.empty()) FuzzChunk(bytes, bytes == whole);
  }
  return 0;
}
