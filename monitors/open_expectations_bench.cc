// What open expectations cost: opens very many through one shard's code, as the log would, and
// prints memory, time an event, checkpoint, restore and firing.
//
//   open_expectations_bench [expectations, 10,000,000 by default]
#include <sys/resource.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "monitors/shard.h"
#include "monitors/shard_router.h"
#include "storage/event_batch.h"

namespace lapse::monitors {
namespace {

constexpr uint64_t kSeed = 7;
constexpr int kBatch = 1'000;
constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kEpoch = 1'700'000'000 * kSecond;
// 300,000 events a second.
constexpr int64_t kBatchUs = 3'333;

int64_t StatusBytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(name, 0) == 0) return std::atoll(line.c_str() + name.size() + 1) * 1'024;
  }
  return 0;
}

// The processor's time alone: the machine may have other work.
int64_t CpuUs() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  const auto micros = [](const timeval& time) { return time.tv_sec * kSecond + time.tv_usec; };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

class CountingSink : public ShardSink {
 public:
  void OnAlert(storage::AlertWrite) override { ++count; }
  int64_t count = 0;
};

lapse::v1::Monitor OrderMonitor() {
  lapse::v1::Monitor monitor;
  monitor.set_name("monitors/orders-whole");
  monitor.set_uid("0d4f0a2e-3c58-4b7e-9b1a-5f4e8f3e2d1c");
  monitor.set_revision(1);
  lapse::v1::FollowUp& rules = *monitor.mutable_follow_up();
  rules.mutable_primary()->set_event_type("order_created");
  rules.mutable_primary()->set_key_attribute("order_id");
  rules.mutable_secondary()->set_event_type("order_delivered");
  rules.mutable_secondary()->set_key_attribute("order_id");
  rules.mutable_within()->set_seconds(3'600);
  return monitor;
}

class Bench {
 public:
  explicit Bench(int64_t count) : count_(count) {
    lapse::internal::v1::MonitorChange change;
    change.set_action(lapse::internal::v1::MonitorChange::ACTION_CREATE);
    *change.mutable_monitor() = OrderMonitor();
    update_ = *monitors_.Apply(change, 1);
    revision_ = monitors_.WatchersOf("order_created")[0].revision;
    for (int i = 0; i < kBatch; ++i) *events_.Add() = MakeOrder();
    NewShard();
  }

  void Run() {
    const int64_t before = StatusBytes("VmRSS:");
    Report("open, a primary each", Feed("order_created", Role::kPrimary, 0, count_));
    std::printf("resident bytes an open expectation     %8.1f (peak %.1f)\n",
                static_cast<double>(StatusBytes("VmRSS:") - before) / static_cast<double>(count_),
                static_cast<double>(StatusBytes("VmHWM:") - before) / static_cast<double>(count_));
    Checkpoint();
    Report("meet a tenth, a secondary each",
           Feed("order_delivered", Role::kSecondary, 0, count_ / 10));
    Report("open as many anew", Feed("order_created", Role::kPrimary, count_, count_ / 10));
    Fire();
  }

 private:
  void NewShard() {
    shard_ = std::make_unique<Shard>(kSeed, 0, 1, sink_);
    shard_->RestoreStart(0, 0, {5 * kSecond, 3'600 * kSecond});
    shard_->RestoreMonitor(update_);
  }

  static lapse::v1::Event MakeOrder() {
    lapse::v1::Event event;
    event.set_source("checkout-1");
    (*event.mutable_attributes())["city"].set_string_value("Montréal");
    (*event.mutable_attributes())["store_code"].set_string_value("S0123");
    (*event.mutable_attributes())["order_value"].set_double_value(123.45);
    (*event.mutable_attributes())["promised_eta"].set_int64_value(45);
    (*event.mutable_attributes())["express"].set_bool_value(true);
    return event;
  }

  // Sixteen bytes.
  static std::string KeyText(int64_t number) {
    char text[32];
    std::snprintf(text, sizeof(text), "order-%04" PRId64 "x%05" PRId64, number / 100'000,
                  number % 100'000);
    return text;
  }

  void Dress(int64_t number, const std::string& type, lapse::v1::Event& event) {
    random_ = random_ * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
    const uint64_t other = random_ * 0x9e3779b97f4a7c15;
    char id[40];
    std::snprintf(id, sizeof(id), "%08x-%04x-4%03x-a%03x-%012" PRIx64,
                  static_cast<uint32_t>(random_ >> 32), static_cast<uint32_t>(random_) & 0xffff,
                  static_cast<uint32_t>(other) & 0xfff, static_cast<uint32_t>(other >> 12) & 0xfff,
                  other >> 16);
    event.set_id(id);
    event.set_type(type);
    event.mutable_occur_time()->set_seconds(now_us_ / kSecond);
    event.mutable_occur_time()->set_nanos(static_cast<int32_t>(now_us_ % kSecond) * 1'000);
    (*event.mutable_attributes())["order_value"].set_double_value(
        static_cast<double>(random_ >> 48) / 100);
    (*event.mutable_attributes())["order_id"].set_string_value(KeyText(number));
  }

  // Returns the nanoseconds an event, without making it.
  double Feed(const std::string& type, Role role, int64_t first, int64_t count) {
    int64_t spent_us = 0;
    for (int64_t done = 0; done < count; done += kBatch) {
      std::vector<storage::AcceptedEvent> accepted(kBatch);
      RoutedEntry entry = NewEntry();
      for (int i = 0; i < kBatch; ++i) {
        Dress(first + done + i, type, *events_.Mutable(i));
      }
      const auto batch = storage::EventBatch::Of(events_);
      for (int i = 0; i < kBatch; ++i) {
        accepted[i] = {&batch.events()[i], ++sequence_, now_us_ + 1'000, now_us_};
        const std::string key = KeyText(first + done + i);
        entry.events.push_back(RoutedEvent{revision_->KeyFingerprint(kSeed, key), key, revision_,
                                           true, role, &accepted[i]});
      }
      const int64_t begin_us = CpuUs();
      shard_->Apply(entry);
      spent_us += CpuUs() - begin_us;
    }
    return 1e3 * static_cast<double>(spent_us) / static_cast<double>(count);
  }

  RoutedEntry NewEntry() {
    now_us_ += kBatchUs;
    RoutedEntry entry;
    entry.position = ++position_;
    entry.write_time_us = entry.mark_time_us = now_us_ + 2'000;
    entry.controls = std::make_shared<std::vector<RoutedControl>>();
    return entry;
  }

  void Checkpoint() {
    std::vector<std::string> states;
    size_t bytes = 0;
    const int64_t begin_us = CpuUs();
    for (int slot = 0; slot < shard_->partition_count(); ++slot) {
      states.push_back(shard_->partition_at(slot).Serialize());
      bytes += states.back().size();
    }
    const int64_t saved_us = CpuUs();
    shard_.reset();
    NewShard();
    const int64_t restore_us = CpuUs();
    for (int partition = 0; partition < limits::kPartitionCount; ++partition) {
      auto parsed = Partition::Parse(states[partition], kSeed, 0, [this](const auto&, int64_t) {
        return absl::StatusOr<const CompiledMonitor*>(revision_);
      });
      if (!parsed.ok()) std::abort();
      shard_->RestorePartition(partition, *std::move(parsed));
      states[partition] = std::string();
    }
    const int64_t restored_us = CpuUs();
    std::printf("checkpoint, all partitions             %8.2f s, %.1f bytes an expectation\n",
                1e-6 * static_cast<double>(saved_us - begin_us),
                static_cast<double>(bytes) / static_cast<double>(count_));
    std::printf("restore on one thread                  %8.2f s\n",
                1e-6 * static_cast<double>(restored_us - restore_us));
  }

  void Fire() {
    const int64_t begin_us = CpuUs();
    now_us_ += 3'600 * kSecond;
    shard_->Apply(NewEntry());
    const double seconds = 1e-6 * static_cast<double>(CpuUs() - begin_us);
    std::printf("fire %" PRId64 " at one mark            %8.2f s, %.0f ns each\n", sink_.count,
                seconds, 1e9 * seconds / static_cast<double>(sink_.count));
  }

  static void Report(const char* what, double nanos) {
    std::printf("%-38s %8.0f ns\n", what, nanos);
  }

  const int64_t count_;
  MonitorSet monitors_;
  MonitorUpdate update_;
  const CompiledMonitor* revision_ = nullptr;
  CountingSink sink_;
  std::unique_ptr<Shard> shard_;
  google::protobuf::RepeatedPtrField<lapse::v1::Event> events_;
  int64_t now_us_ = kEpoch;
  int64_t sequence_ = 0;
  storage::LogPosition position_ = 1;
  uint64_t random_ = 1;
};

}  // namespace
}  // namespace lapse::monitors

int main(int argc, char** argv) {
  lapse::monitors::Bench(argc > 1 ? std::atoll(argv[1]) : 10'000'000).Run();
  return 0;
}
