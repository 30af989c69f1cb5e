#include "server/lapse_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "monitors/recovery.h"
#include "notifiers/dispatcher.h"
#include "notifiers/email_channel.h"
#include "server/alert_hub.h"
#include "server/alert_service.h"
#include "server/entry_fan_out.h"
#include "server/event_service.h"
#include "server/event_types.h"
#include "server/executor.h"
#include "server/housekeeper.h"
#include "server/indexed_attributes.h"
#include "server/ingest_gate.h"
#include "server/monitor_catalog.h"
#include "server/monitor_service.h"
#include "server/notifier_service.h"
#include "server/stream_registry.h"
#include "spdlog/spdlog.h"
#include "storage/event_log.h"
#include "storage/sqlite/checkpoint_store.h"
#include "storage/sqlite/chunk_store.h"
#include "storage/sqlite/data_folder.h"
#include "storage/sqlite/state_store.h"

namespace lapse::server {
namespace {

constexpr int kExecutorThreads = 8;
constexpr size_t kExecutorQueue = 4 * limits::kMaxSubscribers;
constexpr int kFillThreads = 4;
constexpr int kSlowThreads = 4;
constexpr size_t kSlowQueue = 64;
constexpr size_t kMaxIngestStreams = 10'000;
constexpr int kMaxFrameBytes = 1 << 20;
// What a client may send ahead of our reading, on a stream.
constexpr int kLookaheadBytes = 256 << 10;
// Of the 5 s that a stop may take: what calls under way get before they are cut.
constexpr std::chrono::microseconds kShutdownGrace(limits::kStopCallsUs);
// A monitor change is recorded within moments of its commit; the tally may be saved in between.
constexpr storage::LogPosition kReadBackEntries = 1'000;
// Less than a sync takes: callers of single events gain more by larger commits than they wait.
constexpr int64_t kLingerUs = 200;
constexpr int64_t kTickUs = limits::kMicrosPerSecond;
constexpr int64_t kSaveIntervalUs = 30 * limits::kMicrosPerSecond;
constexpr int64_t kTrimIntervalUs = limits::kMicrosPerMinute;
// A transaction of the trimming; it goes on until nothing is left.
constexpr int kTrimLimit = 10'000;

constexpr char kAlertServiceName[] = "lapse.v1.AlertService";
constexpr const char* kServiceNames[] = {"", "lapse.v1.EventService", kAlertServiceName,
                                         "lapse.v1.MonitorService", "lapse.v1.NotifierService"};

int ShardCount(const Options& options) {
  if (options.shard_count > 0) return options.shard_count;
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 64u));
}

class LapseServerImpl : public LapseServer, private monitors::MatcherListener {
 public:
  LapseServerImpl(const Options& options, Clock& clock)
      : options_(options),
        clock_(clock),
        executor_(kExecutorThreads, kExecutorQueue),
        fill_executor_(kFillThreads, kExecutorQueue),
        slow_executor_(kSlowThreads, kSlowQueue),
        ingest_streams_(kMaxIngestStreams),
        subscribers_(limits::kMaxSubscribers),
        housekeeper_(clock) {}

  ~LapseServerImpl() override { Stop(); }

  absl::Status Start() {
    RETURN_IF_ERROR(OpenStorage());
    RETURN_IF_ERROR(Recover());
    MakeServices();
    RETURN_IF_ERROR(Serve());
    started_ = true;
    return absl::OkStatus();
  }

  const std::string& address() const override { return address_; }
  void Stop() override;

 private:
  absl::Status OpenStorage();
  absl::Status Recover();
  // Counts event types, and records monitor changes, that a crash kept from the state store.
  absl::Status ReadBack();
  void MakeServices();
  void KeepHouse();
  absl::Status Serve();
  absl::Status Listen(grpc::ServerBuilder& builder);
  // Tells the health of every service, from what is known now.
  void TellHealth();
  void EndCalls();
  absl::Status SaveWindow();
  // Saves what makes the next start shorter, where there is time for it.
  void SaveForTheNextStart(int64_t until_steady_us);
  absl::Status Retire();
  absl::Status Trim();
  // Takes no more events where what they lead to can no longer be stored.
  void NoticeStoppedState();
  void FailIngest(const absl::Status& status);

  // monitors::MatcherListener
  void OnAlertsCommitted(storage::FeedPosition last) override;
  void OnAlertsHeldUp(const absl::Status& status) override;
  void OnAlertsFailed(const absl::Status& status) override { FailIngest(status); }
  void OnMatcherFailed(const absl::Status& status) override { FailIngest(status); }
  void OnCheckpointed(storage::LogPosition position) override { checkpointed_ = position; }

  const Options options_;
  Clock& clock_;

  // In the order in which one needs the other.
  std::unique_ptr<storage::DataFolder> folder_;
  std::unique_ptr<storage::SqliteStateStore> state_;
  std::unique_ptr<storage::SqliteChunkStore> chunks_;
  std::unique_ptr<storage::FileCheckpointStore> checkpoints_;
  std::unique_ptr<storage::EventLog> log_;
  std::unique_ptr<MonitorCatalog> catalog_;
  std::unique_ptr<EventTypes> types_;
  std::unique_ptr<IndexedAttributeSet> indexed_;
  std::unique_ptr<AlertHub> hub_;
  std::unique_ptr<notifiers::Dispatcher> dispatcher_;
  std::unique_ptr<monitors::ShardedMatcher> matcher_;
  std::unique_ptr<EntryFanOut> fan_out_;

  Executor executor_;
  Executor fill_executor_;
  Executor slow_executor_;
  StreamRegistry ingest_streams_;
  StreamRegistry subscribers_;
  IngestGate gate_;
  std::unique_ptr<EventService> event_service_;
  std::unique_ptr<MonitorService> monitor_service_;
  std::unique_ptr<AlertService> alert_service_;
  std::unique_ptr<NotifierService> notifier_service_;
  Housekeeper housekeeper_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  std::atomic<storage::LogPosition> checkpointed_ = 0;
  // How long the last save of the duplicate window took.
  std::atomic<int64_t> window_save_us_ = 0;
  // The housekeeper's thread alone; a steady time.
  int64_t next_trim_us_ = INT64_MIN;
  // Set while the dispatcher may be woken.
  std::atomic<bool> publishing_ = false;
  Mutex health_mutex_;
  bool serving_ = false;
  bool draining_ = false;
  bool alerts_held_up_ = false;
  bool started_ = false;
  bool stopped_ = false;
};

absl::Status LapseServerImpl::OpenStorage() {
  const std::string& root = options_.data_folder;
  ASSIGN_OR_RETURN(folder_, storage::DataFolder::Open(root));
  const std::string state_path = absl::StrCat(root, "/state.db");
  std::error_code missing;
  const bool had_state = std::filesystem::file_size(state_path, missing) > 0 && !missing;
  ASSIGN_OR_RETURN(state_, storage::SqliteStateStore::Open(state_path));
  storage::SqliteChunkStoreOptions chunk_options;
  chunk_options.folder = root;
  chunk_options.file_bytes = options_.log_file_bytes;
  chunk_options.accept_loss = options_.accept_loss;
  ASSIGN_OR_RETURN(chunks_, storage::SqliteChunkStore::Open(chunk_options));
  if (!had_state && chunks_->LastPosition() > 0) {
    return MakeError(
        absl::StatusCode::kDataLoss, "DATA_FOLDER_DAMAGED",
        absl::StrCat(state_path,
                     " is damaged: it is missing or empty, and the event log beside it is not. "
                     "Alerts and notifiers "
                     "are gone; restore it from a backup, or start with another data folder"));
  }
  ASSIGN_OR_RETURN(checkpoints_,
                   storage::FileCheckpointStore::Open(absl::StrCat(root, "/checkpoints")));
  storage::EventLogOptions log_options;
  log_options.settle_us = options_.settle_us;
  log_options.idle_key_retention_us = options_.idle_key_retention_us;
  log_options.linger_us = kLingerUs;
  log_options.duplicate_window_events = options_.duplicate_window_events;
  log_options.duplicate_window_path = absl::StrCat(root, "/duplicates");
  ASSIGN_OR_RETURN(log_, storage::EventLog::Open(log_options, *chunks_, clock_));
  return absl::OkStatus();
}

absl::Status LapseServerImpl::Recover() {
  indexed_ = std::make_unique<IndexedAttributeSet>(*chunks_, options_.index_attributes);
  catalog_ = std::make_unique<MonitorCatalog>(*log_, *state_, *state_, clock_);
  types_ = std::make_unique<EventTypes>(*state_);
  RETURN_IF_ERROR(types_->Load());
  RETURN_IF_ERROR(ReadBack());
  RETURN_IF_ERROR(catalog_->Load());
  for (const lapse::v1::Monitor& monitor : catalog_->List("", limits::kMaxMonitors))
    indexed_->AddKeysOf(monitor);
  hub_ = std::make_unique<AlertHub>(*state_, clock_);
  RETURN_IF_ERROR(hub_->Load());
  notifiers::Channels channels;
  channels[lapse::v1::Notifier::kEmail] = std::make_unique<notifiers::EmailChannel>();
  dispatcher_ =
      std::make_unique<notifiers::Dispatcher>(*state_, *state_, std::move(channels), clock_);
  monitors::MatcherOptions matcher_options;
  matcher_options.shard_count = ShardCount(options_);
  matcher_options.checkpoint_interval_us = options_.checkpoint_interval_us;
  const monitors::MatcherDeps deps{
      .alerts = *state_,
      .monitors = *state_,
      .checkpoints = *checkpoints_,
      .clock = clock_,
      .listener = *this,
      .seed = chunks_->Seed(),
      .alert_names = monitors::AlertNames(state_->names_ordered_from())};
  ASSIGN_OR_RETURN(matcher_, monitors::RecoverMatcher(matcher_options, deps, *chunks_));
  fan_out_ = std::make_unique<EntryFanOut>(*types_, *matcher_);
  return absl::OkStatus();
}

absl::Status LapseServerImpl::ReadBack() {
  const storage::LogPosition from = types_->SavedPosition() + 1 - kReadBackEntries;
  return chunks_->Read(std::max(from, chunks_->FirstPosition()),
                       [this](const storage::LogEntry& entry) {
                         types_->Count(entry);
                         return catalog_->RecordLogged(entry);
                       });
}

void LapseServerImpl::MakeServices() {
  event_service_ = std::make_unique<EventService>(
      EventServiceContext{.log = *log_,
                          .gate = gate_,
                          .chunks = *chunks_,
                          .types = *types_,
                          .indexed = *indexed_,
                          .clock = clock_,
                          .executor = executor_,
                          .registry = ingest_streams_,
                          .max_event_age_us = options_.max_event_age_us});
  monitor_service_ = std::make_unique<MonitorService>(MonitorServiceContext{
      .catalog = *catalog_, .matcher = *matcher_, .indexed = *indexed_, .executor = executor_});
  alert_service_ = std::make_unique<AlertService>(
      AlertStreamContext{.store = *state_,
                         .hub = *hub_,
                         .clock = clock_,
                         .executor = executor_,
                         .fill_executor = fill_executor_,
                         .registry = subscribers_,
                         .write_timeout_us = options_.subscriber_write_timeout_us},
      *log_);
  notifier_service_ =
      std::make_unique<NotifierService>(NotifierServiceContext{.notifiers = *state_,
                                                               .deliveries = *state_,
                                                               .catalog = *catalog_,
                                                               .dispatcher = *dispatcher_,
                                                               .clock = clock_,
                                                               .executor = executor_,
                                                               .slow_executor = slow_executor_});
}

void LapseServerImpl::KeepHouse() {
  housekeeper_.Every("heartbeats", kTickUs, [this] {
    subscribers_.TickAll(clock_.SteadyUs());
    NoticeStoppedState();
    TellHealth();
    return absl::OkStatus();
  });
  housekeeper_.Every("monitor changes", kTickUs,
                     [this] { return catalog_->RecordPendingChanges(); });
  housekeeper_.Every("event types", kSaveIntervalUs, [this]() -> absl::Status {
    // The next start reads back from what is saved: a change that is not recorded yet must not be
    // left behind.
    RETURN_IF_ERROR(catalog_->RecordPendingChanges());
    return types_->Save();
  });
  housekeeper_.Every("duplicate window", kSaveIntervalUs, [this] { return SaveWindow(); });
  // At the start too: what grew old while nothing ran goes before somebody reads it.
  housekeeper_.Every(
      "retention", kTrimIntervalUs, [this] { return Retire(); }, Housekeeper::FirstRun::kAtStart);
  housekeeper_.Every(
      "trim", kTickUs, [this] { return Trim(); }, Housekeeper::FirstRun::kAtStart);
  housekeeper_.Start();
}

absl::Status LapseServerImpl::SaveWindow() {
  const int64_t began_us = clock_.SteadyUs();
  RETURN_IF_ERROR(log_->SaveDuplicateWindow());
  window_save_us_ = clock_.SteadyUs() - began_us;
  return absl::OkStatus();
}

absl::Status LapseServerImpl::Retire() {
  const storage::LogPosition needed_after = std::min(checkpointed_.load(), types_->SavedPosition());
  return chunks_->Retire(needed_after + 1, clock_.NowUs() - options_.event_retention_us);
}

// A slice at a time, so that a stop and the heartbeats never wait for all that is old.
absl::Status LapseServerImpl::Trim() {
  const int64_t now_us = clock_.SteadyUs();
  if (now_us < next_trim_us_) return absl::OkStatus();
  next_trim_us_ = now_us + kTrimIntervalUs;
  const int64_t older_than_us = clock_.NowUs() - limits::kFeedRetentionUs;
  ASSIGN_OR_RETURN(const int changes, state_->TrimFeed(older_than_us, kTrimLimit));
  ASSIGN_OR_RETURN(const int deliveries, state_->TrimDeliveries(older_than_us, kTrimLimit));
  if (changes == kTrimLimit || deliveries == kTrimLimit) next_trim_us_ = now_us;
  return absl::OkStatus();
}

absl::Status LapseServerImpl::Serve() {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits::kMaxTransportMessageBytes));
  // Two servers on one port would share its clients by chance.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A batch comes in a few pieces.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kMaxFrameBytes);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kLookaheadBytes);
  builder.RegisterService(event_service_.get());
  builder.RegisterService(monitor_service_.get());
  builder.RegisterService(alert_service_.get());
  builder.RegisterService(notifier_service_.get());
  publishing_ = true;
  matcher_->Start(*log_);
  RETURN_IF_ERROR(log_->Start(*fan_out_));
  dispatcher_->Start();
  RETURN_IF_ERROR(Listen(builder));
  {
    MutexLock lock(health_mutex_);
    serving_ = true;
  }
  TellHealth();
  KeepHouse();
  return absl::OkStatus();
}

absl::Status LapseServerImpl::Listen(grpc::ServerBuilder& builder) {
  int port = 0;
  builder.AddListeningPort(options_.listen, grpc::InsecureServerCredentials(), &port);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    return MakeError(
        absl::StatusCode::kUnavailable, "ADDRESS_IN_USE",
        absl::StrCat("Cannot listen on ", options_.listen,
                     ": the address is in use or not this machine's; name another with --listen"));
  }
  address_ = absl::StrCat(options_.listen.substr(0, options_.listen.rfind(':')), ":", port);
  return absl::OkStatus();
}

void LapseServerImpl::TellHealth() {
  const bool takes_events = gate_.Check().ok() && !log_->Metrics().stopped;
  MutexLock lock(health_mutex_);
  if (!serving_) return;
  grpc::HealthCheckServiceInterface* const health = server_->GetHealthCheckService();
  for (const char* service : kServiceNames)
    health->SetServingStatus(service, takes_events && !draining_);
  health->SetServingStatus(kAlertServiceName, takes_events && !draining_ && !alerts_held_up_);
}

void LapseServerImpl::OnAlertsCommitted(storage::FeedPosition last) {
  hub_->Publish(last);
  if (publishing_) dispatcher_->Wake();
}

void LapseServerImpl::OnAlertsHeldUp(const absl::Status& status) {
  if (status.ok()) {
    spdlog::info("alerts are stored again");
  } else {
    spdlog::error("alerts wait, since they cannot be stored: {}", status.ToString());
  }
  {
    MutexLock lock(health_mutex_);
    alerts_held_up_ = !status.ok();
  }
  TellHealth();
}

void LapseServerImpl::NoticeStoppedState() {
  const absl::Status status = state_->stopped();
  if (!status.ok() && gate_.Check().ok()) FailIngest(status);
}

void LapseServerImpl::FailIngest(const absl::Status& status) {
  spdlog::critical(
      "no more events are taken until a restart, since they can no longer be judged: {}",
      status.ToString());
  gate_.Close(Unavailable("MATCHER_STOPPED",
                          "The server can no longer judge events and takes none until it is "
                          "restarted; its log says why",
                          limits::kMicrosPerMinute));
  TellHealth();
}

void LapseServerImpl::EndCalls() {
  {
    MutexLock lock(health_mutex_);
    draining_ = true;
  }
  TellHealth();
  // What still comes in over open connections is told to come again, until the shutdown cuts them.
  gate_.Close(
      Unavailable("DRAINING", "The server is stopping; connect again", limits::kMicrosPerSecond));
  hub_->Stop();
  subscribers_.DrainAll();
  ingest_streams_.DrainAll();
  // Answers every event that waits, so that the shutdown cuts none of them off.
  log_->Stop();
  // Beside the shutdown, which waits for test messages that only this ends.
  std::thread dispatcher_stop([this] { dispatcher_->Stop(); });
  server_->Shutdown(
      std::chrono::system_clock::time_point(std::chrono::microseconds(clock_.NowUs())) +
      kShutdownGrace);
  server_->Wait();
  dispatcher_stop.join();
  MutexLock lock(health_mutex_);
  serving_ = false;
}

void LapseServerImpl::Stop() {
  if (std::exchange(stopped_, true)) return;
  const int64_t until_us = clock_.SteadyUs() + limits::kStopUs;
  // First, since calls and the log may wait for a matcher that waits for a full disk.
  if (matcher_ != nullptr) matcher_->BeginStop();
  if (server_ != nullptr) EndCalls();
  housekeeper_.Stop();
  if (log_ != nullptr) log_->Stop();
  if (fan_out_ != nullptr) fan_out_->Stop();
  if (matcher_ != nullptr) matcher_->Stop();
  if (dispatcher_ != nullptr) dispatcher_->Stop();
  slow_executor_.Stop();
  fill_executor_.Stop();
  executor_.Stop();
  if (started_) SaveForTheNextStart(until_us);
}

void LapseServerImpl::SaveForTheNextStart(int64_t until_steady_us) {
  absl::Status window = absl::DeadlineExceededError("no time to save the duplicate window");
  if (clock_.SteadyUs() + window_save_us_ < until_steady_us) window = SaveWindow();
  for (const absl::Status& status : {types_->Save(), window}) {
    if (!status.ok()) spdlog::warn("the next start reads more of the log: {}", status.ToString());
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<LapseServer>> LapseServer::Start(const Options& options,
                                                                Clock& clock) {
  auto server = std::make_unique<LapseServerImpl>(options, clock);
  RETURN_IF_ERROR(server->Start());
  return server;
}

}  // namespace lapse::server
