// Pages, as every List method makes them.
#ifndef LAPSE_SERVER_LISTS_H_
#define LAPSE_SERVER_LISTS_H_

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"

namespace lapse::server {

// 0 means the default, more than the maximum means the maximum (AIP-158). INVALID_ARGUMENT below 0.
inline absl::StatusOr<int> PageSize(int requested) {
  if (requested < 0) {
    return InvalidField(
        "page_size", "PAGE_SIZE_NEGATIVE",
        absl::StrCat("page_size is ", requested, "; it must be 0 (the default) or more"));
  }
  return requested == 0 ? limits::kDefaultPageSize : std::min(requested, limits::kMaxPageSize);
}

// Ends the page where it has limits::kMaxPageBytes, after one item at the least. True if it was
// longer: the next page goes on after its last item. `message_of` gives an item's message.
template <typename Item, typename MessageOf>
bool CutPage(std::vector<Item>* page, const MessageOf& message_of) {
  size_t bytes = 0;
  for (size_t i = 0; i < page->size(); ++i) {
    bytes += message_of((*page)[i]).ByteSizeLong();
    if (i == 0 || bytes <= limits::kMaxPageBytes) continue;
    page->erase(page->begin() + i, page->end());
    return true;
  }
  return false;
}

template <typename Message>
bool CutPage(std::vector<Message>* page) {
  return CutPage(page, [](const Message& message) -> const Message& { return message; });
}

}  // namespace lapse::server

#endif  // LAPSE_SERVER_LISTS_H_
