// Measures the event log's files without a server: appends the workload's own messages as fast as
// one thread can, waits until they are sealed, and asks for timelines of random keys. Prints
// figures.
//
//   log_bench FOLDER [--events N] [--ids uuid4|uuid7|short] [--shape orders|payments|drivers]

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "bench/workload/generator.h"
#include "bench/workload/random.h"
#include "storage/event_batch.h"
#include "storage/sqlite/chunk_store.h"
#include "storage/sqlite/sealed_file.h"

namespace lapse::bench {
namespace {

using lapse::v1::Event;
using storage::SqliteChunkStore;

namespace fs = std::filesystem;

struct BenchOptions {
  std::string folder;
  int64_t events = 10'000'000;
  int64_t pool_events = 200'000;
  int64_t batch_events = 1'000;
  int timelines = 300;
  int64_t file_mb = limits::kLogFileBytes >> 20;
  std::string ids = "uuid4";
  std::string shape = "orders";
  int64_t events_per_second = 0;
  bool existing = false;
};

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  std::exit(1);
}

class Percentiles {
 public:
  void Add(int64_t value_us) { values_us_.push_back(value_us); }
  void Print(const char* name) {
    std::sort(values_us_.begin(), values_us_.end());
    if (values_us_.empty()) return;
    std::printf("%s: p50 %.2f, p99 %.2f, max %.2f ms\n", name, At(0.5), At(0.99), At(1.0));
  }

 private:
  double At(double rank) const {
    const auto index = static_cast<size_t>(rank * static_cast<double>(values_us_.size() - 1));
    return static_cast<double>(values_us_[index]) / 1'000;
  }

  std::vector<int64_t> values_us_;
};

// The workload's events over and over, each time with keys, ids and times of its own.
class EventSource {
 public:
  explicit EventSource(const BenchOptions& options) : ids_(options.ids), random_(1) {
    WorkloadOptions workload_options;
    const auto shape = ParseShape(options.shape);
    Check(shape.status());
    workload_options.shape = *shape;
    workload_options.event_count = options.pool_events;
    workload_options.duplicate_rate = 0;
    // As many a second as one server is fed with.
    workload_options.duration_us =
        std::max<int64_t>(limits::kMicrosPerMinute, options.pool_events * 100);
    workload_ = GenerateWorkload(workload_options);
    key_attribute_ = *shape == Shape::kPayments ? "payment_id" : "order_id";
    for (const int64_t key : workload_.key_numbers) keys_ = std::max(keys_, key + 1);
    length_us_ = workload_.end_time_us - workload_options.start_time_us;
  }

  Event Next() {
    const size_t place = next_++ % workload_.arrivals.size();
    const auto round = static_cast<int64_t>((next_ - 1) / workload_.arrivals.size());
    const auto index = static_cast<size_t>(workload_.arrivals[place].event);
    Event event = workload_.events[index];
    const int64_t time_us = ToMicros(event.occur_time()) + round * length_us_;
    SetTimestamp(time_us, event.mutable_occur_time());
    event.set_id(NewId(time_us));
    const auto key = event.mutable_attributes()->find(key_attribute_);
    if (key != event.mutable_attributes()->end())
      SetKey(workload_.key_numbers[index] + round * keys_, &key->second);
    return event;
  }

  const std::string& key_attribute() const { return key_attribute_; }
  // That some event has.
  std::string RandomKey() {
    lapse::v1::Value value;
    const size_t events = std::min(next_, workload_.events.size());
    const int64_t rounds =
        std::max<int64_t>(1, static_cast<int64_t>(next_ / workload_.arrivals.size()));
    const auto round = static_cast<int64_t>(random_.Next() % static_cast<uint64_t>(rounds));
    const size_t index = random_.Next() % events;
    const auto& attributes = workload_.events[index].attributes();
    // One in a thousand has none.
    if (attributes.find(key_attribute_) == attributes.end()) return RandomKey();
    value = attributes.at(key_attribute_);
    SetKey(workload_.key_numbers[index] + round * keys_, &value);
    return value.has_string_value() ? value.string_value() : absl::StrCat(value.int64_value());
  }
  void Skip(int64_t events) { next_ += static_cast<size_t>(events); }

 private:
  std::string NewId(int64_t time_us) {
    if (ids_ == "short") return absl::StrFormat("%010d", next_);
    std::string id = random_.Uuid();
    if (ids_ == "uuid7") {
      const auto time_ms = static_cast<uint64_t>(time_us / 1'000);
      id = absl::StrFormat("%08x-%04x-7", time_ms >> 16, time_ms & 0xffff) + id.substr(15);
    }
    return id;
  }

  static void SetKey(int64_t number, lapse::v1::Value* value) {
    if (value->has_int64_value()) return value->set_int64_value(7'000'000 + number);
    const std::string& text = value->string_value();
    if (text.rfind("pay_", 0) == 0)
      return value->set_string_value(absl::StrFormat("pay_%08d", number));
    value->set_string_value(absl::StrFormat("A-%d", number));
  }

  const std::string ids_;
  Random random_;
  Workload workload_;
  std::string key_attribute_;
  int64_t keys_ = 0;
  int64_t length_us_ = 0;
  size_t next_ = 0;
};

storage::LogEntry MakeEntry(const SqliteChunkStore& store, EventSource& source, int64_t events) {
  storage::LogEntry entry;
  entry.position = store.LastPosition() + 1;
  entry.first_sequence = store.NextSequence();
  google::protobuf::RepeatedPtrField<Event> made;
  for (int64_t i = 0; i < events; ++i) *made.Add() = source.Next();
  entry.owned.push_back(storage::EventBatch::Of(made));
  entry.write_time_us = entry.mark_time_us = RealClock().NowUs();
  int64_t sequence = entry.first_sequence;
  for (const storage::EventView& event : entry.owned.back().events()) {
    entry.events.push_back({&event, sequence++, entry.write_time_us,
                            storage::JudgedTimeUs(event, entry.write_time_us)});
  }
  return entry;
}

int64_t BytesOf(const std::string& folder, const std::string& extension) {
  int64_t bytes = 0;
  for (const auto& item : fs::directory_iterator(folder + "/log")) {
    if (item.path().extension() == extension) bytes += static_cast<int64_t>(item.file_size());
  }
  return bytes;
}

void Append(const BenchOptions& options, EventSource& source, SqliteChunkStore& store) {
  Percentiles appends;
  int64_t append_us = 0;
  Mutex mutex;
  CondVar never;
  const int64_t begin_us = RealClock().NowUs();
  for (int64_t done = 0; done < options.events; done += options.batch_events) {
    if (options.events_per_second > 0) {
      MutexLock lock(mutex);
      const int64_t due_us = begin_us + done * limits::kMicrosPerSecond / options.events_per_second;
      while (RealClock().NowUs() < due_us) RealClock().WaitUntil(lock, never, due_us);
    }
    const storage::LogEntry entry = MakeEntry(store, source, options.batch_events);
    const int64_t start_us = RealClock().SteadyUs();
    Check(store.Append(entry));
    const int64_t took_us = RealClock().SteadyUs() - start_us;
    appends.Add(took_us);
    append_us += took_us;
  }
  std::printf("appended %lld events in batches of %lld: %.0f a second of append time\n",
              static_cast<long long>(options.events), static_cast<long long>(options.batch_events),
              static_cast<double>(options.events) * 1e6 / static_cast<double>(append_us));
  appends.Print("append");
  std::printf("waiting to be sealed: %d files\n", store.UnsealedFiles());
}

void ForgetPages(const std::string& folder) {
  for (const auto& item : fs::directory_iterator(folder + "/log")) {
    const int fd = ::open(item.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
  }
}

void Timelines(const BenchOptions& options, EventSource& source, const SqliteChunkStore& store,
               bool cold) {
  Percentiles times;
  int64_t events = 0;
  for (int i = 0; i < options.timelines; ++i) {
    const std::string key = source.RandomKey();
    const auto matches = [](const Event&) { return true; };
    if (cold) ForgetPages(options.folder);
    const int64_t start_us = RealClock().SteadyUs();
    const auto page =
        store.List({.matches = matches, .attribute_equals = {{source.key_attribute(), key}}});
    times.Add(RealClock().SteadyUs() - start_us);
    Check(page.status());
    events += static_cast<int64_t>(page->events.size());
  }
  times.Print(cold ? "timeline, cold" : "timeline, warm");
  std::printf("events a timeline: %.2f\n",
              static_cast<double>(events) / static_cast<double>(options.timelines));
}

int Main(int argc, char** argv) {
  BenchOptions options;
  CLI::App app{"Measures the event log's files"};
  app.add_option("folder", options.folder, "Where to make them")->required();
  app.add_option("--events", options.events);
  app.add_option("--pool", options.pool_events);
  app.add_option("--batch", options.batch_events);
  app.add_option("--file-mb", options.file_mb);
  app.add_option("--timelines", options.timelines);
  app.add_option("--ids", options.ids);
  app.add_option("--shape", options.shape);
  app.add_option("--rate", options.events_per_second);
  app.add_flag("--existing", options.existing, "Ask the timelines of a folder made before");
  CLI11_PARSE(app, argc, argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  fs::create_directories(options.folder);
  EventSource source(options);
  const int64_t open_us = RealClock().SteadyUs();
  auto store =
      SqliteChunkStore::Open({.folder = options.folder, .file_bytes = options.file_mb << 20});
  Check(store.status());
  std::printf("opened in %.1f ms\n", static_cast<double>(RealClock().SteadyUs() - open_us) / 1'000);
  (*store)->SetIndexedAttributes({source.key_attribute()});
  if (options.existing) {
    source.Skip(options.events);
  } else {
    Append(options, source, **store);
  }
  const int64_t seal_us = RealClock().SteadyUs();
  (*store)->AwaitMaintenance();
  std::printf("sealed after %.1f s more\n",
              static_cast<double>(RealClock().SteadyUs() - seal_us) / 1e6);
  int64_t sealed_events = 0;
  for (const auto& item : fs::directory_iterator(options.folder + "/log")) {
    if (item.path().extension() != ".sealed") continue;
    const auto file = storage::SealedFile::Open(item.path());
    Check(file.status());
    sealed_events += (*file)->summary().next_sequence - (*file)->summary().first_sequence;
  }
  std::printf("sealed: %.2f bytes an event, of %lld events (%s)\n",
              static_cast<double>(BytesOf(options.folder, ".sealed")) /
                  static_cast<double>(std::max<int64_t>(1, sealed_events)),
              static_cast<long long>(sealed_events), options.ids.c_str());
  Timelines(options, source, **store, /*cold=*/false);
  Timelines(options, source, **store, /*cold=*/true);
  return 0;
}

}  // namespace
}  // namespace lapse::bench

int main(int argc, char** argv) { return lapse::bench::Main(argc, argv); }
