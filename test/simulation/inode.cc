#include <algorithm>
#include <cstring>
#include <utility>

#include "test/simulation/disk.h"

namespace lapse::simulation {
namespace {

// Of the sectors written anew, one in so many had been written back as it was before.
constexpr uint64_t kWrittenBackOneIn = 4;

bool Coin(std::mt19937_64& random) { return random() % 2 == 0; }

}  // namespace

std::string Inode::SectorOf(const std::string& bytes, int64_t sector) const {
  const int64_t begin = sector * kSectorBytes;
  if (begin >= static_cast<int64_t>(bytes.size())) return "";
  return bytes.substr(begin, kSectorBytes);
}

void Inode::NoteChange(int64_t sector) {
  const auto [found, is_new] = unsynced_.try_emplace(sector);
  found->second.lost = false;
  if (is_new) found->second.bytes = SectorOf(bytes_, sector);
}

int64_t Inode::Read(int64_t offset, char* data, int64_t size) const {
  if (offset >= this->size()) return 0;
  const int64_t count = std::min(size, this->size() - offset);
  std::memcpy(data, bytes_.data() + offset, count);
  return count;
}

void Inode::Write(int64_t offset, const char* data, int64_t size, std::mt19937_64& random) {
  if (size == 0) return;
  // A gap that the write leaves is zeros on disk too, once the size is.
  const int64_t first = std::min(offset, this->size()) / kSectorBytes;
  for (int64_t sector = first; sector * kSectorBytes < offset + size; ++sector) {
    NoteChange(sector);
    if (random() % kWrittenBackOneIn != 0) continue;
    unsynced_[sector].bytes = SectorOf(bytes_, sector);
    synced_size_ =
        std::max(synced_size_,
                 std::min(this->size(), sector * kSectorBytes +
                                            static_cast<int64_t>(unsynced_[sector].bytes.size())));
  }
  if (offset + size > this->size()) bytes_.resize(offset + size);
  std::memcpy(bytes_.data() + offset, data, size);
}

void Inode::Truncate(int64_t size) {
  const int64_t from = std::min(size, this->size()) / kSectorBytes;
  const int64_t end = std::max(size, this->size());
  for (int64_t sector = from; sector * kSectorBytes < end; ++sector) NoteChange(sector);
  bytes_.resize(size);
}

void Inode::Sync() {
  std::erase_if(unsynced_, [](const auto& sector) { return !sector.second.lost; });
  synced_size_ = size();
}

void Inode::FailSync(std::mt19937_64& random) {
  for (auto it = unsynced_.begin(); it != unsynced_.end();) {
    // That the end was cut is told by the file system's journal, not by the sectors.
    if (it->first * kSectorBytes >= size() || Coin(random)) {
      it = unsynced_.erase(it);
    } else {
      it->second.lost = true;
      ++it;
    }
  }
  synced_size_ = std::max(synced_size_, Coin(random) ? size() : 0);
}

void Inode::Crash(std::mt19937_64& random) {
  const bool keeps_end = Coin(random);
  const int64_t kept_size = std::min(synced_size_, size());
  std::string after = bytes_.substr(0, kept_size);
  for (const auto& [sector, on_disk] : unsynced_) {
    const int64_t begin = sector * kSectorBytes;
    const bool cut = begin >= size();
    const bool keep = !on_disk.lost && (cut ? keeps_end : Coin(random));
    const std::string content = keep ? SectorOf(bytes_, sector) : on_disk.bytes;
    const int64_t reach = std::min(begin + static_cast<int64_t>(content.size()),
                                   keep ? size() : std::max(synced_size_, kept_size));
    if (reach > static_cast<int64_t>(after.size())) after.resize(reach);
    const int64_t end = std::min<int64_t>(begin + kSectorBytes, after.size());
    if (end <= begin) continue;
    std::fill(after.begin() + begin, after.begin() + end, '\0');
    std::copy_n(content.begin(), std::min<int64_t>(content.size(), end - begin),
                after.begin() + begin);
  }
  bytes_ = std::move(after);
  unsynced_.clear();
  synced_size_ = size();
}

}  // namespace lapse::simulation
