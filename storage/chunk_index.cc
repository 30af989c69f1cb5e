#include "storage/chunk_index.h"

#include <algorithm>
#include <string>

#include "base/fingerprint.h"

namespace lapse::storage {
namespace {

template <typename Take>
void ForEachFingerprint(uint64_t seed, const LogEntry& entry, const IndexedAttributes& attributes,
                        Take take) {
  std::string text;
  absl::string_view name;
  for (const AcceptedEvent& accepted : entry.events) {
    AttributeReader reader(*accepted.event);
    while (reader.NextName(&name)) {
      if (std::find(attributes.begin(), attributes.end(), name) == attributes.end()) continue;
      const EventAttribute attribute = reader.Value();
      if (attribute.kind == EventAttribute::Kind::kString) {
        take(IndexFingerprint(seed, name, attribute.text));
      } else if (KeyText(attribute, &text)) {
        take(IndexFingerprint(seed, name, text));
      }
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
