#include "monitors/partition_codec.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "monitors/packed_text.h"
#include "xxhash.h"

namespace lapse::monitors {
namespace {

using lapse::internal::v1::MonitorBooks;

constexpr uint8_t kVersion = 2;
constexpr size_t kChecksumBytes = sizeof(uint64_t);
constexpr FrozenForm kLargeForm = kMaxFrozenForm + 2;

absl::Status Damaged(absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "CHECKPOINT_DAMAGED",
                   absl::StrCat("a partition's checkpoint is damaged: ", what));
}

uint64_t ChecksumOf(std::string_view body) { return XXH3_64bits(body.data(), body.size()); }

void AppendVarint(uint64_t value, std::string* bytes) {
  char buffer[kMaxVarintBytes];
  ByteWriter out(buffer, sizeof(buffer));
  out.Varint(value);
  *bytes += out.written();
}

void AppendSized(std::string_view text, std::string* bytes) {
  AppendVarint(text.size(), bytes);
  *bytes += text;
}

void AppendTexts(const TextDictionary& texts, std::string* bytes) {
  AppendVarint(texts.size(), bytes);
  for (size_t number = 0; number < texts.size(); ++number) {
    AppendSized(texts.TextOf(number), bytes);
  }
}

bool ReadTexts(ByteReader& in, TextDictionary& texts) {
  const uint64_t count = in.Varint();
  for (uint64_t number = 0; number < count && !in.bad(); ++number) {
    if (texts.Take(in.Sized()) != number) return false;
  }
  return !in.bad();
}

void AppendRevisions(const PartitionRevisions& revisions, std::string* bytes) {
  AppendVarint(revisions.size(), bytes);
  for (uint32_t number = 0; number < revisions.size(); ++number) {
    const CompiledMonitor* const revision =
        revisions.KeysOf(number) > 0 ? revisions.At(number) : nullptr;
    AppendSized(revision == nullptr ? "" : revision->uid(), bytes);
    AppendVarint(revision == nullptr ? 0 : static_cast<uint64_t>(revision->revision()), bytes);
  }
}

// Null for a number that is not in use.
absl::StatusOr<std::vector<const CompiledMonitor*>> ReadRevisions(
    ByteReader& in, Partition::RevisionFinder find_revision) {
  std::vector<const CompiledMonitor*> revisions;
  const uint64_t count = in.Varint();
  for (uint64_t number = 0; number < count && !in.bad(); ++number) {
    const std::string uid(in.Sized());
    const int64_t revision = static_cast<int64_t>(in.Varint());
    if (in.bad()) break;
    revisions.push_back(nullptr);
    if (uid.empty()) continue;
    ASSIGN_OR_RETURN(revisions.back(), find_revision(uid, revision));
  }
  if (in.bad()) return Damaged("its revisions are cut short");
  return revisions;
}

template <typename Map>
auto SortedByKey(const Map& map) {
  std::vector<const typename Map::value_type*> sorted;
  sorted.reserve(map.size());
  for (const auto& item : map) sorted.push_back(&item);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  return sorted;
}

template <typename Map>
void AppendBooks(const Map& books, std::string* bytes) {
  AppendVarint(books.size(), bytes);
  for (const auto* item : SortedByKey(books)) {
    MonitorBooks message;
    message.set_monitor_uid(item->first);
    item->second->ToProto(message.mutable_books());
    AppendSized(message.SerializeAsString(), bytes);
  }
}

absl::StatusOr<absl::string_view> CheckedBody(absl::string_view bytes) {
  if (bytes.size() < 1 + kChecksumBytes) return Damaged("it is cut short");
  uint64_t checksum = 0;
  std::memcpy(&checksum, bytes.data() + 1, kChecksumBytes);
  const absl::string_view body = bytes.substr(1 + kChecksumBytes);
  if (checksum != ChecksumOf({body.data(), body.size()})) {
    return Damaged("it does not match its checksum");
  }
  return body;
}

}  // namespace

std::string PartitionCodec::Encode(const Partition& partition) {
  std::string bytes;
  bytes.reserve(partition.slab_.total_bytes() + (16u << 10));
  bytes.assign(1 + kChecksumBytes, static_cast<char>(kVersion));
  AppendVarint(ZigZag(partition.context_.base_time_us), &bytes);
  AppendVarint(ZigZag(partition.context_.base_sequence), &bytes);
  AppendTexts(partition.context_.texts, &bytes);
  AppendTexts(partition.context_.shapes, &bytes);
  AppendRevisions(partition.revisions_, &bytes);
  AppendBooks(partition.books_, &bytes);
  AppendVarint(partition.key_count(), &bytes);
  partition.slab_.ForEach([&](Partition::Place place) { EncodeRecord(partition, place, &bytes); });
  if (bytes.size() > limits::kMaxPartitionStateBytes) return "";
  const uint64_t checksum = ChecksumOf(std::string_view(bytes).substr(1 + kChecksumBytes));
  std::memcpy(bytes.data() + 1, &checksum, kChecksumBytes);
  return bytes;
}

void PartitionCodec::EncodeRecord(const Partition& partition, Partition::Place place,
                                  std::string* bytes) {
  const uint8_t kind = partition.slab_.KindAt(place);
  if (kind != Partition::kObjectForm) {
    *bytes += static_cast<char>(kind);
    return AppendSized(partition.slab_.BytesAt(place), bytes);
  }
  *bytes += static_cast<char>(kLargeForm);
  std::string record(partition.ReadRecord(place)->head);
  partition.objects_.at(place)->Serialize(&record);
  AppendSized(record, bytes);
}

absl::Status PartitionCodec::Decode(absl::string_view bytes,
                                    Partition::RevisionFinder find_revision, Partition& partition) {
  if (bytes.empty()) return Damaged("it is empty");
  const uint8_t version = static_cast<uint8_t>(bytes[0]);
  if (version > kVersion) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "DATA_FOLDER_NEWER",
                     absl::StrCat("a partition's checkpoint has version ", version,
                                  "; this server reads ", kVersion));
  }
  if (version < kVersion) return DecodeVersion1(bytes, find_revision, partition);
  ASSIGN_OR_RETURN(const absl::string_view body, CheckedBody(bytes));
  return DecodeBody({body.data(), body.size()}, find_revision, partition);
}

absl::Status PartitionCodec::DecodeBody(std::string_view body,
                                        Partition::RevisionFinder find_revision,
                                        Partition& partition) {
  ByteReader in(body);
  partition.context_.base_time_us = in.Signed();
  partition.context_.base_sequence = in.Signed();
  if (!ReadTexts(in, partition.context_.texts) || !ReadTexts(in, partition.context_.shapes)) {
    return Damaged("its texts are impossible");
  }
  ASSIGN_OR_RETURN(const Revisions revisions, ReadRevisions(in, find_revision));
  const uint64_t book_count = in.Varint();
  for (uint64_t i = 0; i < book_count && !in.bad(); ++i) {
    const std::string_view message = in.Sized();
    MonitorBooks books;
    if (!books.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
      return Damaged("its books do not parse");
    }
    RETURN_IF_ERROR(AddBooks(books, partition));
  }
  const uint64_t count = in.Varint();
  if (in.bad() || count > body.size()) return Damaged("it is cut short");
  partition.table_.Reset(count);
  for (uint64_t i = 0; i < count; ++i) {
    const FrozenForm form = in.Byte();
    const std::string_view record = in.Sized();
    if (in.bad()) return Damaged("it is cut short");
    RETURN_IF_ERROR(DecodeRecord(form, record, revisions, partition));
  }
  return in.at_end() ? absl::OkStatus() : Damaged("something follows its keys");
}

absl::Status PartitionCodec::DecodeRecord(FrozenForm form, std::string_view bytes,
                                          const Revisions& revisions, Partition& partition) {
  ByteReader in(bytes);
  const uint64_t number = in.Varint();
  if (in.bad() || number >= revisions.size() || revisions[number] == nullptr) {
    return Damaged("a key names no revision");
  }
  const CompiledMonitor& revision = *revisions[number];
  const char* const packed_text = in.position();
  std::string text;
  if (!UnpackText(in, "", nullptr, &text)) return Damaged("a key has no text");
  const std::string_view tail(packed_text, static_cast<size_t>(bytes.end() - packed_text));
  const Fingerprint fingerprint = revision.KeyFingerprint(partition.seed_, text);
  if (form == kLargeForm) {
    const std::string_view state = in.rest();
    return AddState(fingerprint, revision, text, {state.data(), state.size()}, partition);
  }
  if (form == kNotFrozen || form > kMaxFrozenForm) return Damaged("a key's state is impossible");
  // The number may be another one here.
  char buffer[RecordSlab::kMaxRecordBytes];
  ByteWriter record(buffer, sizeof(buffer));
  record.Varint(partition.revisions_.NumberOf(revision));
  record.Bytes(tail);
  if (record.full()) {
    return AddPadded(fingerprint, revision, {form, in.rest(), text}, partition);
  }
  const Partition::Place place =
      partition.Put(Partition::kNowhere, fingerprint, revision, form, record.written());
  partition.Count(partition.Look(place), 1);
  return absl::OkStatus();
}

absl::Status PartitionCodec::AddBooks(const MonitorBooks& books, Partition& partition) {
  if (partition.BooksOf(books.monitor_uid()).FromProto(books.books())) return absl::OkStatus();
  return Damaged("its books are impossible");
}

// With its padding, or a longer number, a record may be larger than one can be.
absl::Status PartitionCodec::AddPadded(const Fingerprint& fingerprint,
                                       const CompiledMonitor& revision, const FrozenKey& frozen,
                                       Partition& partition) {
  absl::StatusOr<std::unique_ptr<KeyState>> thawed =
      revision.freezer().Thaw(frozen, partition.context_);
  if (!thawed.ok()) return std::move(thawed).status();
  const Partition::Place place =
      partition.Rest(Partition::kNowhere, fingerprint, revision, frozen.key, *std::move(thawed));
  partition.Count(partition.Look(place), 1);
  return absl::OkStatus();
}

absl::Status PartitionCodec::AddState(const Fingerprint& fingerprint,
                                      const CompiledMonitor& revision, std::string_view text,
                                      absl::string_view state, Partition& partition) {
  absl::StatusOr<std::unique_ptr<KeyState>> parsed = revision.ParseKey(state);
  if (!parsed.ok()) return std::move(parsed).status();
  if (partition.Find(fingerprint) != Partition::kNowhere) {
    return Damaged("a key stands in it twice");
  }
  const Partition::Place place =
      partition.Rest(Partition::kNowhere, fingerprint, revision, text, *std::move(parsed));
  partition.Count(partition.Look(place), 1);
  return absl::OkStatus();
}

std::string Partition::Serialize() {
  dirty_ = false;
  return PartitionCodec::Encode(*this);
}

absl::StatusOr<Partition> Partition::Parse(absl::string_view bytes, uint64_t seed,
                                           storage::LogPosition position,
                                           RevisionFinder find_revision) {
  Partition partition(seed);
  partition.restored_position_ = position;
  RETURN_IF_ERROR(PartitionCodec::Decode(bytes, find_revision, partition));
  return partition;
}

}  // namespace lapse::monitors
