// Page tokens and cursors that clients hand back.
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/page_token.h"
#include "test/fuzz/fuzz_target.h"

namespace {

using lapse::server::PagePlace;
using lapse::server::PageQuery;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// Any bytes as a token are a place or refused.
void FuzzBytes(absl::string_view token) {
  const auto place = lapse::server::ReadPageToken({"List", "filter"}, token);
  FUZZ_CHECK(place.ok() || absl::IsInvalidArgument(place.status()));
  const auto position = lapse::server::ReadAlertCursor("feed", token);
  FUZZ_CHECK(position.ok() || absl::IsInvalidArgument(position.status()) ||
             absl::IsOutOfRange(position.status()));
}

// What is made is read as it was made, and only with the same query.
void FuzzParts(lapse::fuzz::Input input) {
  PageQuery query;
  PagePlace place;
  for (int count = input.Byte() % 8; count > 0; --count) query.emplace_back(input.Part());
  for (int count = 1 + input.Byte() % 4; count > 0; --count) place.emplace_back(input.Part());
  const std::string token = lapse::server::MakePageToken(query, place);
  const auto read = lapse::server::ReadPageToken(query, token);
  FUZZ_CHECK(!read.ok() || *read == place);
  query.emplace_back("more");
  FUZZ_CHECK(!lapse::server::ReadPageToken(query, token).ok());
  const std::string feed(input.Part());
  int64_t position = 0;
  for (int i = 0; i < 8; ++i) position = position << 8 | input.Byte();
  const std::string cursor = lapse::server::MakeAlertCursor(feed, position);
  const auto back = lapse::server::ReadAlertCursor(feed, cursor);
  FUZZ_CHECK(!back.ok() || *back == position);
  FUZZ_CHECK(!lapse::server::ReadAlertCursor(feed + "x", cursor).ok());
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lapse::fuzz::Input input(data, size);
  if (input.Byte() % 2 == 0) {
    FuzzBytes(View(input.Rest()));
  } else {
    FuzzParts(input);
  }
  return 0;
}
