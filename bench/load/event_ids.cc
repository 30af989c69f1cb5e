#include "bench/load/event_ids.h"

#include <array>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace lapse::bench {
namespace {

constexpr size_t kUuidBytes = 36;
constexpr size_t kShortBytes = 10;
constexpr uint64_t kShortIdsPerSeed = 1'000'000;
constexpr uint64_t kVariantBits = uint64_t{1} << 63;
constexpr uint64_t kVariantMask = uint64_t{3} << 62;

struct HexPairs {
  HexPairs() {
    constexpr const char* kDigits = "0123456789abcdef";
    for (size_t i = 0; i < 256; ++i) pairs[i] = {kDigits[i >> 4], kDigits[i & 15]};
  }
  std::array<std::array<char, 2>, 256> pairs;
};

const HexPairs& Hex() {
  static const HexPairs hex;
  return hex;
}

}  // namespace

absl::StatusOr<IdForm> ParseIdForm(absl::string_view name) {
  if (name == "uuid4") return IdForm::kUuid4;
  if (name == "uuid7") return IdForm::kUuid7;
  if (name == "short") return IdForm::kShort;
  return absl::InvalidArgumentError(
      absl::StrCat("no form of ids \"", name, "\"; there are uuid4, uuid7 and short"));
}

EventIds::EventIds(IdForm form, uint64_t seed)
    : form_(form), random_(seed), counter_(seed * kShortIdsPerSeed) {}

size_t EventIds::Size() const { return form_ == IdForm::kShort ? kShortBytes : kUuidBytes; }

void EventIds::Write(int64_t now_us, char* out) {
  switch (form_) {
    case IdForm::kUuid4:
      return WriteUuid((random_.Next() & ~uint64_t{0xf000}) | 0x4000,
                       (random_.Next() & ~kVariantMask) | kVariantBits, out);
    case IdForm::kUuid7:
      return WriteUuid(
          static_cast<uint64_t>(now_us / 1'000) << 16 | 0x7000 | (random_.Next() & 0xfff),
          (random_.Next() & ~kVariantMask) | kVariantBits, out);
    case IdForm::kShort:
      return WriteDigits(counter_++, kShortBytes, out);
  }
}

void EventIds::WriteUuid(uint64_t high, uint64_t low, char* out) {
  const auto& pairs = Hex().pairs;
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
    const uint64_t half = i < 8 ? high : low;
    const auto& pair = pairs[(half >> (56 - i % 8 * 8)) & 0xff];
    *out++ = pair[0];
    *out++ = pair[1];
  }
}

void WriteDigits(uint64_t number, size_t digits, char* out) {
  for (size_t i = digits; i-- > 0; number /= 10) out[i] = static_cast<char>('0' + number % 10);
}

}  // namespace lapse::bench
