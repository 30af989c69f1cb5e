#include "storage/sealed_run.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "xxhash.h"

namespace lapse::storage {
namespace {

// Of a block: a checksum of the rest, the number of entries, the bits of a step's rest, the bits of
// a chunk.
constexpr size_t kChecksumBytes = 4;
constexpr size_t kHeaderBytes = 8;
constexpr int64_t kBlockBits = (kRunBlockBytes - static_cast<int64_t>(kHeaderBytes)) * 8;

uint32_t ChecksumOf(absl::string_view block) {
  return static_cast<uint32_t>(
      XXH3_64bits(block.data() + kChecksumBytes, block.size() - kChecksumBytes));
}

// Lowest bits first.
class BitWriter {
 public:
  // Behind the bytes that are written to.
  static constexpr size_t kSpareBytes = sizeof(uint64_t);

  explicit BitWriter(std::string* bytes) : bytes_(bytes) {}

  // The lowest `count` bits, at most 32; the others are zeros.
  void Put(uint64_t value, int count) {
    char* const at = bytes_->data() + kHeaderBytes + bit_ / 8;
    uint64_t word = 0;
    std::memcpy(&word, at, sizeof(word));
    word |= value << bit_ % 8;
    std::memcpy(at, &word, sizeof(word));
    bit_ += count;
  }
  // Ones and a zero.
  void PutUnary(uint64_t count) {
    constexpr int kMostOnes = 31;
    for (; count > kMostOnes; count -= kMostOnes) Put((uint64_t{1} << kMostOnes) - 1, kMostOnes);
    Put((uint64_t{1} << count) - 1, static_cast<int>(count) + 1);
  }
  int64_t used() const { return bit_; }

 private:
  std::string* bytes_;
  int64_t bit_ = 0;
};

class BitReader {
 public:
  explicit BitReader(absl::string_view block)
      : end_(static_cast<int64_t>(block.size() - kHeaderBytes) * 8) {
    // With room behind it, so that eight bytes can be read from any place.
    std::memcpy(bytes_, block.data() + kHeaderBytes, block.size() - kHeaderBytes);
  }

  // At most 32 bits.
  bool Get(int count, uint64_t* value) {
    if (bit_ + count > end_) return false;
    *value = Word() & ((uint64_t{1} << count) - 1);
    bit_ += count;
    return true;
  }
  bool GetUnary(uint64_t* count) {
    for (*count = 0; bit_ < end_;) {
      const int readable = 64 - static_cast<int>(bit_ % 8);
      const int ones = std::countr_one(Word());
      *count += static_cast<uint64_t>(ones);
      bit_ += ones;
      if (ones == readable) continue;
      ++bit_;
      return bit_ <= end_;
    }
    return false;
  }

 private:
  // What comes next, lowest bit first; zeros behind the eighth byte.
  uint64_t Word() const {
    uint64_t word = 0;
    std::memcpy(&word, bytes_ + bit_ / 8, sizeof(word));
    return word >> bit_ % 8;
  }

  char bytes_[kRunBlockBytes - kHeaderBytes + sizeof(uint64_t)] = {};
  const int64_t end_;
  int64_t bit_ = 0;
};

// Rice coding: a step is cut into its lowest `rest_bits` and the rest of it, in unary.
int RestBits(absl::Span<const RunEntry> entries) {
  uint64_t distinct = 1;
  for (size_t i = 1; i < entries.size(); ++i)
    distinct += entries[i].fingerprint != entries[i - 1].fingerprint ? 1 : 0;
  const uint64_t mean = (uint64_t{1} << 32) / distinct;
  return std::max(0, static_cast<int>(std::bit_width(mean)) - 2);
}

class RunEncoder {
 public:
  RunEncoder(int rest_bits, int chunk_bits) : rest_bits_(rest_bits), chunk_bits_(chunk_bits) {}

  void Add(const RunEntry& entry) {
    uint64_t step = entry.fingerprint - last_;
    const auto needed = static_cast<int64_t>((step >> rest_bits_) + 1 + rest_bits_ + chunk_bits_);
    if (block_.empty() || writer_.used() + needed > kBlockBits) {
      FinishBlock();
      StartBlock(entry.fingerprint);
      step = 0;
    }
    writer_.PutUnary(step >> rest_bits_);
    writer_.Put(step & ((uint64_t{1} << rest_bits_) - 1), rest_bits_);
    writer_.Put(entry.chunk, chunk_bits_);
    last_ = entry.fingerprint;
    ++count_;
  }

  EncodedRun Finish() {
    FinishBlock();
    return std::move(run_);
  }

 private:
  void StartBlock(uint32_t fence) {
    block_.assign(kRunBlockBytes + BitWriter::kSpareBytes, '\0');
    writer_ = BitWriter(&block_);
    count_ = 0;
    run_.fences.push_back(fence);
  }

  void FinishBlock() {
    if (block_.empty()) return;
    block_.resize(kRunBlockBytes);
    std::memcpy(&block_[kChecksumBytes], &count_, sizeof(count_));
    block_[6] = static_cast<char>(rest_bits_);
    block_[7] = static_cast<char>(chunk_bits_);
    const uint32_t checksum = ChecksumOf(block_);
    std::memcpy(block_.data(), &checksum, sizeof(checksum));
    run_.blocks += block_;
    block_.clear();
  }

  const int rest_bits_;
  const int chunk_bits_;
  EncodedRun run_;
  std::string block_;
  BitWriter writer_{&block_};
  uint16_t count_ = 0;
  uint32_t last_ = 0;
};

}  // namespace

EncodedRun EncodeRun(absl::Span<const RunEntry> entries) {
  if (entries.empty()) return {};
  uint32_t last_chunk = 0;
  for (const RunEntry& entry : entries) last_chunk = std::max(last_chunk, entry.chunk);
  RunEncoder encoder(RestBits(entries), static_cast<int>(std::bit_width(last_chunk)));
  for (const RunEntry& entry : entries) encoder.Add(entry);
  return encoder.Finish();
}

BlockRange BlocksOf(absl::Span<const uint32_t> fences, uint32_t fingerprint) {
  // An entry may be the last of a block whose follower has the same fingerprint as its fence.
  const auto first = std::lower_bound(fences.begin(), fences.end(), fingerprint);
  const auto end = std::upper_bound(first, fences.end(), fingerprint);
  const bool has_before = first != fences.begin();
  return {first - fences.begin() - (has_before ? 1 : 0), end - fences.begin()};
}

absl::Status FindInBlock(absl::string_view block, uint32_t fence, uint32_t fingerprint,
                         std::vector<uint32_t>* chunks) {
  uint32_t checksum = 0;
  if (block.size() != kRunBlockBytes) return absl::DataLossError("a run's block is cut off");
  std::memcpy(&checksum, block.data(), sizeof(checksum));
  if (checksum != ChecksumOf(block)) return absl::DataLossError("a run's checksum does not match");
  uint16_t count = 0;
  std::memcpy(&count, block.data() + kChecksumBytes, sizeof(count));
  const int rest_bits = static_cast<uint8_t>(block[6]);
  const int chunk_bits = static_cast<uint8_t>(block[7]);
  if (rest_bits > 32 || chunk_bits > 32) return absl::DataLossError("a run's block is none");
  BitReader reader(block);
  uint64_t present = fence;
  for (; count > 0; --count) {
    uint64_t high = 0, low = 0, chunk = 0;
    if (!reader.GetUnary(&high) || !reader.Get(rest_bits, &low) || !reader.Get(chunk_bits, &chunk))
      return absl::DataLossError("a run's block is cut off");
    present += (high << rest_bits) + low;
    if (present > fingerprint) break;
    if (present == fingerprint) chunks->push_back(static_cast<uint32_t>(chunk));
  }
  return absl::OkStatus();
}

}  // namespace lapse::storage
