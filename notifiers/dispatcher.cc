#include "notifiers/dispatcher.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/fingerprint.h"
#include "base/proto_time.h"
#include "spdlog/spdlog.h"

namespace lapse::notifiers {
namespace {

// How often to look again where deliveries are due that cannot be sent now, or the store cannot be
// read.
constexpr int64_t kLookAgainUs = limits::kMicrosPerSecond;

}  // namespace

Dispatcher::Dispatcher(storage::DeliveryStore& deliveries, storage::NotifierStore& notifiers,
                       Channels channels, Clock& clock, DispatcherOptions options)
    : channels_(std::move(channels)),
      context_{deliveries, notifiers, channels_, clock, stopping_, {}},
      options_(options) {}

Dispatcher::~Dispatcher() { Stop(); }

void Dispatcher::Start() {
  threads_.emplace_back([this] { RunScheduler(); });
  for (int i = 0; i < options_.workers; ++i) threads_.emplace_back([this] { RunWorker(); });
}

void Dispatcher::Wake() {
  MutexLock lock(mutex_);
  woken_ = true;
  schedule_cond_.notify_one();
}

void Dispatcher::Stop() {
  stopping_ = true;
  {
    MutexLock lock(mutex_);
    for (LaneSlot* slot : runnable_) slot->running = false;
    running_lanes_ -= static_cast<int>(runnable_.size());
    runnable_.clear();
    schedule_cond_.notify_all();
    work_cond_.notify_all();
    // Real time on purpose: what is under way is real whatever clock the deliveries go by.
    const int64_t cut_at_us = RealClock().SteadyUs() + options_.stop_grace_us;
    while (running_lanes_ > 0 && RealClock().SteadyUs() < cut_at_us) {
      RealClock().WaitUntil(lock, idle_cond_, RealClock().NowUs() + options_.stop_grace_us);
    }
  }
  for (auto& [kind, channel] : channels_) channel->Cancel();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

lapse::v1::DeliveryTry Dispatcher::SendTest(const lapse::v1::Notifier& notifier) {
  const int64_t start_us = context_.clock.NowUs();
  Message message;
  message.kind = Message::Kind::kTest;
  message.create_time_us = start_us;
  message.idempotency_key =
      FingerprintOf(0, {"test", notifier.name(), absl::StrCat(start_us)}).ToHex();
  const SendResult result = SendThrough(channels_, message, notifier);
  return TryOf(result, start_us, context_.clock.NowUs());
}

DispatcherMetrics Dispatcher::Metrics() const {
  const LaneCounters& counters = context_.counters;
  return {counters.sent.load(), counters.failed_tries.load(), counters.dead.load()};
}

void Dispatcher::RunScheduler() {
  MutexLock lock(mutex_);
  while (!stopping_.load()) {
    woken_ = false;
    const int64_t look_again_us = Schedule(lock);
    if (woken_ || stopping_.load()) continue;
    context_.clock.WaitUntil(lock, schedule_cond_, look_again_us);
  }
}

int64_t Dispatcher::Schedule(MutexLock& lock) {
  lock.unlock();
  const int64_t now_us = context_.clock.NowUs();
  const absl::StatusOr<std::vector<std::string>> due =
      context_.deliveries.ListNotifiersWithDue(now_us);
  const absl::StatusOr<int64_t> next_us = context_.deliveries.NextTryTimeUs();
  lock.lock();
  if (!due.ok() || !next_us.ok()) {
    spdlog::error("deliveries cannot be read: {}",
                  (due.ok() ? next_us.status() : due.status()).ToString());
    return now_us + kLookAgainUs;
  }
  const int64_t lane_us = StartLanes(*due, now_us);
  DropIdleLanes(*due);
  // A next try in the past is one of a lane that runs or waits; those ahead are hidden behind it.
  return std::min(lane_us, *next_us > now_us ? *next_us : now_us + kLookAgainUs);
}

int64_t Dispatcher::StartLanes(const std::vector<std::string>& notifier_names, int64_t now_us) {
  int64_t look_again_us = INT64_MAX;
  for (const std::string& name : notifier_names) {
    LaneSlot& slot = lanes_.try_emplace(name, name, context_).first->second;
    if (slot.running) continue;
    if (slot.not_before_us > now_us) {
      look_again_us = std::min(look_again_us, slot.not_before_us);
      continue;
    }
    slot.running = true;
    ++running_lanes_;
    runnable_.push_back(&slot);
    work_cond_.notify_one();
  }
  return look_again_us;
}

void Dispatcher::DropIdleLanes(const std::vector<std::string>& due) {
  // What a lane knows beyond the store is worth keeping while it costs little.
  if (lanes_.size() <= limits::kMaxNotifiers) return;
  for (auto it = lanes_.begin(); it != lanes_.end();) {
    const bool idle =
        !it->second.running && std::find(due.begin(), due.end(), it->first) == due.end();
    it = idle ? lanes_.erase(it) : std::next(it);
  }
}

void Dispatcher::RunWorker() {
  MutexLock lock(mutex_);
  while (true) {
    while (runnable_.empty() && !stopping_.load()) work_cond_.wait(lock);
    if (stopping_.load()) return;
    LaneSlot* const slot = runnable_.front();
    runnable_.pop_front();
    lock.unlock();
    const int64_t not_before_us = slot->lane.Run();
    lock.lock();
    slot->not_before_us = not_before_us;
    slot->running = false;
    --running_lanes_;
    woken_ = true;
    schedule_cond_.notify_one();
    idle_cond_.notify_all();
  }
}

}  // namespace lapse::notifiers
