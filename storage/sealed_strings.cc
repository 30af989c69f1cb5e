// String columns of sealed chunks.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/hex.h"
#include "base/status_macros.h"
#include "storage/sealed_column.h"
// What is hashed is short: the call would cost as much as the hash.
#define XXH_INLINE_ALL
#include "xxhash.h"
#include "zstd.h"

namespace lapse::storage {
namespace {

using lapse::internal::v1::IntColumn;
using lapse::internal::v1::StringColumn;
using Values = absl::Span<const absl::string_view>;

constexpr int kTextLevel = 3;
constexpr size_t kUuidTimeBytes = 6;
// 10^18 fits into 63 bits.
constexpr size_t kMaxDigits = 18;
// A dictionary pays where a value comes so often on average; numbers are small by themselves.
constexpr double kMinUses = 1.3;
constexpr double kMinUsesOfNumbers = 8;

absl::Status Damaged(const char* what) { return absl::DataLossError(what); }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Numbered strings.

// What follows `prefix`, where it is a number that NumberText makes from itself.
std::optional<int64_t> NumberIn(absl::string_view text, size_t prefix_size, size_t width) {
  const absl::string_view digits = text.substr(prefix_size);
  if (digits.empty() || digits.size() > kMaxDigits) return std::nullopt;
  if (width > 0 ? digits.size() != width : digits[0] == '0' && digits.size() > 1) {
    return std::nullopt;
  }
  int64_t number = 0;
  for (const char c : digits) {
    if (!IsDigit(c)) return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

void AppendNumber(int64_t number, size_t width, std::string* text) {
  const std::string digits = std::to_string(number);
  if (digits.size() < width) text->append(width - digits.size(), '0');
  text->append(digits);
}

size_t CommonPrefix(Values values) {
  size_t size = values[0].size();
  for (const absl::string_view value : values) {
    size_t same = 0;
    while (same < size && same < value.size() && value[same] == values[0][same]) ++same;
    size = same;
  }
  while (size > 0 && IsDigit(values[0][size - 1])) --size;
  return size;
}

bool EncodeNumbered(Values values, StringColumn* column) {
  const size_t prefix = CommonPrefix(values);
  const bool padded = std::any_of(values.begin(), values.end(), [&](absl::string_view v) {
    return v.size() > prefix + 1 && v[prefix] == '0';
  });
  const size_t width = padded ? values[0].size() - prefix : 0;
  std::vector<int64_t> numbers;
  numbers.reserve(values.size());
  for (const absl::string_view value : values) {
    const std::optional<int64_t> number = NumberIn(value, prefix, width);
    if (!number) return false;
    numbers.push_back(*number);
  }
  column->mutable_numbered()->set_prefix(std::string(values[0].substr(0, prefix)));
  column->mutable_numbered()->set_width(static_cast<int32_t>(width));
  EncodeInts(numbers, column->mutable_numbered()->mutable_numbers());
  return true;
}

class NumberedValues : public StringValues {
 public:
  NumberedValues(std::string prefix, size_t width, std::vector<int64_t> numbers)
      : prefix_(std::move(prefix)), width_(width), numbers_(std::move(numbers)) {}

  void AppendTo(int64_t index, std::string* text) const override {
    text->append(prefix_);
    AppendNumber(numbers_[index], width_, text);
  }

  std::vector<int64_t> Find(absl::string_view text) const override {
    std::vector<int64_t> found;
    if (!absl::StartsWith(text, prefix_)) return found;
    const std::optional<int64_t> number = NumberIn(text, prefix_.size(), width_);
    if (!number) return found;
    for (size_t i = 0; i < numbers_.size(); ++i) {
      if (numbers_[i] == *number) found.push_back(static_cast<int64_t>(i));
    }
    return found;
  }

 private:
  const std::string prefix_;
  const size_t width_;
  const std::vector<int64_t> numbers_;
};

// UUIDs.

// Whether all values come about equally often, so that a plane without repetitions cannot be made
// smaller by more than a hundredth. Chance alone has the sum of the squares at n * n / 256 + n.
bool IsEven(absl::string_view plane) {
  std::array<uint32_t, 256> counts = {};
  for (const char byte : plane) ++counts[static_cast<uint8_t>(byte)];
  uint64_t squares = 0;
  for (const uint64_t count : counts) squares += count * count;
  const uint64_t n = plane.size();
  return n >= 1'024 && squares < n * n / 256 + 3 * n / 2;
}

bool EncodeUuids(Values values, StringColumn* column) {
  std::vector<uint8_t> bytes(values.size() * kUuidBytes);
  bool timed = true;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!ParseUuid(values[i], &bytes[i * kUuidBytes])) return false;
    timed = timed && bytes[i * kUuidBytes + kUuidTimeBytes] >> 4 == 7;
  }
  auto* uuids = column->mutable_uuids();
  if (timed) {
    std::vector<int64_t> times;
    for (size_t i = 0; i < values.size(); ++i) {
      int64_t time = 0;
      for (size_t b = 0; b < kUuidTimeBytes; ++b) time = time << 8 | bytes[i * kUuidBytes + b];
      times.push_back(time);
    }
    EncodeInts(times, uuids->mutable_time_ms());
  }
  std::string plane(values.size(), '\0');
  for (size_t b = timed ? kUuidTimeBytes : 0; b < kUuidBytes; ++b) {
    for (size_t i = 0; i < values.size(); ++i) plane[i] = static_cast<char>(bytes[i * 16 + b]);
    // Random bits are what nearly all of them are.
    uuids->add_planes(IsEven(plane) ? plane : EncodePlane(plane));
  }
  return true;
}

class UuidValues : public StringValues {
 public:
  // `times` is empty where `planes` has all bytes.
  UuidValues(int64_t count, std::vector<int64_t> times, std::vector<std::string> planes)
      : count_(count), times_(std::move(times)), planes_(std::move(planes)) {}

  void AppendTo(int64_t index, std::string* text) const override {
    uint8_t bytes[kUuidBytes];
    size_t b = 0;
    if (!times_.empty()) {
      for (; b < kUuidTimeBytes; ++b) {
        bytes[b] = static_cast<uint8_t>(times_[index] >> (8 * (kUuidTimeBytes - 1 - b)));
      }
    }
    for (const std::string& plane : planes_) bytes[b++] = static_cast<uint8_t>(plane[index]);
    AppendUuid(bytes, text);
  }

  std::vector<int64_t> Find(absl::string_view text) const override {
    std::vector<int64_t> found;
    uint8_t bytes[kUuidBytes];
    if (!ParseUuid(text, bytes)) return found;
    const std::string& last = planes_.back();
    std::string value;
    for (int64_t i = 0; i < count_; ++i) {
      if (static_cast<uint8_t>(last[i]) != bytes[kUuidBytes - 1]) continue;
      value.clear();
      AppendTo(i, &value);
      if (value == text) found.push_back(i);
    }
    return found;
  }

 private:
  const int64_t count_;
  const std::vector<int64_t> times_;
  const std::vector<std::string> planes_;
};

// Any other strings.

void EncodePlain(Values values, StringColumn* column) {
  std::vector<int64_t> sizes;
  std::string text;
  for (const absl::string_view value : values) {
    sizes.push_back(static_cast<int64_t>(value.size()));
    text.append(value.data(), value.size());
  }
  auto* plain = column->mutable_plain();
  EncodeInts(sizes, plain->mutable_sizes());
  plain->set_text_size(static_cast<int64_t>(text.size()));
  thread_local const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                                  &ZSTD_freeCCtx);
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  const size_t size = ZSTD_compressCCtx(context.get(), packed.data(), packed.size(), text.data(),
                                        text.size(), kTextLevel);
  packed.resize(ZSTD_isError(size) ? 0 : size);
  const bool shorter = !ZSTD_isError(size) && packed.size() < text.size();
  plain->set_text(shorter ? std::move(packed) : std::move(text));
}

class PlainValues : public StringValues {
 public:
  // `ends` has where each value ends in `text`.
  PlainValues(std::string text, std::vector<int64_t> ends)
      : text_(std::move(text)), ends_(std::move(ends)) {}

  void AppendTo(int64_t index, std::string* text) const override {
    const absl::string_view value = At(index);
    text->append(value.data(), value.size());
  }

  std::vector<int64_t> Find(absl::string_view text) const override {
    std::vector<int64_t> found;
    for (size_t i = 0; i < ends_.size(); ++i) {
      if (At(static_cast<int64_t>(i)) == text) found.push_back(static_cast<int64_t>(i));
    }
    return found;
  }

 private:
  absl::string_view At(int64_t index) const {
    const int64_t begin = index == 0 ? 0 : ends_[index - 1];
    return absl::string_view(text_).substr(begin, ends_[index] - begin);
  }

  const std::string text_;
  const std::vector<int64_t> ends_;
};

absl::StatusOr<std::unique_ptr<const StringValues>> DecodePlain(const StringColumn::Plain& plain,
                                                                int64_t count) {
  if (plain.text_size() < 0 || plain.text_size() > kMaxColumnBytes) return Damaged("a huge column");
  ASSIGN_OR_RETURN(std::vector<int64_t> ends, DecodeInts(plain.sizes(), count));
  int64_t end = 0;
  for (int64_t& size : ends) {
    if (size < 0 || size > plain.text_size() - end) return Damaged("an impossible text size");
    size = end += size;
  }
  if (end != plain.text_size()) return Damaged("more text than values");
  std::string text = plain.text();
  if (static_cast<int64_t>(text.size()) != end) {
    text.resize(end);
    const size_t size =
        ZSTD_decompress(text.data(), text.size(), plain.text().data(), plain.text().size());
    if (ZSTD_isError(size) || static_cast<int64_t>(size) != end)
      return Damaged("a column does not decompress");
  }
  return std::make_unique<PlainValues>(std::move(text), std::move(ends));
}

class ConstantValues : public StringValues {
 public:
  ConstantValues(std::string value, int64_t count) : value_(std::move(value)), count_(count) {}

  void AppendTo(int64_t /*index*/, std::string* text) const override { text->append(value_); }

  std::vector<int64_t> Find(absl::string_view text) const override {
    std::vector<int64_t> found;
    for (int64_t i = 0; text == value_ && i < count_; ++i) found.push_back(i);
    return found;
  }

 private:
  const std::string value_;
  const int64_t count_;
};

// Dictionaries.

// Numbers the values by their first use.
class DistinctValues {
 public:
  explicit DistinctValues(Values values)
      : values_(values), slots_(std::bit_ceil(2 * values.size())) {}

  // Goes on with the numbering. False where there are more than `most`.
  bool Number(size_t most) {
    indexes_.reserve(values_.size());
    while (indexes_.size() < values_.size() && distinct_.size() <= most) {
      indexes_.push_back(NumberOf(values_[indexes_.size()]));
    }
    return distinct_.size() <= most;
  }

  const std::vector<absl::string_view>& distinct() const { return distinct_; }
  // By value, all of them once Number is true.
  const std::vector<int64_t>& indexes() const { return indexes_; }

 private:
  // A tag that tells nearly all other values, and a number from 1.
  struct Slot {
    uint32_t tag = 0;
    uint32_t number = 0;
  };

  uint32_t NumberOf(absl::string_view value) {
    const uint64_t hash = XXH3_64bits(value.data(), value.size());
    const auto tag = static_cast<uint32_t>(hash >> 32);
    size_t at = hash & (slots_.size() - 1);
    for (; slots_[at].number != 0; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].tag == tag && distinct_[slots_[at].number - 1] == value)
        return slots_[at].number - 1;
    }
    distinct_.push_back(value);
    slots_[at] = {tag, static_cast<uint32_t>(distinct_.size())};
    return slots_[at].number - 1;
  }

  const Values values_;
  // A power of two of them, at least half empty.
  std::vector<Slot> slots_;
  std::vector<absl::string_view> distinct_;
  std::vector<int64_t> indexes_;
};

void EncodeDistinct(Values values, StringColumn* column);

bool EncodeDictionary(double min_uses, size_t value_count, DistinctValues& values,
                      StringColumn* column) {
  if (!values.Number(static_cast<size_t>(static_cast<double>(value_count) / min_uses)))
    return false;
  auto* dictionary = column->mutable_dictionary();
  dictionary->set_value_count(static_cast<int32_t>(values.distinct().size()));
  EncodeDistinct(values.distinct(), dictionary->mutable_values());
  EncodeInts(values.indexes(), dictionary->mutable_indexes());
  return true;
}

class DictionaryValues : public StringValues {
 public:
  DictionaryValues(std::unique_ptr<const StringValues> values, std::vector<int64_t> indexes)
      : values_(std::move(values)), indexes_(std::move(indexes)) {}

  void AppendTo(int64_t index, std::string* text) const override {
    values_->AppendTo(indexes_[index], text);
  }

  std::vector<int64_t> Find(absl::string_view text) const override {
    std::vector<int64_t> found;
    // Each value is in a dictionary once.
    const std::vector<int64_t> place = values_->Find(text);
    if (place.empty()) return found;
    for (size_t i = 0; i < indexes_.size(); ++i) {
      if (indexes_[i] == place.front()) found.push_back(static_cast<int64_t>(i));
    }
    return found;
  }

 private:
  const std::unique_ptr<const StringValues> values_;
  const std::vector<int64_t> indexes_;
};

bool EncodeConstant(Values values, StringColumn* column) {
  if (std::any_of(values.begin(), values.end(), [&](auto v) { return v != values[0]; }))
    return false;
  column->set_constant(std::string(values[0]));
  return true;
}

// As the values of a dictionary are.
void EncodeDistinct(Values values, StringColumn* column) {
  if (EncodeConstant(values, column) || EncodeNumbered(values, column)) return;
  if (!EncodeUuids(values, column)) EncodePlain(values, column);
}

void EncodeValues(Values values, StringColumn* column) {
  if (values.empty() || EncodeConstant(values, column)) return;
  DistinctValues distinct(values);
  if (EncodeDictionary(kMinUsesOfNumbers, values.size(), distinct, column)) return;
  if (EncodeNumbered(values, column)) return;
  if (EncodeDictionary(kMinUses, values.size(), distinct, column)) return;
  if (!EncodeUuids(values, column)) EncodePlain(values, column);
}

absl::StatusOr<std::unique_ptr<const StringValues>> DecodeValues(const StringColumn& column,
                                                                 int64_t count, bool is_dictionary);

absl::StatusOr<std::unique_ptr<const StringValues>> DecodeDictionary(
    const StringColumn::Dictionary& dictionary, int64_t count) {
  ASSIGN_OR_RETURN(auto values, DecodeValues(dictionary.values(), dictionary.value_count(),
                                             /*is_dictionary=*/true));
  ASSIGN_OR_RETURN(std::vector<int64_t> indexes, DecodeInts(dictionary.indexes(), count));
  for (const int64_t index : indexes) {
    if (index < 0 || index >= dictionary.value_count()) return Damaged("no such value");
  }
  return std::make_unique<DictionaryValues>(std::move(values), std::move(indexes));
}

absl::StatusOr<std::unique_ptr<const StringValues>> DecodeUuids(const StringColumn::Uuids& uuids,
                                                                int64_t count) {
  std::vector<int64_t> times;
  if (uuids.has_time_ms()) {
    ASSIGN_OR_RETURN(times, DecodeInts(uuids.time_ms(), count));
  }
  const size_t expected = uuids.has_time_ms() ? kUuidBytes - kUuidTimeBytes : kUuidBytes;
  if (static_cast<size_t>(uuids.planes_size()) != expected) return Damaged("half a UUID");
  std::vector<std::string> planes;
  for (const std::string& encoded : uuids.planes()) {
    ASSIGN_OR_RETURN(planes.emplace_back(), DecodePlane(encoded, count));
  }
  return std::make_unique<UuidValues>(count, std::move(times), std::move(planes));
}

absl::StatusOr<std::unique_ptr<const StringValues>> DecodeNumbered(
    const StringColumn::Numbered& numbered, int64_t count) {
  if (numbered.width() < 0 || numbered.width() > static_cast<int>(kMaxDigits))
    return Damaged("an impossible width");
  ASSIGN_OR_RETURN(std::vector<int64_t> numbers, DecodeInts(numbered.numbers(), count));
  return std::make_unique<NumberedValues>(numbered.prefix(), numbered.width(), std::move(numbers));
}

absl::StatusOr<std::unique_ptr<const StringValues>> DecodeValues(const StringColumn& column,
                                                                 int64_t count,
                                                                 bool is_dictionary) {
  if (count < 0 || count > kMaxColumnValues) return Damaged("an impossible column");
  switch (column.kind_case()) {
    case StringColumn::kConstant:
      return std::make_unique<ConstantValues>(column.constant(), count);
    case StringColumn::kDictionary:
      if (is_dictionary) return Damaged("a dictionary of a dictionary");
      return DecodeDictionary(column.dictionary(), count);
    case StringColumn::kNumbered:
      return DecodeNumbered(column.numbered(), count);
    case StringColumn::kUuids:
      return DecodeUuids(column.uuids(), count);
    case StringColumn::kPlain:
      return DecodePlain(column.plain(), count);
    case StringColumn::KIND_NOT_SET:
      break;
  }
  if (count > 0) return Damaged("a column without values");
  return std::make_unique<ConstantValues>("", 0);
}

}  // namespace

void EncodeStrings(Values values, StringColumn* column) { EncodeValues(values, column); }

absl::StatusOr<std::unique_ptr<const StringValues>> DecodeStrings(const StringColumn& column,
                                                                  int64_t count) {
  return DecodeValues(column, count, /*is_dictionary=*/false);
}

}  // namespace lapse::storage
