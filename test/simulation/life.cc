#include "test/simulation/life.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "test/simulation/generator.h"
#include "test/simulation/judge.h"
#include "test/simulation/node.h"
#include "test/simulation/oracle.h"
#include "test/simulation/reference_log.h"
#include "test/simulation/requests.h"
#include "test/simulation/world.h"

namespace lapse::simulation {
namespace {

using limits::kMicrosPerSecond;
using Ending = World::Ending;

// 2026-01-01.
constexpr int64_t kBirthUs = 1'767'225'600 * kMicrosPerSecond;
constexpr int kMaxFailedStarts = 8;
// Past every deadline that is open, with its grace, the settle time and the catching up after it.
constexpr int64_t kDrainUs = 180 * kMicrosPerSecond;

class Life : private NodeObserver {
 public:
  explicit Life(const LifeOptions& options)
      : options_(options),
        world_(options.seed, kBirthUs),
        generator_(options.seed),
        dice_(generator_.dice()),
        log_(generator_.duplicate_window_events()),
        requests_(generator_, log_) {}

  LifeReport Run();

 private:
  absl::Status RunSteps();
  absl::Status Step();
  absl::Status Start();
  // Whether the node is up.
  absl::StatusOr<bool> TryStart(bool with_faults);
  absl::Status Restart();
  absl::Status EndProcess();
  absl::Status Drain();

  void SetFault();
  // Has the node do `work`, then deals with what became of it.
  absl::Status Do(std::function<void(Node&)> work);
  absl::Status AfterStep();
  absl::Status CheckHealth();
  absl::Status Send();
  absl::Status PassTime();
  absl::Status ToggleFull();
  absl::Status ChangeMonitor();
  absl::Status CloseAlert();

  absl::Status Judge();
  std::vector<std::string> LivingMonitors();

  void OnEntry(const storage::LogEntry& entry) override;
  void OnPublished(storage::FeedPosition last) override { feed_.NotePublished(last); }

  void Tell(const std::string& what);
  void TellLog() const;
  void Count(const std::string& what) { ++report_.counts[what]; }

  const LifeOptions options_;
  World world_;
  Generator generator_;
  Dice& dice_;
  ReferenceLog log_;
  Requests requests_;
  ReferenceFeed feed_;
  Oracle oracle_;
  // What a node said on its own threads that cannot be.
  absl::Status seen_;
  // Leaked where its process was killed.
  std::unique_ptr<Node> node_;
  bool fault_set_ = false;
  LifeReport report_;
};

void Life::Tell(const std::string& what) {
  if (!options_.verbose) return;
  std::fprintf(stderr, "%12.3f s  %s\n",
               static_cast<double>(world_.clock().NowUs() - kBirthUs) / 1e6, what.c_str());
}

// What was judged, a line each.
void Life::TellLog() const {
  for (int64_t position = 1; position <= log_.last_position(); ++position)
    std::fprintf(stderr, "%s\n", Describe(log_.entry(position)).c_str());
}

void Life::OnEntry(const storage::LogEntry& entry) { seen_.Update(log_.See(entry)); }

LifeReport Life::Run() {
  report_.status = RunSteps();
  if (options_.verbose && !report_.status.ok()) TellLog();
  report_.trace = world_.disk().trace() * 31 + static_cast<uint64_t>(world_.scheduler().switches());
  report_.counts["requests accepted"] = requests_.accepted();
  report_.counts["requests refused"] = requests_.refused();
  report_.counts["disk operations"] = world_.disk().operations();
  report_.counts["log entries"] = log_.last_position();
  report_.counts["events"] = log_.last_sequence();
  report_.counts["alerts"] = static_cast<int64_t>(feed_.alerts().size());
  return std::move(report_);
}

absl::Status Life::RunSteps() {
  RETURN_IF_ERROR(Start());
  for (int step = 0; step < options_.steps; ++step) RETURN_IF_ERROR(Step());
  return Drain();
}

absl::Status Life::Step() {
  switch (dice_.Below(32)) {
    case 0:
    case 1:
      SetFault();
      return absl::OkStatus();
    case 2:
      return Restart();
    case 3:
      return ToggleFull();
    case 4:
    case 5:
    case 6:
      return ChangeMonitor();
    case 7:
    case 8:
      return CloseAlert();
    case 9:
      Tell("checkpoint");
      return Do([](Node& node) { node.matcher().RequestCheckpoint(); });
    case 10:
      return fault_set_ ? absl::OkStatus() : Judge();
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
    case 17:
    case 18:
      return PassTime();
    default:
      return Send();
  }
}

// A crash or an error, some operations from now.
void Life::SetFault() {
  fault_set_ = true;
  const int64_t distance = dice_.Below(dice_.OneIn(3) ? 1'000 : 60);
  Tell(absl::StrCat("a fault is to come in ", distance, " operations"));
  switch (dice_.Below(6)) {
    case 0:
      return world_.disk().FailAfter(Operation::kWrite, distance);
    case 1:
      return world_.disk().FailAfter(Operation::kSync, distance / 4);
    case 2:
      return world_.disk().FailAfter(dice_.OneIn(2) ? Operation::kRead : Operation::kName,
                                     distance / 2);
    default:
      return world_.disk().CrashAfter(distance);
  }
}

absl::Status Life::Do(std::function<void(Node&)> work) {
  Node* const node = node_.get();
  const Ending ending = world_.Do([node, work = std::move(work)] { work(*node); });
  if (ending == Ending::kStuck) return absl::DeadlineExceededError("stuck: nothing moves any more");
  return AfterStep();
}

absl::Status Life::AfterStep() {
  RETURN_IF_ERROR(seen_);
  if (world_.died()) {
    Tell("the process has died");
    return Start();
  }
  return CheckHealth();
}

// What stops by itself must have had a reason, and is started again, as its operator would.
absl::Status Life::CheckHealth() {
  const absl::Status health = node_->Health();
  if (health.ok()) return absl::OkStatus();
  Tell(absl::StrCat("it has stopped: ", health.message()));
  if (!world_.disk().fault_hit()) return health;
  Count("stopped by an error");
  return Restart();
}

absl::Status Life::Send() {
  const int64_t batches = dice_.Between(1, 3);
  std::vector<Requests::BatchRef> sent;
  for (int64_t i = 0; i < batches; ++i) sent.push_back(requests_.NextBatch(world_.clock().NowUs()));
  Tell(absl::StrCat("send ", batches, " batches"));
  return Do([this, sent](Node& node) {
    for (const Requests::BatchRef& batch : sent) requests_.Send(batch, node);
  });
}

absl::Status Life::PassTime() {
  switch (dice_.Below(12)) {
    case 0:
      Count("jumps");
      Tell("the machine is suspended");
      world_.Jump(dice_.OneIn(3) ? dice_.Between(1, 7'200) * kMicrosPerSecond
                                 : dice_.Between(1, 90'000) * limits::kMicrosPerMilli);
      break;
    case 1: {
      Count("steps of the clock");
      const int64_t step_us = dice_.Between(-60'000, 60'000) * limits::kMicrosPerMilli;
      Tell(absl::StrCat("the clock steps by ", step_us, " us"));
      world_.StepWall(step_us);
      break;
    }
    default: {
      const int64_t us = dice_.OneIn(4) ? dice_.Between(1, 40) * kMicrosPerSecond
                                        : dice_.Between(1, 4'000) * limits::kMicrosPerMilli;
      Tell(absl::StrCat("pass ", us, " us"));
      world_.Pass(us);
    }
  }
  return AfterStep();
}

absl::Status Life::ToggleFull() {
  const bool full = !world_.disk().full();
  Tell(full ? "the disk is full" : "the disk has room");
  if (full) Count("full disks");
  world_.disk().SetFull(full);
  // While it is full, and after it, there is something to be written.
  for (int i = 0; i < 2; ++i) RETURN_IF_ERROR(Send());
  if (!full) return absl::OkStatus();
  if (dice_.OneIn(3)) return absl::OkStatus();
  world_.disk().SetFull(false);
  Tell("the disk has room");
  return Send();
}

absl::Status Life::ChangeMonitor() {
  Tell("change a monitor");
  Count("monitor changes");
  const Requests::MonitorRequest request = requests_.NextMonitorRequest();
  return Do([this, request](Node& node) { requests_.ChangeMonitor(request, node); });
}

absl::Status Life::CloseAlert() {
  const std::optional<lapse::internal::v1::ControlRecord> control = requests_.NextClose(feed_);
  if (!control.has_value()) return absl::OkStatus();
  Tell("close an alert");
  Count("closes");
  return Do([control](Node& node) {
    node.log().AppendControl(*control, [](absl::StatusOr<storage::LogPosition>) {}).IgnoreError();
  });
}

absl::Status Life::EndProcess() {
  if (world_.died()) {
    (void)node_.release();
    return absl::OkStatus();
  }
  if (node_ == nullptr) return absl::OkStatus();
  Node* const node = node_.release();
  if (dice_.OneIn(2)) {
    Tell("kill");
    return absl::OkStatus();
  }
  Tell("stop");
  const Ending ending = world_.Do([node] { delete node; });
  if (ending == Ending::kStuck) return absl::DeadlineExceededError("stuck in Stop");
  if (ending == Ending::kDone) Count("clean stops");
  return absl::OkStatus();
}

absl::Status Life::Restart() { return Start(); }

absl::Status Life::Start() {
  const bool crashed = world_.died();
  RETURN_IF_ERROR(EndProcess());
  const bool power = (crashed || world_.died()) ? !dice_.OneIn(3) : dice_.OneIn(4);
  for (int attempt = 0;; ++attempt) {
    if (power) {
      Count("power failures");
      world_.PowerOff();
    } else {
      world_.Kill();
    }
    requests_.OnCrash();
    fault_set_ = false;
    world_.disk().SetFull(false);
    ASSIGN_OR_RETURN(const bool up, TryStart(attempt < kMaxFailedStarts && dice_.OneIn(5)));
    if (up) return Judge();
  }
}

absl::StatusOr<bool> Life::TryStart(bool with_faults) {
  // Time goes on while a server is down.
  world_.Jump(dice_.OneIn(4) ? dice_.Between(0, 100) * kMicrosPerSecond : dice_.Below(1'000'000));
  const NodeOptions options = generator_.NextOptions();
  Tell(absl::StrCat("start with ", options.shard_count, " shards",
                    with_faults ? " and a fault to come" : ""));
  Count("starts");
  if (with_faults) SetFault();
  // Leaked where the process dies: a node that is gone is not destroyed.
  auto* const started = new absl::StatusOr<std::unique_ptr<Node>>;
  NodeObserver* const observer = this;
  const Ending ending = world_.Do([started, options, observer, this] {
    *started = Node::Start(options, world_.clock(), *observer);
  });
  if (ending == Ending::kStuck) return absl::DeadlineExceededError("stuck in Start");
  RETURN_IF_ERROR(seen_);
  if (ending == Ending::kDied) {
    Tell("the process has died at its start");
    Count("crashes at a start");
    return false;
  }
  if (started->ok()) {
    node_ = std::move(**started);
    return true;
  }
  Tell(absl::StrCat("it does not start: ", started->status().message()));
  if (!world_.disk().fault_hit()) return started->status();
  Count("failed starts");
  return false;
}

std::vector<std::string> Life::LivingMonitors() {
  std::vector<std::string> uids;
  for (const auto& [uid, monitor] : oracle_.monitors()) {
    if (monitor.in_force != 0) uids.push_back(uid);
  }
  return uids;
}

absl::Status Life::Judge() {
  if (world_.disk().full()) return absl::OkStatus();
  fault_set_ = false;
  world_.disk().CrashAfter(-1);
  world_.disk().FailAfter(Operation::kLook, -1);
  // What waits for a disk that was full until now is tried again.
  world_.Pass(3 * kMicrosPerSecond);
  while (world_.disk().syncing()) world_.Pass(limits::kMicrosPerMilli);
  RETURN_IF_ERROR(seen_);
  const absl::Status health = node_->Health();
  if (!health.ok()) return CheckHealth();
  // Monitors that are new since are in the log, and known once it has been read.
  for (int round = 0; round < 2; ++round) {
    const auto shown = std::make_shared<Shown>();
    Node* const node = node_.get();
    const std::vector<std::string> uids = LivingMonitors();
    if (world_.Do([this, shown, node, uids] { *shown = Ask(*node, uids, log_); }) != Ending::kDone)
      return absl::DeadlineExceededError("stuck: no answer");
    RETURN_IF_ERROR(shown->status);
    RETURN_IF_ERROR(seen_);
    if (shown->last_position != log_.last_position()) {
      return absl::DataLossError(absl::StrCat("the log ends at ", shown->last_position,
                                              "; it was durable up to ", log_.last_position()));
    }
    while (oracle_.position() < log_.last_position())
      oracle_.Apply(log_.entry(oracle_.position() + 1));
    if (round == 0) continue;
    RETURN_IF_ERROR(requests_.Check(oracle_));
    RETURN_IF_ERROR(feed_.See(shown->feed));
    RETURN_IF_ERROR(CompareMonitors(oracle_, *shown));
    RETURN_IF_ERROR(CompareAlerts(oracle_, feed_));
  }
  Count("judgements");
  return absl::OkStatus();
}

absl::Status Life::Drain() {
  world_.disk().SetFull(false);
  RETURN_IF_ERROR(Restart());
  // Deadlines pass though nothing comes any more.
  world_.Pass(kDrainUs);
  RETURN_IF_ERROR(AfterStep());
  RETURN_IF_ERROR(Judge());
  for (const auto& [uid, monitor] : oracle_.monitors()) {
    const Books books = Oracle::BooksOf(monitor);
    const auto pending = books.by_verdict.find(lapse::v1::VERDICT_PENDING);
    if (pending == books.by_verdict.end() || pending->second == 0) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        monitor.name, ": ", pending->second, " deadlines have not fired long after their time"));
  }
  return absl::OkStatus();
}

}  // namespace

LifeReport Live(const LifeOptions& options) {
  // Leaked, with what crashes took of it.
  Life* const life = new Life(options);
  return life->Run();
}

}  // namespace lapse::simulation
