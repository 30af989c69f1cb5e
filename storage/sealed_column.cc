#include "storage/sealed_column.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/status_macros.h"
#include "zstd.h"

namespace lapse::storage {
namespace {

using lapse::internal::v1::DoubleColumn;
using lapse::internal::v1::IntColumn;

// Higher levels gain under 2 % on planes, where hardly anything repeats, and take several times as
// long; and so does looking for repetitions of less than this.
constexpr int kPlaneLevel = 1;
constexpr int kMinMatch = 7;
constexpr int kMaxDecimals = 4;
constexpr double kPowersOfTen[kMaxDecimals + 1] = {1, 10, 100, 1'000, 10'000};
// Beyond, doubles do not hold every whole number.
constexpr double kMaxScaled = 1e15;

absl::Status Damaged(const char* what) { return absl::DataLossError(what); }

uint64_t Zigzag(uint64_t difference) {
  return (difference << 1) ^ static_cast<uint64_t>(static_cast<int64_t>(difference) >> 63);
}
uint64_t Unzigzag(uint64_t value) { return (value >> 1) ^ (0 - (value & 1)); }

// As unsigned numbers, since differences may overflow.
std::vector<uint64_t> FromLeast(absl::Span<const int64_t> values, int64_t least) {
  std::vector<uint64_t> result(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    result[i] = static_cast<uint64_t>(values[i]) - static_cast<uint64_t>(least);
  }
  return result;
}

std::vector<uint64_t> FromPrevious(absl::Span<const int64_t> values, int64_t before_first) {
  std::vector<uint64_t> result(values.size());
  uint64_t previous = static_cast<uint64_t>(before_first);
  for (size_t i = 0; i < values.size(); ++i) {
    result[i] = Zigzag(static_cast<uint64_t>(values[i]) - previous);
    previous = static_cast<uint64_t>(values[i]);
  }
  return result;
}

uint64_t BitsOf(const std::vector<uint64_t>& values) {
  uint64_t bits = 0;
  for (const uint64_t value : values) bits += std::bit_width(value);
  return bits;
}

void AddPlanes(const std::vector<uint64_t>& values, IntColumn* column) {
  uint64_t all = 0;
  for (const uint64_t value : values) all |= value;
  std::string plane(values.size(), '\0');
  for (int shift = 0; shift < 64 && all >> shift != 0; shift += 8) {
    for (size_t i = 0; i < values.size(); ++i) plane[i] = static_cast<char>(values[i] >> shift);
    column->add_planes(EncodePlane(plane));
  }
}

using PlaneContext = std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)>;

PlaneContext MakePlaneContext() {
  PlaneContext context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kPlaneLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_minMatch, kMinMatch);
  return context;
}

bool Scale(absl::Span<const double> values, double factor, std::vector<int64_t>* scaled) {
  scaled->clear();
  for (const double value : values) {
    const double product = std::round(value * factor);
    if (!(std::abs(product) < kMaxScaled)) return false;
    const auto whole = static_cast<int64_t>(product);
    const double back = static_cast<double>(whole) / factor;
    if (std::bit_cast<uint64_t>(back) != std::bit_cast<uint64_t>(value)) return false;
    scaled->push_back(whole);
  }
  return true;
}

}  // namespace

std::string EncodePlane(const std::string& plane) {
  const bool constant = plane.find_first_not_of(plane.front()) == std::string::npos;
  if (constant) return plane.substr(0, 1);
  thread_local const PlaneContext context(MakePlaneContext());
  std::string out(ZSTD_compressBound(plane.size()), '\0');
  const size_t size =
      ZSTD_compress2(context.get(), out.data(), out.size(), plane.data(), plane.size());
  if (ZSTD_isError(size) || size >= plane.size()) return plane;
  out.resize(size);
  return out;
}

absl::StatusOr<std::string> DecodePlane(const std::string& encoded, int64_t count) {
  if (static_cast<int64_t>(encoded.size()) == count) return encoded;
  if (encoded.size() == 1) return std::string(count, encoded[0]);
  thread_local const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                                  &ZSTD_freeDCtx);
  std::string plane(count, '\0');
  const size_t size = ZSTD_decompressDCtx(context.get(), plane.data(), plane.size(), encoded.data(),
                                          encoded.size());
  if (ZSTD_isError(size) || size != plane.size()) return Damaged("a column does not decompress");
  return plane;
}

void EncodeInts(absl::Span<const int64_t> values, IntColumn* column) {
  if (values.empty()) return;
  const int64_t least = *std::min_element(values.begin(), values.end());
  const std::vector<uint64_t> plain = FromLeast(values, least);
  const std::vector<uint64_t> deltas = FromPrevious(values, values.front());
  const bool use_deltas = BitsOf(deltas) < BitsOf(plain);
  column->set_base(use_deltas ? values.front() : least);
  column->set_is_delta(use_deltas);
  AddPlanes(use_deltas ? deltas : plain, column);
}

absl::StatusOr<std::vector<int64_t>> DecodeInts(const IntColumn& column, int64_t count) {
  if (count < 0 || count > kMaxColumnValues || column.planes_size() > 8) {
    return Damaged("an impossible column");
  }
  std::vector<uint64_t> values(count);
  for (int i = 0; i < column.planes_size(); ++i) {
    ASSIGN_OR_RETURN(const std::string plane, DecodePlane(column.planes(i), count));
    for (int64_t row = 0; row < count; ++row) {
      values[row] |= static_cast<uint64_t>(static_cast<uint8_t>(plane[row])) << (8 * i);
    }
  }
  std::vector<int64_t> result(count);
  uint64_t previous = static_cast<uint64_t>(column.base());
  for (int64_t row = 0; row < count; ++row) {
    const uint64_t value = column.is_delta() ? previous + Unzigzag(values[row])
                                             : static_cast<uint64_t>(column.base()) + values[row];
    result[row] = static_cast<int64_t>(value);
    previous = value;
  }
  return result;
}

void EncodeDoubles(absl::Span<const double> values, DoubleColumn* column) {
  std::vector<int64_t> numbers;
  for (int decimals = 0; decimals <= kMaxDecimals; ++decimals) {
    if (!Scale(values, kPowersOfTen[decimals], &numbers)) continue;
    column->set_decimals(decimals);
    EncodeInts(numbers, column->mutable_scaled());
    return;
  }
  numbers.clear();
  for (const double value : values) numbers.push_back(std::bit_cast<int64_t>(value));
  EncodeInts(numbers, column->mutable_bits());
}

absl::StatusOr<std::vector<double>> DecodeDoubles(const DoubleColumn& column, int64_t count) {
  const bool scaled = column.has_scaled();
  if (column.decimals() < 0 || column.decimals() > kMaxDecimals) return Damaged("odd decimals");
  ASSIGN_OR_RETURN(const std::vector<int64_t> numbers,
                   DecodeInts(scaled ? column.scaled() : column.bits(), count));
  const double factor = kPowersOfTen[column.decimals()];
  std::vector<double> values;
  values.reserve(numbers.size());
  for (const int64_t number : numbers) {
    values.push_back(scaled ? static_cast<double>(number) / factor : std::bit_cast<double>(number));
  }
  return values;
}

}  // namespace lapse::storage
