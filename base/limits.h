// Every limit of Lapse, with its unit. The protos' comments state those a client can meet.
#ifndef LAPSE_BASE_LIMITS_H_
#define LAPSE_BASE_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace lapse::limits {

inline constexpr int64_t kMicrosPerMilli = 1'000;
inline constexpr int64_t kMicrosPerSecond = 1'000'000;
inline constexpr int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
inline constexpr int64_t kMicrosPerHour = 60 * kMicrosPerMinute;
inline constexpr int64_t kMicrosPerDay = 24 * kMicrosPerHour;

// Events.
inline constexpr size_t kMaxEventIdBytes = 256;
inline constexpr size_t kMaxSourceBytes = 128;
inline constexpr size_t kMaxEventTypeBytes = 128;
inline constexpr size_t kMaxAttributes = 64;
inline constexpr size_t kMaxAttributeNameBytes = 128;
inline constexpr size_t kMaxAttributeValueBytes = 4'096;
// A key is an attribute's value: a longer value is refused as a key and counted as no_key.
inline constexpr size_t kMaxKeyBytes = 1'024;
inline constexpr int64_t kMaxAheadUs = 5 * kMicrosPerMinute;

// Requests.
inline constexpr size_t kMaxBatchEvents = 10'000;
inline constexpr size_t kMaxRequestBytes = 4 << 20;
// Twice ours, so that a client meets our error and not the transport's.
inline constexpr size_t kMaxTransportMessageBytes = 2 * kMaxRequestBytes;
inline constexpr int kMaxUnansweredStreamBatches = 64;
inline constexpr int kDefaultPageSize = 100;
inline constexpr int kMaxPageSize = 1'000;
// What the items of a page hold together where there are more than one, so that it passes the limit
// that clients of gRPC have where they set none, 4 MiB.
inline constexpr size_t kMaxPageBytes = 3 << 20;
inline constexpr size_t kMaxFilterBytes = 4'096;
inline constexpr int kMaxFilterDepth = 64;
inline constexpr size_t kMaxPageTokenBytes = 8'192;
inline constexpr size_t kMaxRequestIdBytes = 64;
inline constexpr int64_t kRequestIdRetentionUs = kMicrosPerDay;

// Resources.
inline constexpr size_t kMaxResourceIdBytes = 63;
inline constexpr size_t kMaxDisplayNameBytes = 128;
inline constexpr size_t kMaxDescriptionBytes = 4'096;
inline constexpr size_t kMaxLabels = 32;
inline constexpr size_t kMaxLabelKeyBytes = 63;
inline constexpr size_t kMaxLabelValueBytes = 256;
inline constexpr size_t kMaxMonitors = 10'000;
inline constexpr size_t kMaxNotifiers = 1'000;
inline constexpr size_t kMaxNotifiersPerMonitor = 16;
inline constexpr size_t kMaxCloseNoteBytes = 1'024;

// Conditions.
inline constexpr int64_t kMaxWithinUs = 365 * kMicrosPerDay;
inline constexpr int64_t kMaxGraceUs = 365 * kMicrosPerDay;
inline constexpr int64_t kMaxReorderToleranceUs = kMicrosPerHour;
inline constexpr int64_t kDefaultReorderToleranceUs = 10 * kMicrosPerSecond;
inline constexpr int64_t kMaxClockSkewUs = kMicrosPerHour;
inline constexpr int64_t kDefaultClockSkewUs = kMicrosPerSecond;
inline constexpr size_t kMaxOpenPerKey = 1'000;
// Events of a key that can still be judged again; beyond, the oldest are settled early, and what is
// older than they are is a straggler.
inline constexpr size_t kMaxRecentPerKey = 4'000;
// MISSED ones of a key that can still be amended; beyond, the oldest is closed as by age.
inline constexpr size_t kMaxAmendablePerKey = 1'000;
inline constexpr int64_t kAlertMaxAgeUs = 30 * kMicrosPerDay;
inline constexpr int64_t kDefaultIdleKeyRetentionUs = kMicrosPerHour;
inline constexpr size_t kMaxEventSummaryBytes = 1'024;

// Time.
inline constexpr int64_t kDefaultSettleUs = 5 * kMicrosPerSecond;
// A longer pause of the process, or step of the clock, starts a new settle time.
inline constexpr int64_t kGapUs = kMicrosPerSecond;
inline constexpr int64_t kDetectedLateUs = kMicrosPerSecond;

// The event log.
inline constexpr int kPartitionCount = 1'024;
inline constexpr int64_t kLogFileBytes = 128ll << 20;
// A merged chunk of a sealed file is closed when it has so many events, entries, or bytes of events
// as sent; a sorted run tells of the chunks of so many events.
inline constexpr int64_t kSealedChunkEvents = 16'384;
inline constexpr int64_t kSealedChunkBytes = 8 << 20;
inline constexpr int64_t kSealedRunEvents = 1 << 20;
// In memory, 4 bytes for each indexed value of an event in files that are not sealed; beyond,
// listings read the newest chunks one by one.
inline constexpr int64_t kMaxLiveIndexBytes = 256 << 20;
// Full files that wait to be sealed, beyond which the sealing takes its full share of the machine.
inline constexpr int kMaxUnsealedFiles = 16;
// Bytes of WAL in full files that are not sealed yet; beyond, the oldest is checkpointed at once.
inline constexpr int64_t kMaxUnsealedWalBytes = 256 << 20;
inline constexpr size_t kDefaultDuplicateWindowEvents = 10'000'000;
inline constexpr int64_t kDuplicateWindowUs = kMicrosPerDay;
// Waiting in the log's queue; beyond, ingest is RESOURCE_EXHAUSTED.
inline constexpr size_t kMaxQueuedEvents = 200'000;
inline constexpr size_t kMaxQueuedBytes = 256u << 20;
inline constexpr size_t kMaxChunkEvents = 10'000;
// Of events as sent, beyond which a group commit takes no further request.
inline constexpr size_t kMaxChunkBytes = 8u << 20;
// What one page of ListEvents may read.
inline constexpr int kMaxListedChunks = 200;
inline constexpr int kMaxListedEvents = 100'000;
inline constexpr size_t kMaxEventTypes = 10'000;
inline constexpr size_t kMaxAttributesPerType = 256;
// A shard's queue, in log entries; beyond, the log waits.
inline constexpr size_t kMaxShardQueueEntries = 64;
inline constexpr int kMaxShards = 64;
// Marks of the log that a shard took while it had deadlines due: some seconds' at a full rate of
// single events, else a minute's. Beyond, it fires before it takes another entry, and so the log
// waits.
inline constexpr size_t kMaxPendingMarks = 16'384;
// Reads of the matcher's state that wait for an answer; beyond, RESOURCE_EXHAUSTED.
inline constexpr size_t kMaxQueuedQueries = 1'024;
// Alert changes that wait to be stored; beyond, the shards wait.
inline constexpr size_t kMaxQueuedAlerts = 10'000;
inline constexpr int64_t kAlertStoreRetryUs = kMicrosPerSecond;

// Checkpoints.
inline constexpr int64_t kDefaultCheckpointIntervalUs = 30 * kMicrosPerSecond;
// After so many events a checkpoint is made before its time: a replay goes through about as many.
inline constexpr int64_t kMaxEventsBetweenCheckpoints = 4'000'000;
// While running, so that writing them does not hold up the log's syncs.
inline constexpr int64_t kCheckpointBytesPerSecond = 160 << 20;
// Of one partition, before compression.
inline constexpr size_t kMaxPartitionStateBytes = 1u << 30;
// Serialized and not saved yet; beyond, the shards put the rest of a checkpoint off.
inline constexpr size_t kMaxUnsavedCheckpointBytes = 16u << 20;

// Of a stop: for what waits in the log, for calls under way, and for the last checkpoint. Whatever
// is not done then is made again from the log by the next start.
inline constexpr int64_t kStopLogUs = kMicrosPerSecond;
inline constexpr int64_t kStopCallsUs = 3 * kMicrosPerSecond / 2;
inline constexpr int64_t kStopCheckpointUs = kMicrosPerSecond;
// From its beginning on, after which nothing more is begun.
inline constexpr int64_t kStopUs = 4 * kMicrosPerSecond;

// The alert feed.
inline constexpr int64_t kFeedRetentionUs = 7 * kMicrosPerDay;
inline constexpr size_t kMaxAlertsPerCommit = 4'000;
inline constexpr int64_t kHeartbeatUs = 15 * kMicrosPerSecond;
inline constexpr int64_t kSubscriberWriteTimeoutUs = 60 * kMicrosPerSecond;
inline constexpr int kMaxSubscribers = 2'000;

// Notifiers.
inline constexpr int kMaxMailsPerMinute = 10;
inline constexpr int64_t kMaxDeliveryAgeUs = kMicrosPerDay;
inline constexpr int kMaxKeptTries = 20;
inline constexpr size_t kMaxTryErrorBytes = 512;
inline constexpr int kMaxDigestSamples = 20;
inline constexpr size_t kMaxEmailRecipients = 50;
inline constexpr int kDefaultEmailTimeoutSeconds = 30;
inline constexpr int kMaxEmailTimeoutSeconds = 300;
inline constexpr size_t kMaxHostBytes = 253;
inline constexpr size_t kMaxUsernameBytes = 256;
inline constexpr size_t kMaxAddressBytes = 254;
inline constexpr size_t kMaxPathBytes = 4'095;
inline constexpr size_t kMaxPasswordBytes = 4'096;
// Between two tries: doubles from the first to the last. The slow one where only an operator can
// mend it.
inline constexpr int64_t kFirstRetryUs = kMicrosPerSecond;
inline constexpr int64_t kFirstSlowRetryUs = kMicrosPerMinute;
inline constexpr int64_t kLastRetryUs = 5 * kMicrosPerMinute;
// Notifiers that are sent to at the same time.
inline constexpr int kNotifierWorkers = 16;
// How long Stop lets sends finish before it cuts them.
inline constexpr int64_t kNotifierStopGraceUs = 2 * kMicrosPerSecond;

}  // namespace lapse::limits

#endif  // LAPSE_BASE_LIMITS_H_
