// A partition's checkpoint that was lost, as by a copy of a part of the folder, was not noticed:
// what it had open vanished.

#include <gtest/gtest.h>

#include "base/errors.h"
#include "monitors/recovery.h"
#include "monitors/test_matcher.h"

namespace lapse::monitors {
namespace {

TEST(MissingPartition, StopsTheStartAndIsNamed) {
  TestMatcher test;
  test.Start(1);
  test.Append(1, {}, {Change(lapse::internal::v1::MonitorChange::ACTION_CREATE, OrderMonitor())});
  test.Append(2, {MakeEvent("created", "A", 2)});
  test.Checkpoint();
  test.Stop();
  storage::MemoryCheckpointStore incomplete;
  int left_out = -1;
  ASSERT_TRUE(test.checkpoints
                  .Load([&](storage::PartitionCheckpoint checkpoint) {
                    if (checkpoint.partition != storage::kManifestPartition && left_out < 0) {
                      left_out = checkpoint.partition;
                      return absl::OkStatus();
                    }
                    return incomplete.Save({checkpoint});
                  })
                  .ok());
  ASSERT_GE(left_out, 0);

  const auto recovered = RecoverMatcher(MatcherOptions{.shard_count = 1},
                                        MatcherDeps{.alerts = test.state,
                                                    .monitors = test.state,
                                                    .checkpoints = incomplete,
                                                    .clock = test.clock,
                                                    .listener = test.listener,
                                                    .seed = test.log.Seed()},
                                        test.log);

  EXPECT_EQ(recovered.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DetailsOf(recovered.status()).reason, "CHECKPOINT_DAMAGED");
  EXPECT_NE(std::string(recovered.status().message()).find(std::to_string(left_out)),
            std::string::npos);
}

}  // namespace
}  // namespace lapse::monitors
