// The chunk reader: a header, and a body that is compressed here, under a checksum that is right.
// Its bytes come from a disk: whatever they are, they are an entry or DATA_LOSS.
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "google/protobuf/stubs/logging.h"
#include "lapse/internal/v1/log.pb.h"
#include "storage/chunk_codec.h"
#include "test/fuzz/fuzz_target.h"
#include "xxhash.h"
#include "zstd.h"

namespace {

// It would tell of every text that is not UTF-8.
[[maybe_unused]] const auto kProtobufLog = google::protobuf::SetLogHandler(nullptr);

std::string Compress(std::string_view plain) {
  std::string out(ZSTD_compressBound(plain.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 1));
  return out;
}

// As chunk_codec.cc has it.
uint64_t ChecksumOf(std::string_view header, std::string_view body) {
  return XXH3_64bits_withSeed(body.data(), body.size(), XXH3_64bits(header.data(), header.size()));
}

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lapse::fuzz::Input input(data, size);
  const uint8_t mode = input.Byte();
  std::string header(input.Part());
  // 0: the body as it stands; 1: compressed; 2: compressed, with its size put into the header.
  std::string body(input.Rest());
  if (mode % 3 == 2) {
    lapse::internal::v1::ChunkHeader parsed;
    if (!parsed.ParseFromString(header)) return 0;
    parsed.set_body_size_bytes(static_cast<int64_t>(body.size()));
    header = parsed.SerializeAsString();
  }
  if (mode % 3 != 0 && !body.empty()) body = Compress(body);
  const auto entry =
      lapse::storage::DecodeChunk(View(header), View(body), ChecksumOf(header, body));
  FUZZ_CHECK(entry.ok() || absl::IsDataLoss(entry.status()));
  if (!entry.ok()) return 0;
  const auto wrong =
      lapse::storage::DecodeChunk(View(header), View(body), ~ChecksumOf(header, body));
  FUZZ_CHECK(absl::IsDataLoss(wrong.status()));
  return 0;
}
