#include "monitors/partition.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "lapse/internal/v1/checkpoint.pb.h"
#include "monitors/partition_codec.h"

namespace lapse::monitors {
namespace {

using lapse::internal::v1::KeyEntryState;
using lapse::internal::v1::PartitionState;

absl::Status Damaged(absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "CHECKPOINT_DAMAGED",
                   absl::StrCat("a partition's checkpoint is damaged: ", what));
}

// Numbers the revisions in the order in which keys first need them.
class RevisionTable {
 public:
  explicit RevisionTable(PartitionState* state) : state_(*state) {}

  int32_t IndexOf(const CompiledMonitor& revision) {
    const auto [found, is_new] = indexes_.try_emplace(&revision, state_.revisions_size());
    if (is_new) {
      lapse::internal::v1::KeyRevision* added = state_.add_revisions();
      added->set_monitor_uid(revision.uid());
      added->set_revision(revision.revision());
    }
    return found->second;
  }

 private:
  PartitionState& state_;
  absl::flat_hash_map<const CompiledMonitor*, int32_t> indexes_;
};

template <typename Map>
auto SortedByKey(const Map& map) {
  std::vector<const typename Map::value_type*> sorted;
  sorted.reserve(map.size());
  for (const auto& item : map) sorted.push_back(&item);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  return sorted;
}

absl::Status AddKey(const KeyEntryState& saved, const CompiledMonitor& revision, uint64_t seed,
                    Partition& partition) {
  absl::StatusOr<std::unique_ptr<KeyState>> state = revision.ParseKey(saved.state());
  if (!state.ok()) return std::move(state).status();
  const Fingerprint fingerprint = revision.KeyFingerprint(seed, saved.key());
  if (partition.Find(fingerprint) != nullptr) return Damaged("a key stands in it twice");
  KeyEntry& entry = partition.Add(fingerprint, revision, saved.key());
  entry.state = *std::move(state);
  entry.last_receive_us = saved.last_receive_time_us();
  return absl::OkStatus();
}

absl::Status AddKeys(const PartitionState& saved, uint64_t seed,
                     Partition::RevisionFinder find_revision, Partition& partition) {
  std::vector<const CompiledMonitor*> revisions;
  for (const lapse::internal::v1::KeyRevision& revision : saved.revisions()) {
    ASSIGN_OR_RETURN(const CompiledMonitor* found,
                     find_revision(revision.monitor_uid(), revision.revision()));
    revisions.push_back(found);
  }
  for (const KeyEntryState& key : saved.keys()) {
    const size_t index = static_cast<size_t>(key.revision_index());
    if (key.revision_index() < 0 || index >= revisions.size()) {
      return Damaged("a key names no revision");
    }
    RETURN_IF_ERROR(AddKey(key, *revisions[index], seed, partition));
  }
  return absl::OkStatus();
}

}  // namespace

KeyEntry* Partition::Find(const Fingerprint& fingerprint) {
  const auto found = keys_.find(fingerprint);
  return found == keys_.end() ? nullptr : &found->second;
}

const KeyEntry* Partition::Find(const Fingerprint& fingerprint) const {
  const auto found = keys_.find(fingerprint);
  return found == keys_.end() ? nullptr : &found->second;
}

KeyEntry& Partition::Add(const Fingerprint& fingerprint, const CompiledMonitor& revision,
                         absl::string_view key) {
  KeyEntry& entry = keys_[fingerprint];
  entry.revision = &revision;
  entry.key = std::string(key);
  entry.state = revision.NewKey();
  revision.AddKeys(1);
  return entry;
}

void Partition::Erase(const Fingerprint& fingerprint) {
  const auto found = keys_.find(fingerprint);
  if (found == keys_.end()) return;
  found->second.revision->AddKeys(-1);
  keys_.erase(found);
}

void Partition::ForEachKey(absl::FunctionRef<void(const Fingerprint&, KeyEntry&)> visit) {
  for (auto& [fingerprint, entry] : keys_) visit(fingerprint, entry);
}

void Partition::ForEachKey(
    absl::FunctionRef<void(const Fingerprint&, const KeyEntry&)> visit) const {
  for (const auto& [fingerprint, entry] : keys_) visit(fingerprint, entry);
}

Books& Partition::BooksOf(absl::string_view monitor_uid) {
  const auto found = books_.find(monitor_uid);
  if (found != books_.end()) return found->second;
  return books_[std::string(monitor_uid)];
}

const Books* Partition::FindBooks(absl::string_view monitor_uid) const {
  const auto found = books_.find(monitor_uid);
  return found == books_.end() ? nullptr : &found->second;
}

void Partition::DropBooks(absl::string_view monitor_uid) {
  const auto found = books_.find(monitor_uid);
  if (found == books_.end()) return;
  books_.erase(found);
  dirty_ = true;
}

std::string Partition::Serialize() {
  PartitionState state;
  for (const auto* item : SortedByKey(books_)) {
    lapse::internal::v1::MonitorBooks* books = state.add_books();
    books->set_monitor_uid(item->first);
    item->second.ToProto(books->mutable_books());
  }
  RevisionTable revisions(&state);
  for (const auto* item : SortedByKey(keys_)) {
    const KeyEntry& entry = item->second;
    KeyEntryState* saved = state.add_keys();
    saved->set_revision_index(revisions.IndexOf(*entry.revision));
    saved->set_key(entry.key);
    saved->set_last_receive_time_us(entry.last_receive_us);
    entry.state->Serialize(saved->mutable_state());
  }
  dirty_ = false;
  return EncodePartitionState(state);
}

absl::StatusOr<Partition> Partition::Parse(absl::string_view bytes, uint64_t seed,
                                           storage::LogPosition position,
                                           RevisionFinder find_revision) {
  ASSIGN_OR_RETURN(const PartitionState saved, DecodePartitionState(bytes));
  Partition partition;
  partition.restored_position_ = position;
  for (const lapse::internal::v1::MonitorBooks& books : saved.books()) {
    if (!partition.BooksOf(books.monitor_uid()).FromProto(books.books())) {
      return Damaged("its books are impossible");
    }
  }
  RETURN_IF_ERROR(AddKeys(saved, seed, find_revision, partition));
  return partition;
}

}  // namespace lapse::monitors
