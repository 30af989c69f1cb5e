// The part that a shard has in a checkpoint.
#ifndef LAPSE_MONITORS_SHARD_CHECKPOINT_H_
#define LAPSE_MONITORS_SHARD_CHECKPOINT_H_

#include "monitors/alert_recorder.h"
#include "monitors/partition_saver.h"
#include "monitors/shard_worker.h"

namespace lapse::monitors {

// Serializes the shard's changed partitions (`everything`: all), a few a step. Each reaches the
// saver through the recorder, behind the alerts that the shard gave out before, so that no
// checkpoint is ever ahead of its alerts. The recorder and the saver outlive the job.
ShardJob MakeCheckpointJob(bool everything, AlertRecorder& recorder, PartitionSaver& saver);

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_SHARD_CHECKPOINT_H_
