#include "storage/chunk_index.h"

#include <algorithm>
#include <optional>

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
      const std::optional<EventAttribute> found = accepted.event->FindAttribute(attribute);
      if (!found.has_value() || !KeyText(*found, &text)) continue;
      fingerprints.push_back(IndexFingerprint(seed, attribute, text));
    }
  }
  std::sort(fingerprints.begin(), fingerprints.end());
  fingerprints.erase(std::unique(fingerprints.begin(), fingerprints.end()), fingerprints.end());
  return fingerprints;
}

}  // namespace lapse::storage
