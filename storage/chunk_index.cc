#include "storage/chunk_index.h"

#include <algorithm>

#include "base/fingerprint.h"

namespace lapse::storage {

int64_t IndexFingerprint(uint64_t seed, absl::string_view attribute, absl::string_view key_text) {
  return static_cast<int64_t>(FingerprintOf(seed, {attribute, key_text}).low);
}

std::vector<int64_t> IndexFingerprints(uint64_t seed, const LogEntry& entry,
                                       const IndexedAttributes& attributes) {
  std::vector<int64_t> fingerprints;
  std::string text;
  for (const std::string& attribute : attributes) {
    for (const AcceptedEvent& accepted : entry.events) {
      const auto& values = accepted.event->attributes();
      const auto value = values.find(attribute);
      if (value == values.end() || !KeyText(value->second, &text)) continue;
      fingerprints.push_back(IndexFingerprint(seed, attribute, text));
    }
  }
  std::sort(fingerprints.begin(), fingerprints.end());
  fingerprints.erase(std::unique(fingerprints.begin(), fingerprints.end()), fingerprints.end());
  return fingerprints;
}

}  // namespace lapse::storage
