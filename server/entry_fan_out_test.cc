#include "server/entry_fan_out.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/memory/state_store.h"

namespace lapse::server {
namespace {

using ::testing::ElementsAre;

// Keeps the positions it is handed; may be held in the act.
class HeldFollower : public storage::LogFollower {
 public:
  void OnEntry(std::shared_ptr<const storage::LogEntry> entry) override {
    MutexLock lock(mutex_);
    positions_.push_back(entry->position);
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
  }

  void Hold(bool held) {
    MutexLock lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }

  void AwaitCount(size_t count) {
    MutexLock lock(mutex_);
    changed_.wait(lock, [&] { return positions_.size() >= count; });
  }

  std::vector<storage::LogPosition> positions() {
    MutexLock lock(mutex_);
    return positions_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool held_ = false;
  std::vector<storage::LogPosition> positions_;
};

// So many that it is handed on by the other thread, unless it is told otherwise.
std::shared_ptr<const storage::LogEntry> EntryAt(storage::LogPosition position,
                                                 size_t events = 100) {
  auto entry = std::make_shared<storage::LogEntry>();
  entry->position = position;
  lapse::v1::Event event;
  event.set_type("order_created");
  entry->owned.push_back(storage::EventBatch::Of(event));
  entry->events.resize(events);
  for (storage::AcceptedEvent& accepted : entry->events) {
    accepted.event = &entry->owned.front().events().front();
  }
  return entry;
}

class EntryFanOutTest : public testing::Test {
 protected:
  storage::MemoryStateStore store_;
  EventTypes types_{store_};
  HeldFollower follower_;
};

TEST_F(EntryFanOutTest, StopHandsOnWhatWaitsInOrder) {
  EntryFanOut fan_out(types_, follower_);
  for (storage::LogPosition position = 1; position <= 20; ++position) {
    fan_out.OnEntry(EntryAt(position));
  }
  fan_out.Stop();
  const std::vector<storage::LogPosition> positions = follower_.positions();
  ASSERT_EQ(positions.size(), 20u);
  for (size_t i = 0; i < positions.size(); ++i) {
    EXPECT_EQ(positions[i], static_cast<storage::LogPosition>(i + 1));
  }
}

TEST_F(EntryFanOutTest, AnEntryOfFewEventsIsHandedOnAtOnce) {
  EntryFanOut fan_out(types_, follower_);
  fan_out.OnEntry(EntryAt(1, 1));
  EXPECT_THAT(follower_.positions(), ElementsAre(1));
}

TEST_F(EntryFanOutTest, AnEntryOfFewEventsDoesNotOvertakeTheOneBefore) {
  EntryFanOut fan_out(types_, follower_);
  follower_.Hold(true);
  fan_out.OnEntry(EntryAt(1));
  follower_.AwaitCount(1);
  fan_out.OnEntry(EntryAt(2, 1));
  EXPECT_THAT(follower_.positions(), ElementsAre(1));
  follower_.Hold(false);
  fan_out.Stop();
  EXPECT_THAT(follower_.positions(), ElementsAre(1, 2));
}

TEST_F(EntryFanOutTest, AFollowerThatIsHeldHoldsTheLogBack) {
  EntryFanOut fan_out(types_, follower_);
  follower_.Hold(true);
  std::atomic<bool> all_taken = false;
  std::thread log([&] {
    for (storage::LogPosition position = 1; position <= 3; ++position) {
      fan_out.OnEntry(EntryAt(position));
    }
    all_taken = true;
  });
  follower_.AwaitCount(1);
  EXPECT_THAT(follower_.positions(), ElementsAre(1));
  EXPECT_FALSE(all_taken) << "the third does not fit before the first is through";
  follower_.Hold(false);
  log.join();
  fan_out.Stop();
  EXPECT_THAT(follower_.positions(), ElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace lapse::server
