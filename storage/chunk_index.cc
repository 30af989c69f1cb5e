#include "storage/chunk_index.h"

#include <algorithm>
#include <optional>

#include "base/fingerprint.h"

namespace lapse::storage {
namespace {

template <typename Take>
void ForEachFingerprint(uint64_t seed, const LogEntry& entry, const IndexedAttributes& attributes,
                        Take take) {
  std::string text;
  for (const std::string& attribute : attributes) {
    for (const AcceptedEvent& accepted : entry.events) {
      const std::optional<EventAttribute> found = accepted.event->FindAttribute(attribute);
      if (!found.has_value() || !KeyText(*found, &text)) continue;
      take(IndexFingerprint(seed, attribute, text));
    }
  }
}

}  // namespace

int64_t IndexFingerprint(uint64_t seed, absl::string_view attribute, absl::string_view key_text) {
  return static_cast<int64_t>(FingerprintOf(seed, {attribute, key_text}).low);
}

std::vector<int64_t> IndexFingerprints(uint64_t seed, const LogEntry& entry,
                                       const IndexedAttributes& attributes) {
  std::vector<int64_t> fingerprints;
  ForEachFingerprint(seed, entry, attributes,
                     [&](int64_t fingerprint) { fingerprints.push_back(fingerprint); });
  std::sort(fingerprints.begin(), fingerprints.end());
  fingerprints.erase(std::unique(fingerprints.begin(), fingerprints.end()), fingerprints.end());
  return fingerprints;
}

uint32_t SealedFingerprint(int64_t index_fingerprint) {
  return static_cast<uint32_t>(static_cast<uint64_t>(index_fingerprint) >> 32);
}

std::vector<uint32_t> ShortFingerprints(uint64_t seed, const LogEntry& entry,
                                        const IndexedAttributes& attributes) {
  std::vector<uint32_t> fingerprints;
  fingerprints.reserve(entry.events.size() * attributes.size());
  ForEachFingerprint(seed, entry, attributes, [&](int64_t fingerprint) {
    fingerprints.push_back(SealedFingerprint(fingerprint));
  });
  return fingerprints;
}

}  // namespace lapse::storage
