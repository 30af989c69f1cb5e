// Columns of sealed chunks: values of one kind, made small by what they have in common.
#ifndef LAPSE_STORAGE_SEALED_COLUMN_H_
#define LAPSE_STORAGE_SEALED_COLUMN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "lapse/internal/v1/sealed.pb.h"

namespace lapse::storage {

// Values of a column, at most. Decoders refuse more, so that damaged bytes never allocate without
// bound.
inline constexpr int64_t kMaxColumnValues = 1 << 20;
// Bytes of a column's text, at most.
inline constexpr int64_t kMaxColumnBytes = 512ll << 20;

// Byte planes: raw where a plane has `count` bytes, one value for all where it has 1, otherwise
// compressed.
std::string EncodePlane(const std::string& plane);
absl::StatusOr<std::string> DecodePlane(const std::string& encoded, int64_t count);

void EncodeInts(absl::Span<const int64_t> values, lapse::internal::v1::IntColumn* column);
// DATA_LOSS where the bytes hold no `count` values; so do the others.
absl::StatusOr<std::vector<int64_t>> DecodeInts(const lapse::internal::v1::IntColumn& column,
                                                int64_t count);

void EncodeDoubles(absl::Span<const double> values, lapse::internal::v1::DoubleColumn* column);
absl::StatusOr<std::vector<double>> DecodeDoubles(const lapse::internal::v1::DoubleColumn& column,
                                                  int64_t count);

void EncodeStrings(absl::Span<const absl::string_view> values,
                   lapse::internal::v1::StringColumn* column);

// Values of a string column, made one by one: a column of ids is not worth the making where few
// events are wanted. Immutable.
class StringValues {
 public:
  virtual ~StringValues() = default;
  virtual void AppendTo(int64_t index, std::string* text) const = 0;
  // The indexes whose value is `text`, ascending.
  virtual std::vector<int64_t> Find(absl::string_view text) const = 0;
};

// `column` may end before the result does.
absl::StatusOr<std::unique_ptr<const StringValues>> DecodeStrings(
    const lapse::internal::v1::StringColumn& column, int64_t count);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SEALED_COLUMN_H_
