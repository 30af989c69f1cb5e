#include "server/page_token.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace lapse::server {
namespace {

const PageQuery kQuery = {"ListEvents", "type = \"a\"", "occur_time"};

TEST(PageToken, GivesThePlaceBack) {
  const PagePlace place = {"12", "", "x:y"};
  const auto read = ReadPageToken(kQuery, MakePageToken(kQuery, place));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, place);
}

TEST(PageToken, IsEmptyAtTheFirstPage) { EXPECT_TRUE(ReadPageToken(kQuery, "")->empty()); }

TEST(PageToken, OfAnotherQueryIsRefused) {
  const std::string token = MakePageToken(kQuery, {"1"});
  const auto read = ReadPageToken({"ListEvents", "type = \"b\"", "occur_time"}, token);
  EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailsOf(read.status()).reason, "PAGE_TOKEN_MISMATCH");
  EXPECT_EQ(DetailsOf(read.status()).field, "page_token");
}

TEST(PageToken, ChangedAtAnyByteIsRefused) {
  const std::string token = MakePageToken(kQuery, {"1", "2"});
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(ReadPageToken(kQuery, changed).ok()) << i;
    EXPECT_FALSE(ReadPageToken(kQuery, token.substr(0, i)).ok() && i > 0) << i;
  }
}

TEST(AlertCursor, GivesThePositionBack) {
  EXPECT_EQ(*ReadAlertCursor("feed", MakeAlertCursor("feed", 7)), 7);
}

TEST(AlertCursor, OfAnotherFeedIsForeign) {
  const auto read = ReadAlertCursor("feed", MakeAlertCursor("other", 7));
  EXPECT_EQ(read.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(DetailsOf(read.status()).reason, "CURSOR_FOREIGN");
}

TEST(AlertCursor, ThatIsNoneIsInvalid) {
  for (const std::string cursor : {"x", "AAAA", MakePageToken(kQuery, {"feed", "7"}).c_str()}) {
    const auto read = ReadAlertCursor("feed", cursor);
    EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument) << cursor;
    EXPECT_EQ(DetailsOf(read.status()).reason, "CURSOR_INVALID") << cursor;
  }
}

}  // namespace
}  // namespace lapse::server
