#include "bench/postgres/row_pool.h"

#include <algorithm>

#include "base/limits.h"
#include "base/status_macros.h"
#include "bench/load/event_ids.h"
#include "lapse/v1/event_service.pb.h"

namespace lapse::bench {
namespace {

constexpr absl::string_view kHeader("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", 19);
constexpr absl::string_view kTrailer("\xff\xff", 2);
constexpr int kColumns = 6;
constexpr size_t kUuidBytes = 16;
constexpr size_t kKeyDigits = 9;
// 2000-01-01, PostgreSQL's zero.
constexpr int64_t kEpochUs = 946'684'800 * limits::kMicrosPerSecond;

void WriteBigEndian(uint64_t value, size_t bytes, char* out) {
  for (size_t i = bytes; i-- > 0; value >>= 8) out[i] = static_cast<char>(value & 0xff);
}

void AppendBigEndian(uint64_t value, size_t bytes, std::string& out) {
  out.resize(out.size() + bytes);
  WriteBigEndian(value, bytes, &out[out.size() - bytes]);
}

void AppendField(absl::string_view field, std::string& out) {
  AppendBigEndian(field.size(), 4, out);
  out.append(field.data(), field.size());
}

// The key's number and what stands before its digits; a number below 0 where there is no key.
struct Key {
  std::string prefix;
  int64_t number = -1;
};

Key KeyOf(const lapse::v1::Event& event) {
  constexpr int64_t kDriverKeys = 7'000'000;
  for (const char* name : {"order_id", "payment_id"}) {
    const auto found = event.attributes().find(name);
    if (found == event.attributes().end()) continue;
    const lapse::v1::Value& value = found->second;
    if (value.kind_case() == lapse::v1::Value::kInt64Value) {
      return {"D-", value.int64_value() - kDriverKeys};
    }
    const std::string& text = value.string_value();
    const size_t digits = text.size() - kKeyDigits;
    return {text.substr(0, digits), std::stoll(text.substr(digits))};
  }
  return {};
}

}  // namespace

absl::StatusOr<RowPool> RowPool::Make(const PoolOptions& options) {
  PoolOptions valid = options;
  if (valid.first_key == 0) valid.first_key = kFirstKey;
  ASSIGN_OR_RETURN(EventPool events, EventPool::Make(valid));
  RowPool pool(valid);
  for (size_t i = 0; i < events.batches(); ++i) {
    lapse::v1::BatchIngestEventsRequest request;
    if (!request.ParseFromString(std::string(events.RenewBatch(i, 0, kEpochUs)))) {
      return absl::InternalError("a batch of the pool cannot be parsed");
    }
    Batch& batch = pool.batches_.emplace_back();
    batch.bytes = std::string(kHeader);
    for (const lapse::v1::Event& event : request.events()) pool.Append(event, batch);
    batch.bytes.append(kTrailer.data(), kTrailer.size());
  }
  return pool;
}

void RowPool::Append(const lapse::v1::Event& event, Batch& batch) {
  std::string& bytes = batch.bytes;
  RowPlaces row;
  AppendBigEndian(kColumns, 2, bytes);
  AppendField(std::string(kUuidBytes, '\0'), bytes);
  row.id = bytes.size() - kUuidBytes;
  AppendField(event.source(), bytes);
  AppendField(event.type(), bytes);
  const Key key = KeyOf(event);
  if (key.number < 0) {
    AppendBigEndian(0xffffffff, 4, bytes);
  } else {
    row.key_number = key.number - first_key_;
    round_keys_ = std::max(round_keys_, row.key_number + 1);
    AppendField(key.prefix + std::string(kKeyDigits, '0'), bytes);
    row.key_digits = bytes.size() - kKeyDigits;
  }
  AppendField(std::string(8, '\0'), bytes);
  row.time = bytes.size() - 8;
  lapse::v1::Event attributes;
  *attributes.mutable_attributes() = event.attributes();
  AppendField(attributes.SerializeAsString(), bytes);
  batch.rows.push_back(row);
}

absl::string_view RowPool::Next(int64_t now_us) {
  Batch& batch = batches_[static_cast<size_t>(taken_) % batches_.size()];
  for (const RowPlaces& row : batch.rows) Renew(row, now_us, batch.bytes.data());
  ++taken_;
  return batch.bytes;
}

void RowPool::Renew(const RowPlaces& row, int64_t now_us, char* bytes) {
  WriteBigEndian((random_.Next() & ~uint64_t{0xf000}) | 0x4000, 8, bytes + row.id);
  WriteBigEndian((random_.Next() >> 2) | uint64_t{1} << 63, 8, bytes + row.id + 8);
  WriteBigEndian(static_cast<uint64_t>(now_us - kEpochUs), 8, bytes + row.time);
  if (row.key_digits == 0) return;
  const int64_t round = taken_ / static_cast<int64_t>(batches_.size());
  const int64_t key = first_key_ + round * round_keys_ + row.key_number;
  WriteDigits(static_cast<uint64_t>(key), kKeyDigits, bytes + row.key_digits);
}

}  // namespace lapse::bench
