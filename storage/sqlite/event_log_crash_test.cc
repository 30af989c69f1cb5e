// The event log on its real store, in a process that is killed in the midst of its work.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "gtest/gtest.h"
#include "storage/event_log.h"
#include "storage/sqlite/chunk_store.h"
#include "storage/test_entries.h"

namespace lapse::storage {
namespace {

constexpr int kRounds = 10;

class NullFollower : public LogFollower {
 public:
  void OnEntry(std::shared_ptr<const LogEntry>) override {}
};

struct Log {
  explicit Log(const std::string& folder) {
    auto opened = SqliteChunkStore::Open({.folder = folder, .file_bytes = 1 << 20});
    if (!opened.ok()) std::abort();
    store = *std::move(opened);
    auto log = EventLog::Open({.settle_us = 0, .duplicate_window_path = folder + "/window"}, *store,
                              RealClock());
    if (!log.ok()) std::abort();
    events = *std::move(log);
  }

  NullFollower follower;
  std::unique_ptr<SqliteChunkStore> store;
  std::unique_ptr<EventLog> events;
};

// An acknowledgement, as the killed process told it.
struct Acknowledged {
  int64_t number = 0;
  int64_t sequence = 0;
};

// Sends events numbered from `first` and writes each acknowledgement to `fd`; never returns.
[[noreturn]] void SendUntilKilled(const std::string& folder, int64_t first, int fd) {
  Log log(folder);
  if (!log.events->Start(log.follower).ok()) std::abort();
  for (int64_t number = first;; ++number) {
    EventBatch events = EventBatch::Of(TestEvent(absl::StrCat(number), "k"));
    const absl::Status status =
        log.events->Append(std::move(events), [=](absl::StatusOr<AppendResult> result) {
          if (!result.ok()) std::abort();
          const Acknowledged acknowledged = {number, result->events[0].sequence};
          if (::write(fd, &acknowledged, sizeof(acknowledged)) != sizeof(acknowledged))
            std::abort();
        });
    // The queue is full: the log is slower than this loop.
    if (!status.ok()) --number;
    if (number % 500 == 0 && !log.events->SaveDuplicateWindow().ok()) std::abort();
  }
}

TEST(EventLogCrashTest, NoAcknowledgedEventIsLostAndNoneIsTwice) {
  const std::string folder = absl::StrCat(testing::TempDir(), "/event_log_crash_", ::getpid());
  std::filesystem::create_directories(folder);
  std::unordered_map<int64_t, int64_t> sequences;
  int64_t next = 1;
  for (int round = 1; round <= kRounds; ++round) {
    int fds[2];
    ASSERT_EQ(::pipe(fds), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    // Some that were sent before are sent again.
    if (child == 0) SendUntilKilled(folder, std::max<int64_t>(1, next - 100), fds[1]);
    ::close(fds[1]);
    const size_t before = sequences.size();
    Acknowledged acknowledged;
    while (::read(fds[0], &acknowledged, sizeof(acknowledged)) == sizeof(acknowledged)) {
      const auto [known, is_new] = sequences.emplace(acknowledged.number, acknowledged.sequence);
      EXPECT_EQ(known->second, acknowledged.sequence)
          << "a copy is answered with the first one's sequence";
      next = std::max(next, acknowledged.number + 1);
      if (sequences.size() == before + static_cast<size_t>(300 * round)) ::kill(child, SIGKILL);
    }
    ::close(fds[0]);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  }
  std::unordered_map<std::string, int64_t> stored;
  auto store = SqliteChunkStore::Open({.folder = folder});
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_TRUE(
      (*store)
          ->Read(1,
                 [&](const LogEntry& entry) {
                   for (const AcceptedEvent& accepted : entry.events) {
                     EXPECT_TRUE(stored.emplace(accepted.event->id(), accepted.sequence).second)
                         << accepted.event->id() << " is there twice";
                   }
                   return absl::OkStatus();
                 })
          .ok());
  for (const auto& [number, sequence] : sequences) {
    EXPECT_EQ(stored[absl::StrCat(number)], sequence) << number << " was acknowledged";
  }
  EXPECT_GT(sequences.size(), 10'000u);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace lapse::storage
