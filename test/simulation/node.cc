#include "test/simulation/node.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "monitors/recovery.h"

namespace lapse::simulation {
namespace {

// As in server/lapse_server.cc.
constexpr storage::LogPosition kReadBackEntries = 1'000;

}  // namespace

class Node::FanOut : public storage::LogFollower {
 public:
  explicit FanOut(Node& node) : node_(node) {}

  void OnEntry(std::shared_ptr<const storage::LogEntry> entry) override {
    node_.observer_.OnEntry(*entry);
    node_.types_->Count(*entry);
    node_.matcher_->OnEntry(std::move(entry));
  }

 private:
  Node& node_;
};

Node::Node(const NodeOptions& options, Clock& clock, NodeObserver& observer)
    : options_(options), clock_(clock), observer_(observer), housekeeper_(clock) {}

Node::~Node() { Stop(); }

absl::StatusOr<std::unique_ptr<Node>> Node::Start(const NodeOptions& options, Clock& clock,
                                                  NodeObserver& observer) {
  std::unique_ptr<Node> node(new Node(options, clock, observer));
  RETURN_IF_ERROR(node->Open());
  RETURN_IF_ERROR(node->Recover());
  RETURN_IF_ERROR(node->Serve());
  return node;
}

absl::Status Node::Open() {
  ASSIGN_OR_RETURN(folder_, storage::DataFolder::Open(options_.folder));
  const std::string state_path = absl::StrCat(options_.folder, "/state.db");
  std::error_code missing;
  const bool had_state = std::filesystem::file_size(state_path, missing) > 0 && !missing;
  ASSIGN_OR_RETURN(state_, storage::SqliteStateStore::Open(state_path));
  storage::SqliteChunkStoreOptions chunk_options;
  chunk_options.folder = options_.folder;
  chunk_options.file_bytes = options_.log_file_bytes;
  ASSIGN_OR_RETURN(chunks_, storage::SqliteChunkStore::Open(chunk_options));
  if (!had_state && chunks_->LastPosition() > 0)
    return absl::DataLossError("state.db is gone, and the event log beside it is not");
  ASSIGN_OR_RETURN(checkpoints_, storage::FileCheckpointStore::Open(
                                     absl::StrCat(options_.folder, "/checkpoints")));
  storage::EventLogOptions log_options;
  log_options.settle_us = options_.settle_us;
  log_options.idle_key_retention_us = options_.idle_key_retention_us;
  log_options.duplicate_window_events = options_.duplicate_window_events;
  log_options.duplicate_window_path = absl::StrCat(options_.folder, "/duplicates");
  ASSIGN_OR_RETURN(log_, storage::EventLog::Open(log_options, *chunks_, clock_));
  return absl::OkStatus();
}

absl::Status Node::Recover() {
  catalog_ = std::make_unique<server::MonitorCatalog>(*log_, *state_, *state_, clock_);
  types_ = std::make_unique<server::EventTypes>(*state_);
  RETURN_IF_ERROR(types_->Load());
  RETURN_IF_ERROR(ReadBack());
  RETURN_IF_ERROR(catalog_->Load());
  chunks_->SetIndexedAttributes({"order"});
  monitors::MatcherOptions matcher_options;
  matcher_options.shard_count = options_.shard_count;
  matcher_options.checkpoint_interval_us = options_.checkpoint_interval_us;
  const monitors::MatcherDeps deps{.alerts = *state_,
                                   .monitors = *state_,
                                   .checkpoints = *checkpoints_,
                                   .clock = clock_,
                                   .listener = *this,
                                   .seed = chunks_->Seed()};
  ASSIGN_OR_RETURN(matcher_, monitors::RecoverMatcher(matcher_options, deps, *chunks_));
  fan_out_ = std::make_unique<FanOut>(*this);
  return absl::OkStatus();
}

absl::Status Node::ReadBack() {
  const storage::LogPosition from = types_->SavedPosition() + 1 - kReadBackEntries;
  return chunks_->Read(std::max(from, chunks_->FirstPosition()),
                       [this](const storage::LogEntry& entry) {
                         observer_.OnEntry(entry);
                         types_->Count(entry);
                         return catalog_->RecordLogged(entry);
                       });
}

absl::Status Node::Serve() {
  started_ = true;
  matcher_->Start(*log_);
  RETURN_IF_ERROR(log_->Start(*fan_out_));
  KeepHouse();
  return absl::OkStatus();
}

void Node::KeepHouse() {
  housekeeper_.Every("monitor changes", limits::kMicrosPerSecond,
                     [this] { return catalog_->RecordPendingChanges(); });
  housekeeper_.Every("event types", options_.save_interval_us, [this]() -> absl::Status {
    RETURN_IF_ERROR(catalog_->RecordPendingChanges());
    return types_->Save();
  });
  housekeeper_.Every("duplicate window", options_.save_interval_us,
                     [this] { return log_->SaveDuplicateWindow(); });
  housekeeper_.Every("retention", options_.retire_interval_us, [this] { return Retire(); });
  housekeeper_.Start();
}

absl::Status Node::Retire() {
  const storage::LogPosition needed_after = std::min(checkpointed_.load(), types_->SavedPosition());
  return chunks_->Retire(needed_after + 1, clock_.NowUs() - options_.event_retention_us);
}

absl::Status Node::Append(const google::protobuf::RepeatedPtrField<lapse::v1::Event>& events,
                          storage::EventLog::AppendCallback done) {
  RETURN_IF_ERROR(gate_.Check());
  return log_->Append(storage::EventBatch::Of(events), std::move(done));
}

absl::Status Node::Health() const {
  RETURN_IF_ERROR(gate_.Check());
  return log_->Metrics().stopped ? absl::UnavailableError("the log has stopped") : absl::OkStatus();
}

void Node::Stop() {
  if (!std::exchange(started_, false)) return;
  matcher_->BeginStop();
  housekeeper_.Stop();
  log_->Stop();
  matcher_->Stop();
  // A failure has the next start read more of the log.
  types_->Save().IgnoreError();
  log_->SaveDuplicateWindow().IgnoreError();
}

}  // namespace lapse::simulation
