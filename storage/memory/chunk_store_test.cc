#include "storage/memory/chunk_store.h"

#include <memory>

#include "base/errors.h"
#include "gtest/gtest.h"
#include "storage/chunk_store_contract.h"

namespace lapse::storage {
namespace {

class MemoryHarness : public ChunkStoreHarness {
 public:
  ChunkStore& store() override { return store_; }
  void Reopen() override { store_.Reopen(); }
  void Damage(LogPosition position) override { store_.Damage(position); }

 private:
  MemoryChunkStore store_;
};

INSTANTIATE_TEST_SUITE_P(Memory, ChunkStoreContract,
                         testing::Values([] { return std::make_unique<MemoryHarness>(); }));

TEST(MemoryChunkStoreTest, DiskFullKeepsNothingAndPasses) {
  MemoryChunkStore store;
  store.FailNextAppends(Overloaded("DISK_FULL", "full", 1), 2);
  const LogEntry entry = TestEntry(1, 1, kTestTimeUs, {TestEvent("a", "1")});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(DetailsOf(store.Append(entry)).reason, "DISK_FULL");
  EXPECT_EQ(store.LastPosition(), 0);
  EXPECT_TRUE(store.Append(entry).ok());
}

TEST(MemoryChunkStoreTest, AnyOtherErrorStopsTheLogUntilReopened) {
  MemoryChunkStore store;
  store.FailNextAppends(absl::InternalError("I/O"), 1);
  const LogEntry entry = TestEntry(1, 1, kTestTimeUs, {TestEvent("a", "1")});
  EXPECT_EQ(store.Append(entry).code(), absl::StatusCode::kInternal);
  EXPECT_EQ(DetailsOf(store.Append(entry)).reason, "LOG_STOPPED");
  store.Reopen();
  EXPECT_TRUE(store.Append(entry).ok());
}

}  // namespace
}  // namespace lapse::storage
