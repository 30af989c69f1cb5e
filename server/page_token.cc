#include "server/page_token.h"

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/fingerprint.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace lapse::server {
namespace {

// Different seeds, so that a page token is no cursor.
constexpr uint64_t kPageSeed = 0x70616765;
constexpr uint64_t kCursorSeed = 0x63757273;
constexpr size_t kChecksumDigits = 16;

// Parts as `length:text`, after a checksum.
std::string Seal(uint64_t seed, const std::vector<std::string>& parts) {
  std::string body;
  for (const std::string& part : parts) absl::StrAppend(&body, part.size(), ":", part);
  return absl::WebSafeBase64Escape(
      absl::StrCat(FingerprintOf(seed, {body}).ToHex().substr(0, kChecksumDigits), body));
}

bool TakePart(absl::string_view* body, std::string* part) {
  const size_t colon = body->find(':');
  uint32_t size = 0;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(body->substr(0, colon), &size))
    return false;
  body->remove_prefix(colon + 1);
  if (size > body->size()) return false;
  *part = std::string(body->substr(0, size));
  body->remove_prefix(size);
  return true;
}

bool Unseal(uint64_t seed, absl::string_view token, std::vector<std::string>* parts) {
  std::string text;
  if (token.size() > limits::kMaxPageTokenBytes || !absl::WebSafeBase64Unescape(token, &text) ||
      text.size() < kChecksumDigits) {
    return false;
  }
  absl::string_view body = absl::string_view(text).substr(kChecksumDigits);
  if (FingerprintOf(seed, {body}).ToHex().substr(0, kChecksumDigits) !=
      text.substr(0, kChecksumDigits))
    return false;
  while (!body.empty()) {
    parts->emplace_back();
    if (!TakePart(&body, &parts->back())) return false;
  }
  return true;
}

std::string HashOf(const PageQuery& query) {
  std::string joined;
  for (const std::string& part : query) absl::StrAppend(&joined, part.size(), ":", part);
  return FingerprintOf(kPageSeed, {joined}).ToHex();
}

}  // namespace

std::string MakePageToken(const PageQuery& query, const PagePlace& place) {
  std::vector<std::string> parts = {HashOf(query)};
  parts.insert(parts.end(), place.begin(), place.end());
  return Seal(kPageSeed, parts);
}

absl::StatusOr<PagePlace> ReadPageToken(const PageQuery& query, absl::string_view token) {
  if (token.empty()) return PagePlace();
  std::vector<std::string> parts;
  if (!Unseal(kPageSeed, token, &parts) || parts.empty()) {
    return InvalidField("page_token", "PAGE_TOKEN_INVALID",
                        "page_token is not one that this server gave out; start again without it");
  }
  if (parts[0] != HashOf(query)) {
    return InvalidField("page_token", "PAGE_TOKEN_MISMATCH",
                        "page_token belongs to another query; every other field must be as it was "
                        "for the first page");
  }
  parts.erase(parts.begin());
  return parts;
}

std::string MakeAlertCursor(absl::string_view feed_id, int64_t position) {
  return Seal(kCursorSeed, {std::string(feed_id), absl::StrCat(position)});
}

absl::StatusOr<int64_t> ReadAlertCursor(absl::string_view feed_id, absl::string_view cursor) {
  std::vector<std::string> parts;
  int64_t position = 0;
  if (!Unseal(kCursorSeed, cursor, &parts) || parts.size() != 2 ||
      !absl::SimpleAtoi(parts[1], &position) || position < 0) {
    return InvalidField("cursor", "CURSOR_INVALID",
                        "cursor is not one that a Lapse server gave out; start again without it");
  }
  if (parts[0] != feed_id) {
    return MakeError(absl::StatusCode::kOutOfRange, "CURSOR_FOREIGN",
                     "cursor belongs to the feed of another database; start again without it");
  }
  return position;
}

}  // namespace lapse::server
