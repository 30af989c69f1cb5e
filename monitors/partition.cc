#include "monitors/partition.h"

#include <algorithm>
#include <array>
#include <utility>

#include "monitors/packed_text.h"
#include "spdlog/spdlog.h"

namespace lapse::monitors {
namespace {

// A partition with fewer keys is looked through as soon as one can be forgotten.
constexpr size_t kFewKeys = 64;
constexpr size_t kMinCompactBytes = 64u << 10;

}  // namespace

std::optional<Partition::Record> Partition::ReadRecord(Place place) const {
  if (!slab_.Has(place)) return std::nullopt;
  const std::string_view bytes = slab_.BytesAt(place);
  ByteReader in(bytes);
  Record record;
  record.form = slab_.KindAt(place);
  const uint64_t number = in.Varint();
  record.revision = revisions_.At(number);
  if (record.form == RecordSlab::kFree || record.revision == nullptr) return std::nullopt;
  record.revision_number = static_cast<uint32_t>(number);
  const char* const text = in.position();
  if (!SkipText(in)) return std::nullopt;
  record.packed_text = {text, static_cast<size_t>(in.position() - text)};
  record.head = {bytes.data(), static_cast<size_t>(in.position() - bytes.data())};
  record.state = in.rest();
  return record;
}

std::string Partition::TextOf(const Record& record) const {
  std::string text;
  ByteReader in(record.packed_text);
  UnpackText(in, "", nullptr, &text);
  return text;
}

Fingerprint Partition::FingerprintAt(const Record& record) const {
  return record.revision->KeyFingerprint(seed_, TextOf(record));
}

Partition::KeyName::KeyName(Partition& partition, const Fingerprint& fingerprint,
                            const CompiledMonitor& revision, std::string_view text)
    : fingerprint_(fingerprint), revision_(revision), text_(text) {
  const std::optional<uint32_t> number = partition.revisions_.FindNumber(revision);
  if (!number.has_value()) return;
  head_.Varint(*number);
  PackText(text, head_);
}

void Partition::WriteHead(const CompiledMonitor& revision, std::string_view text, ByteWriter& to) {
  to.Varint(revisions_.NumberOf(revision));
  PackText(text, to);
}

Partition::Place Partition::Find(const KeyName& key) const {
  const std::string_view head = key.head_.written();
  if (head.empty()) return kNowhere;
  return table_.Find(key.fingerprint_, [&](Place place) {
    return slab_.BytesAt(place).substr(0, head.size()) == head;
  });
}

Partition::Place Partition::Find(const Fingerprint& fingerprint) const {
  return table_.Find(fingerprint, [&](Place place) {
    const std::optional<Record> record = ReadRecord(place);
    return record.has_value() && FingerprintAt(*record) == fingerprint;
  });
}

// A shard has many partitions, and the next event is mostly of another one: without this, nearly
// all of an event's time would be waiting for memory.
void Partition::PrefetchSelf() const {
  constexpr size_t kLineBytes = 64;
  const char* const begin = reinterpret_cast<const char*>(this);
  for (size_t at = 0; at < sizeof(*this); at += kLineBytes) __builtin_prefetch(begin + at);
}

void Partition::PrefetchSlot(const Fingerprint& fingerprint) const {
  table_.Prefetch(fingerprint);
  slab_.PrefetchSegments();
  revisions_.Prefetch();
  context_.Prefetch();
}

void Partition::PrefetchRecord(const Fingerprint& fingerprint) const {
  slab_.PrefetchNew();
  revisions_.PrefetchBooks();
  table_.Find(fingerprint, [this](Place place) {
    slab_.Prefetch(place);
    return true;
  });
}

RestingKey Partition::LookAt(Place place, const Record& record) const {
  if (record.form != kObjectForm)
    return record.revision->freezer().Look(FrozenAt(record, ""), context_);
  const auto object = objects_.find(place);
  if (object == objects_.end() || object->second == nullptr) return {};
  const KeyState& state = *object->second;
  return {state.IsLive(), state.IsLive() ? state.NextMarkUs(Now()) : kNever,
          state.LastReceiveTimeUs()};
}

RestingKey Partition::Look(Place place) const { return LookAt(place, *ReadRecord(place)); }

std::optional<RestingKey> Partition::LookIfKey(Place place) const {
  const std::optional<Record> record = ReadRecord(place);
  if (!record.has_value()) return std::nullopt;
  return LookAt(place, *record);
}

std::optional<std::pair<RestingKey, Fingerprint>> Partition::ResolveKey(Place place) const {
  const std::optional<Record> record = ReadRecord(place);
  if (!record.has_value()) return std::nullopt;
  const Fingerprint fingerprint = FingerprintAt(*record);
  const Place found = table_.Find(fingerprint, [place](Place at) { return at == place; });
  if (found == kNowhere) return std::nullopt;
  return std::make_pair(LookAt(place, *record), fingerprint);
}

const CompiledMonitor& Partition::RevisionAt(Place place) const {
  return *ReadRecord(place)->revision;
}

Partition::KeyInfo Partition::InfoAt(Place place) const {
  const Record record = *ReadRecord(place);
  KeyInfo info{record.revision, TextOf(record), {}};
  info.fingerprint = record.revision->KeyFingerprint(seed_, info.text);
  return info;
}

void Partition::ForEachExpectation(Place place,
                                   absl::FunctionRef<void(const ListedExpectation&)> visit) const {
  const Record record = *ReadRecord(place);
  if (record.form == kObjectForm) return objects_.at(place)->ForEach(visit);
  record.revision->freezer().ForEach(FrozenAt(record, TextOf(record)), context_, visit);
}

Partition::Placed Partition::OnEvent(const Placed& from, const KeyName& key, const KeyEvent& event,
                                     const Now& now, Output& out) {
  dirty_ = true;
  const KeyFreezer& freezer = key.revision_.freezer();
  std::optional<Record> record;
  if (from.place != kNowhere) {
    record = ReadRecord(from.place);
    Count(from.key, -1);
  }
  std::array<char, RecordSlab::kMaxRecordBytes> buffer;
  ByteWriter to(buffer.data(), buffer.size());
  if (key.head_.size() > 0) {
    to.Bytes(key.head_.written());
  } else {
    WriteHead(key.revision_, key.text_, to);
  }
  const size_t head_size = to.size();
  FrozenForm form = kNotFrozen;
  if (!record.has_value()) {
    form = freezer.OnFirstEvent(event, key.text_, now, context_, to, out);
  } else if (record->form != kObjectForm) {
    form = freezer.OnEvent(FrozenAt(*record, key.text_), event, now, context_, to, out);
  }
  Placed placed;
  if (form != kNotFrozen) {
    placed.place = Put(from.place, key.fingerprint_, key.revision_, form, to.written());
    placed.key = freezer.Look({form, to.written().substr(head_size), key.text_}, context_);
  } else {
    std::unique_ptr<KeyState> state =
        record.has_value() ? ThawAt(from.place, *record, key.text_) : key.revision_.NewKey();
    state->OnEvent(event, now, out);
    placed.place = Rest(from.place, key.fingerprint_, key.revision_, key.text_, std::move(state));
    placed.key = Look(placed.place);
  }
  Count(placed.key, 1);
  return placed;
}

Partition::Placed Partition::OnMark(const Placed& from, const KeyInfo& key, const Now& now,
                                    Output& out) {
  const Record record = *ReadRecord(from.place);
  if (record.form != kObjectForm) {
    std::array<char, RecordSlab::kMaxRecordBytes> buffer;
    ByteWriter to(buffer.data(), buffer.size());
    to.Bytes(record.head);
    const FrozenForm form =
        key.revision->freezer().OnMark(FrozenAt(record, key.text), now, context_, to, out);
    if (form != kNotFrozen) {
      dirty_ = true;
      Count(from.key, -1);
      Placed placed;
      placed.place = Put(from.place, key.fingerprint, *key.revision, form, to.written());
      placed.key = Look(placed.place);
      Count(placed.key, 1);
      return placed;
    }
  }
  return Decide(from, key, [&](KeyState& state) { state.OnMark(now, out); });
}

Partition::Placed Partition::Decide(const Placed& from, const KeyInfo& key,
                                    absl::FunctionRef<void(KeyState&)> decision) {
  dirty_ = true;
  const Record record = *ReadRecord(from.place);
  Count(from.key, -1);
  std::unique_ptr<KeyState> state = ThawAt(from.place, record, key.text);
  decision(*state);
  Placed placed;
  placed.place = Rest(from.place, key.fingerprint, *key.revision, key.text, std::move(state));
  placed.key = Look(placed.place);
  Count(placed.key, 1);
  return placed;
}

std::unique_ptr<KeyState> Partition::ThawAt(Place place, const Record& record,
                                            std::string_view text) {
  if (record.form == kObjectForm) return std::move(objects_.at(place));
  auto state = record.revision->freezer().Thaw(FrozenAt(record, text), context_);
  if (state.ok()) return *std::move(state);
  spdlog::error("the state of a key of monitor {} is damaged and begins anew: {}",
                record.revision->uid(), state.status().ToString());
  return record.revision->NewKey();
}

Partition::Place Partition::Rest(Place place, const Fingerprint& fingerprint,
                                 const CompiledMonitor& revision, std::string_view text,
                                 std::unique_ptr<KeyState> state) {
  std::array<char, RecordSlab::kMaxRecordBytes> buffer;
  ByteWriter to(buffer.data(), buffer.size());
  WriteHead(revision, text, to);
  const size_t head_size = to.size();
  const FrozenForm form = revision.freezer().Freeze(*state, text, context_, to);
  if (form != kNotFrozen) {
    objects_.erase(place);
    return Put(place, fingerprint, revision, form, to.written());
  }
  const Place rests_at =
      Put(place, fingerprint, revision, kObjectForm, to.written().substr(0, head_size));
  if (rests_at != place) objects_.erase(place);
  objects_[rests_at] = std::move(state);
  return rests_at;
}

Partition::Place Partition::Put(Place place, const Fingerprint& fingerprint,
                                const CompiledMonitor& revision, FrozenForm form,
                                std::string_view record) {
  if (place == kNowhere) {
    revisions_.AddKey(revision);
    const Place added = slab_.Add(form, record);
    Enter(fingerprint, added);
    return added;
  }
  if (slab_.Replace(place, form, record)) return place;
  const Place moved = slab_.Add(form, record);
  table_.Move(fingerprint, place, moved);
  slab_.Free(place);
  return moved;
}

void Partition::Enter(const Fingerprint& fingerprint, Place place) {
  if (table_.full()) {
    // It enters the new record too.
    Reindex();
  } else {
    table_.Add(fingerprint, place);
  }
}

void Partition::Reindex() {
  table_.Reset(slab_.record_count());
  // One buffer for all of them: many keys are too long for a string without an allocation.
  std::string text;
  slab_.ForEach([&](Place place) {
    const Record record = *ReadRecord(place);
    text.clear();
    ByteReader in(record.packed_text);
    UnpackText(in, "", nullptr, &text);
    table_.Add(record.revision->KeyFingerprint(seed_, text), place);
  });
}

void Partition::Erase(Place place, const Fingerprint& fingerprint) {
  dirty_ = true;
  const Record record = *ReadRecord(place);
  Count(LookAt(place, record), -1);
  table_.Remove(fingerprint, place);
  slab_.Free(place);
  objects_.erase(place);
  revisions_.DropKey(*record.revision);
}

void Partition::Count(const RestingKey& key, int delta) {
  if (key.live) return;
  idle_count_ += static_cast<size_t>(delta);
  if (delta > 0) oldest_idle_us_ = std::min(oldest_idle_us_, key.last_receive_time_us);
}

void Partition::ForEachKey(absl::FunctionRef<void(Place)> visit) const { slab_.ForEach(visit); }

int64_t Partition::NextForgetUs(int64_t idle_key_retention_us) const {
  if (WantsCompacting()) return INT64_MIN;
  if (idle_count_ == 0) return kNever;
  const int64_t oldest_us = oldest_idle_us_ + idle_key_retention_us;
  if (key_count() < kFewKeys) return oldest_us;
  // Looking at all keys pays where many can go. A few may stay for as long again: events pass over
  // what can be forgotten in any case.
  return oldest_us +
         (idle_count_ * 8 >= key_count() ? idle_key_retention_us / 8 : idle_key_retention_us);
}

bool Partition::ForgetIdle(const Now& now) {
  oldest_idle_us_ = kNever;
  slab_.ForEach([&](Place place) {
    const Record record = *ReadRecord(place);
    const RestingKey key = LookAt(place, record);
    if (key.live) return;
    if (now.mark_time_us >= key.last_receive_time_us + now.idle_key_retention_us) {
      Erase(place, FingerprintAt(record));
    } else {
      oldest_idle_us_ = std::min(oldest_idle_us_, key.last_receive_time_us);
    }
  });
  const bool compacts = WantsCompacting();
  if (compacts) Compact();
  return compacts;
}

bool Partition::WantsCompacting() const {
  return slab_.total_bytes() > kMinCompactBytes && slab_.free_bytes() * 2 > slab_.total_bytes();
}

void Partition::Compact() {
  RecordSlab compact;
  absl::flat_hash_map<Place, std::unique_ptr<KeyState>> objects;
  slab_.ForEach([&](Place place) {
    const Place moved = compact.Add(slab_.KindAt(place), slab_.BytesAt(place));
    const auto object = objects_.find(place);
    if (object != objects_.end()) objects[moved] = std::move(object->second);
  });
  slab_ = std::move(compact);
  objects_ = std::move(objects);
  Reindex();
}

Books& Partition::BooksOf(absl::string_view monitor_uid) {
  const auto found = books_.find(monitor_uid);
  if (found != books_.end()) return *found->second;
  return *(books_[std::string(monitor_uid)] = std::make_unique<Books>());
}

Books& Partition::BooksOf(const CompiledMonitor& revision) {
  Books*& books = revisions_.BooksOf(revision);
  if (books == nullptr) books = &BooksOf(revision.uid());
  return *books;
}

const Books* Partition::FindBooks(absl::string_view monitor_uid) const {
  const auto found = books_.find(monitor_uid);
  return found == books_.end() ? nullptr : found->second.get();
}

void Partition::DropBooks(absl::string_view monitor_uid) {
  const auto found = books_.find(monitor_uid);
  if (found == books_.end()) return;
  revisions_.ForgetBooks(*found->second);
  books_.erase(found);
  dirty_ = true;
}

size_t Partition::MemoryBytes() const { return slab_.total_bytes() + table_.capacity_bytes(); }

}  // namespace lapse::monitors
