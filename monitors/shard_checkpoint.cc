#include "monitors/shard_checkpoint.h"

#include <utility>

namespace lapse::monitors {
namespace {

// Serializing so much takes a few milliseconds, for which the shard's entries wait.
constexpr size_t kBytesPerStep = 256u << 10;

class CheckpointJob {
 public:
  CheckpointJob(bool everything, AlertRecorder& recorder, PartitionSaver& saver)
      : everything_(everything), recorder_(&recorder), saver_(&saver) {}

  JobStep operator()(Shard& shard) {
    // What is due and has not fired would fire again after a recovery, as of another mark.
    if (!saver_->HasRoom() || shard.HasDue()) return JobStep::kBlocked;
    size_t bytes = 0;
    while (slot_ < shard.partition_count() && bytes < kBytesPerStep) {
      Partition& partition = shard.partition_at(slot_);
      if (everything_ || partition.dirty()) bytes += HandOver(shard, partition);
      ++slot_;
    }
    if (slot_ < shard.partition_count()) return JobStep::kMore;
    recorder_->PushBarrier([saver = saver_] { saver->ShardDone(); });
    return JobStep::kDone;
  }

 private:
  size_t HandOver(const Shard& shard, Partition& partition) {
    storage::PartitionCheckpoint checkpoint{shard.PartitionAt(slot_), shard.position(),
                                            partition.Serialize()};
    const size_t size = checkpoint.state.size();
    saver_->Reserve(size);
    recorder_->PushBarrier([saver = saver_, checkpoint = std::move(checkpoint)]() mutable {
      saver->Add(std::move(checkpoint));
    });
    return size;
  }

  bool everything_;
  AlertRecorder* recorder_;
  PartitionSaver* saver_;
  int slot_ = 0;
};

}  // namespace

ShardJob MakeCheckpointJob(bool everything, AlertRecorder& recorder, PartitionSaver& saver) {
  return CheckpointJob(everything, recorder, saver);
}

}  // namespace lapse::monitors
