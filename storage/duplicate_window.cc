#include "storage/duplicate_window.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "base/short_text.h"
// What is hashed is short: the call would cost as much as the hash.
#define XXH_INLINE_ALL
#include "xxhash.h"

namespace lapse::storage {
namespace {

// Writes what is hashed; the buffer has room for all of it.
class Writer {
 public:
  explicit Writer(char* out) : out_(out) {}

  template <typename T>
  void Number(T value) {
    std::memcpy(out_, &value, sizeof(value));
    out_ += sizeof(value);
  }
  void Text(absl::string_view text) {
    Number(static_cast<uint32_t>(text.size()));
    CopyText(text, out_);
    out_ += text.size();
  }
  void Value(const EventAttribute& attribute) {
    Number(attribute.kind);
    switch (attribute.kind) {
      case EventAttribute::Kind::kString:
        return Text(attribute.text);
      case EventAttribute::Kind::kBool:
        return Number(static_cast<char>(attribute.number));
      case EventAttribute::Kind::kInt64:
        return Number(attribute.number);
      case EventAttribute::Kind::kDouble:
        return Number(attribute.real);
    }
  }
  const char* end() const { return out_; }

 private:
  char* out_;
};

// An event's attributes by name: a map has no order of its own, and copies must have the same.
class SortedAttributes {
 public:
  explicit SortedAttributes(const EventView& event) {
    AttributeReader reader(event);
    for (EventAttribute attribute; reader.Next(&attribute);) {
      order_.push_back({PrefixOf(attribute.name), attributes_.size()});
      attributes_.push_back(attribute);
    }
    std::sort(order_.begin(), order_.end(), [this](const Place& a, const Place& b) {
      if (a.prefix != b.prefix) return a.prefix < b.prefix;
      return attributes_[a.index].name < attributes_[b.index].name;
    });
  }

  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const Place& place : order_) visit(attributes_[place.index]);
  }

 private:
  struct Place {
    uint64_t prefix = 0;
    size_t index = 0;
  };

  absl::InlinedVector<EventAttribute, 12> attributes_;
  absl::InlinedVector<Place, 12> order_;
};

uint64_t ContentOf(uint64_t seed, const EventView& event) {
  // What is hashed has fewer bytes than the event, but for sizes and numbers of a fixed width.
  constexpr size_t kMoreAtMost = 32 + 16 * limits::kMaxAttributes;
  thread_local std::vector<char> buffer;
  if (buffer.size() < event.bytes().size() + kMoreAtMost) {
    buffer.resize(event.bytes().size() + kMoreAtMost);
  }
  Writer writer(buffer.data());
  writer.Text(event.type());
  writer.Number(static_cast<char>(event.has_occur_time() ? 1 : 0));
  writer.Number(event.occur_seconds());
  writer.Number(event.occur_nanos());
  SortedAttributes(event).ForEach([&writer](const EventAttribute& attribute) {
    writer.Text(attribute.name);
    writer.Value(attribute);
  });
  return XXH3_64bits_withSeed(buffer.data(), writer.end() - buffer.data(), seed);
}

}  // namespace

EventDigest DigestOf(uint64_t seed, const EventView& event) {
  return {FingerprintOf(seed, {event.source(), event.id()}), ContentOf(seed, event)};
}

// A structure of arrays: a lookup touches the keys alone.
struct DuplicateWindow::Block {
  std::array<Fingerprint, kBlockEntries> keys;
  std::array<uint64_t, kBlockEntries> contents;
  std::array<uint32_t, kBlockEntries> receive_times_s;
};

DuplicateWindow::DuplicateWindow(size_t capacity, int64_t max_age_us)
    : capacity_(static_cast<int64_t>(capacity)),
      max_age_us_(max_age_us),
      ring_size_(capacity_ + static_cast<int64_t>(kMaxUndo)),
      blocks_(ring_size_ / kBlockEntries + 1),
      index_{DuplicateIndex(static_cast<uint64_t>(ring_size_)),
             DuplicateIndex(static_cast<uint64_t>(ring_size_))} {}

DuplicateWindow::~DuplicateWindow() = default;

void DuplicateWindow::StartAt(int64_t sequence) {
  first_ = next_ = turn_start_ = sequence;
  for (DuplicateIndex& index : index_) index.Clear();
}

int64_t DuplicateWindow::SequenceOf(uint32_t slot) const {
  const int64_t newest = next_ - 1;
  return newest - (newest % ring_size_ - slot + ring_size_) % ring_size_;
}

Fingerprint DuplicateWindow::KeyAt(uint32_t slot) const {
  return blocks_[slot / kBlockEntries]->keys[slot % kBlockEntries];
}

int64_t DuplicateWindow::FirstInReach() const { return std::max(first_, next_ - capacity_); }

bool DuplicateWindow::IsExpired(uint32_t slot, int64_t now_us) const {
  const int64_t receive_time_us =
      blocks_[slot / kBlockEntries]->receive_times_s[slot % kBlockEntries] *
      limits::kMicrosPerSecond;
  return now_us - receive_time_us > max_age_us_;
}

std::optional<DuplicateWindow::First> DuplicateWindow::Find(const EventDigest& digest,
                                                            int64_t now_us) const {
  std::optional<First> found;
  const auto accept = [&](uint32_t slot) {
    if (KeyAt(slot) != digest.key) return false;
    const int64_t sequence = SequenceOf(slot);
    if (sequence < FirstInReach() || IsExpired(slot, now_us)) return false;
    found = First{sequence,
                  blocks_[slot / kBlockEntries]->contents[slot % kBlockEntries] != digest.content};
    return true;
  };
  if (digest.key == Fingerprint() || index_[current_].Find(digest.key, accept)) return found;
  index_[1 - current_].Find(digest.key, accept);
  return found;
}

void DuplicateWindow::Insert(const EventDigest& digest, int64_t receive_time_us) {
  Insert({digest, static_cast<uint32_t>(receive_time_us / limits::kMicrosPerSecond)});
}

void DuplicateWindow::Insert(const Entry& entry) {
  // A turn is a ring's length, so that an Undo across its start finds the turn before complete.
  if (next_ - turn_start_ >= ring_size_) {
    current_ = 1 - current_;
    index_[current_].Clear();
    turn_start_ = next_;
  }
  const uint32_t slot = SlotOf(next_++);
  std::unique_ptr<Block>& block = blocks_[slot / kBlockEntries];
  if (block == nullptr) block = std::make_unique<Block>();
  block->keys[slot % kBlockEntries] = entry.digest.key;
  block->contents[slot % kBlockEntries] = entry.digest.content;
  block->receive_times_s[slot % kBlockEntries] = entry.receive_time_s;
  if (entry.digest.key == Fingerprint()) return;
  index_[current_].Insert(entry.digest.key, slot, [this](uint32_t at) { return KeyAt(at); });
}

void DuplicateWindow::UndoFrom(int64_t sequence) {
  // What the index has of them is stale from here on: their slots now count as sequences a ring's
  // length ago.
  next_ = std::max(sequence, first_);
  if (turn_start_ <= next_) return;
  current_ = 1 - current_;
  turn_start_ -= ring_size_;
}

int64_t DuplicateWindow::OldestSequence(int64_t now_us) const {
  // Receive times ascend but for a stepped clock, so that halving finds the place.
  int64_t low = FirstInReach();
  int64_t high = next_;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (IsExpired(SlotOf(middle), now_us)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

int64_t DuplicateWindow::ReceiveTimeUs(int64_t sequence) const {
  const uint32_t slot = SlotOf(sequence);
  return blocks_[slot / kBlockEntries]->receive_times_s[slot % kBlockEntries] *
         limits::kMicrosPerSecond;
}

bool DuplicateWindow::Copy(int64_t from, int64_t end, std::vector<Entry>* entries) const {
  if (from < first_ || from < next_ - ring_size_ || end > next_) return false;
  for (int64_t sequence = from; sequence < end; ++sequence) {
    const uint32_t slot = SlotOf(sequence);
    const Block& block = *blocks_[slot / kBlockEntries];
    const size_t at = slot % kBlockEntries;
    entries->push_back({{block.keys[at], block.contents[at]}, block.receive_times_s[at]});
  }
  return true;
}

}  // namespace lapse::storage
