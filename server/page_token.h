// Opaque tokens that a client hands back: page tokens of lists, and cursors of the alert feed. Both
// carry a checksum, so that one which was cut or changed is refused and not misread.
#ifndef LAPSE_SERVER_PAGE_TOKEN_H_
#define LAPSE_SERVER_PAGE_TOKEN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lapse::server {

// Whatever must be the same on every page, in order: the method, then filter, order, parent.
using PageQuery = std::vector<std::string>;
// Where the next page begins; what the parts mean is the method's own.
using PagePlace = std::vector<std::string>;

std::string MakePageToken(const PageQuery& query, const PagePlace& place);

// The place; empty where `token` is, at the first page. INVALID_ARGUMENT on `page_token`:
// PAGE_TOKEN_INVALID, or PAGE_TOKEN_MISMATCH for the token of another query. A place always has as
// many parts as it was made with.
absl::StatusOr<PagePlace> ReadPageToken(const PageQuery& query, absl::string_view token);

// A place in the alert feed `feed_id`.
std::string MakeAlertCursor(absl::string_view feed_id, int64_t position);

// INVALID_ARGUMENT, CURSOR_INVALID; OUT_OF_RANGE, CURSOR_FOREIGN, for one of another feed.
absl::StatusOr<int64_t> ReadAlertCursor(absl::string_view feed_id, absl::string_view cursor);

}  // namespace lapse::server

#endif  // LAPSE_SERVER_PAGE_TOKEN_H_
