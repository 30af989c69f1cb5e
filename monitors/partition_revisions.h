// The monitor revisions that keys of one partition are of, by small numbers.
#ifndef LAPSE_MONITORS_PARTITION_REVISIONS_H_
#define LAPSE_MONITORS_PARTITION_REVISIONS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "monitors/books.h"
#include "monitors/compiled_monitor.h"

namespace lapse::monitors {

// Used by one thread at a time. A number holds while keys use it; then it may come to be another
// revision's.
class PartitionRevisions {
 public:
  PartitionRevisions() = default;
  PartitionRevisions(PartitionRevisions&&) = default;
  PartitionRevisions& operator=(PartitionRevisions&&) = default;

  // Makes one where there is none; AddKey follows. Valid until a key is dropped.
  uint32_t NumberOf(const CompiledMonitor& revision) {
    if (const std::optional<uint32_t> known = FindNumber(revision); known.has_value())
      return *known;
    const auto [found, is_new] = numbers_.try_emplace(&revision, 0);
    if (is_new) found->second = MakeNumber(revision);
    return found->second;
  }
  // Unset where no key has made a number; looking makes none.
  std::optional<uint32_t> FindNumber(const CompiledMonitor& revision) const {
    const size_t few = std::min(uses_.size(), kFew);
    for (uint32_t number = 0; number < few; ++number) {
      if (uses_[number].revision == &revision) return number;
    }
    if (uses_.size() <= kFew) return std::nullopt;
    const auto found = numbers_.find(&revision);
    if (found == numbers_.end()) return std::nullopt;
    return found->second;
  }
  // To be called some time ahead of what else there is, the second after the first.
  void Prefetch() const { __builtin_prefetch(uses_.data()); }
  void PrefetchBooks() const {
    if (uses_.empty() || uses_.front().books == nullptr) return;
    const char* const books = reinterpret_cast<const char*>(uses_.front().books);
    __builtin_prefetch(books, 1);
    __builtin_prefetch(books + 64, 1);
  }
  // Null where no key uses the number: its revision may be gone.
  const CompiledMonitor* At(uint64_t number) const {
    return number < uses_.size() && uses_[number].keys > 0 ? uses_[number].revision : nullptr;
  }
  // Where the revision's books are; for the partition, which owns them.
  Books*& BooksOf(const CompiledMonitor& revision) { return uses_[NumberOf(revision)].books; }
  void ForgetBooks(const Books& books) {
    for (Use& use : uses_) {
      if (use.books == &books) use.books = nullptr;
    }
  }

  // Whether keys use any revision of the monitor.
  bool HasKeysOf(absl::string_view monitor_uid) const {
    return std::any_of(uses_.begin(), uses_.end(), [monitor_uid](const Use& use) {
      return use.keys > 0 && use.revision->uid() == monitor_uid;
    });
  }

  uint32_t KeysOf(uint32_t number) const { return uses_[number].keys; }
  size_t size() const { return uses_.size(); }

  void AddKey(const CompiledMonitor& revision) {
    ++uses_[NumberOf(revision)].keys;
    revision.AddKeys(1);
  }
  void DropKey(const CompiledMonitor& revision) {
    revision.AddKeys(-1);
    const uint32_t number = NumberOf(revision);
    if (--uses_[number].keys > 0) return;
    // The revision may be gone soon.
    uses_[number] = Use();
    numbers_.erase(&revision);
  }

 private:
  // So many are looked through faster than hashed.
  static constexpr size_t kFew = 4;

  struct Use {
    const CompiledMonitor* revision = nullptr;
    uint32_t keys = 0;
    Books* books = nullptr;
  };

  uint32_t MakeNumber(const CompiledMonitor& revision) {
    for (uint32_t number = 0; number < uses_.size(); ++number) {
      if (uses_[number].revision != nullptr) continue;
      uses_[number].revision = &revision;
      return number;
    }
    uses_.push_back({&revision});
    return static_cast<uint32_t>(uses_.size() - 1);
  }

  std::vector<Use> uses_;
  absl::flat_hash_map<const CompiledMonitor*, uint32_t> numbers_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_PARTITION_REVISIONS_H_
