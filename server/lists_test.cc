#include "server/lists.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "lapse/v1/event.pb.h"

namespace lapse::server {
namespace {

using lapse::v1::Event;

Event EventOf(size_t bytes) {
  Event event;
  event.set_id(std::string(bytes, 'x'));
  return event;
}

TEST(PageSize, IsTheDefaultOrAtMostTheMaximumAndNeverNegative) {
  EXPECT_EQ(PageSize(0).value(), limits::kDefaultPageSize);
  EXPECT_EQ(PageSize(7).value(), 7);
  EXPECT_EQ(PageSize(limits::kMaxPageSize + 1).value(), limits::kMaxPageSize);
  EXPECT_EQ(PageSize(-1).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(CutPage, LeavesWhatIsWithinTheLimit) {
  std::vector<Event> page(3, EventOf(limits::kMaxPageBytes / 4));
  EXPECT_FALSE(CutPage(&page));
  EXPECT_EQ(page.size(), 3u);
  std::vector<Event> none;
  EXPECT_FALSE(CutPage(&none));
}

TEST(CutPage, EndsBeforeTheItemThatIsTooMuch) {
  std::vector<Event> page(9, EventOf(limits::kMaxPageBytes / 4));
  EXPECT_TRUE(CutPage(&page));
  EXPECT_EQ(page.size(), 3u) << "each has a few bytes more than a quarter";
}

TEST(CutPage, LeavesOneItemHoweverLarge) {
  std::vector<Event> page(2, EventOf(limits::kMaxPageBytes + 1));
  EXPECT_TRUE(CutPage(&page));
  EXPECT_EQ(page.size(), 1u);
  EXPECT_FALSE(CutPage(&page));
}

TEST(CutPage, CountsTheMessageWithinAnItem) {
  struct Listed {
    int number = 0;
    Event event;
  };
  std::vector<Listed> page = {{1, EventOf(limits::kMaxPageBytes)}, {2, EventOf(1)}};
  EXPECT_TRUE(CutPage(&page, [](const Listed& listed) -> const Event& { return listed.event; }));
  ASSERT_EQ(page.size(), 1u);
  EXPECT_EQ(page[0].number, 1);
}

}  // namespace
}  // namespace lapse::server
