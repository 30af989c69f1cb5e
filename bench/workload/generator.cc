#include "bench/workload/generator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "bench/workload/arrivals.h"
#include "bench/workload/random.h"
#include "bench/workload/shapes.h"

namespace lapse::bench {
namespace {

constexpr int64_t kMaxWorkloadEvents = 10'000'000;
constexpr double kMaxTimeScale = 1'000;
constexpr int kMaxJourneysPerKey = 4;
// Chances that a step falls exactly on a rule's edge, and that it comes so soon after the one
// before that the two can arrive in the other order.
constexpr double kTieChance = 0.01;
constexpr double kExactlyDueChance = 0.01;
constexpr double kQuickChance = 0.2;
// Those of the monitors.
constexpr std::array<int64_t, 2> kClockSkews = {limits::kMicrosPerSecond,
                                                3 * limits::kMicrosPerSecond};

int64_t Part(int64_t duration_us, double part) {
  return std::llround(static_cast<double>(duration_us) * part);
}

// Writes the journeys of one key after the other into a workload.
class JourneyWriter {
 public:
  JourneyWriter(const ShapeSpec& shape, Random& random, Workload& workload)
      : shape_(shape), options_(workload.options), random_(random), workload_(workload) {}

  void WriteKey();
  void WriteHotKey();

 private:
  // Where a further journey of the same key starts.
  int64_t NextStart(int64_t start_us, int64_t end_us);
  // Returns the time of its last step.
  int64_t WriteJourney(int64_t start_us);
  int64_t StepTime(const Step& step, int64_t previous_us);
  int64_t SkewedTime(int64_t previous_us);
  void WriteCancel(size_t after_step, int64_t step_us);
  void Write(const Step& step, int64_t time_us);

  int64_t Scaled(int64_t duration_us) { return ScaleDuration(duration_us, options_.time_scale); }

  const ShapeSpec& shape_;
  const WorkloadOptions& options_;
  Random& random_;
  Workload& workload_;
  int64_t key_number_ = -1;
  Attributes attributes_;
};

void JourneyWriter::WriteKey() {
  key_number_ = workload_.counts.keys++;
  int64_t start_us =
      options_.start_time_us + random_.Between(0, std::max<int64_t>(0, options_.duration_us - 1));
  int64_t end_us = WriteJourney(start_us);
  for (int i = 1; i < kMaxJourneysPerKey && random_.Chance(options_.key_reuse_rate); ++i) {
    ++workload_.counts.reused_journeys;
    start_us = NextStart(start_us, end_us);
    end_us = std::max(end_us, WriteJourney(start_us));
  }
}

void JourneyWriter::WriteHotKey() {
  key_number_ = workload_.counts.keys++;
  attributes_ = shape_.make_attributes(random_);
  const int64_t start_us = options_.start_time_us + options_.duration_us / 2;
  const int64_t within_us = shape_.steps[1].within_us;
  for (int64_t i = 0; i < options_.hot_key_primaries; ++i) {
    Write(shape_.steps[0], start_us + random_.Between(0, within_us / 2));
  }
  for (int64_t i = 0; i < options_.hot_key_primaries / 4; ++i) {
    Write(shape_.steps[1], start_us + random_.Between(within_us / 2, 2 * within_us));
  }
  Write(shape_.cancel, start_us + 3 * within_us);
}

int64_t JourneyWriter::NextStart(int64_t start_us, int64_t end_us) {
  const int64_t within_us = shape_.steps[1].within_us;
  if (random_.Chance(0.5)) return end_us + random_.Between(0, 2 * within_us);
  if (random_.Chance(0.1)) return start_us;
  return start_us + random_.Between(1, within_us);
}

int64_t JourneyWriter::WriteJourney(int64_t start_us) {
  ++workload_.counts.journeys;
  attributes_ = shape_.make_attributes(random_);
  size_t cancel_after = shape_.steps.size();
  if (random_.Chance(options_.cancelled_rate)) {
    ++workload_.counts.cancelled_journeys;
    cancel_after = random_.Next() % shape_.steps.size();
  }
  int64_t last_us = start_us;
  for (size_t i = 0; i < shape_.steps.size(); ++i) {
    const int64_t time_us = i == 0 ? start_us : StepTime(shape_.steps[i], last_us);
    Write(shape_.steps[i], time_us);
    last_us = std::max(last_us, time_us);
    if (i != cancel_after) continue;
    WriteCancel(i, last_us);
    if (random_.Chance(0.5)) break;
  }
  return last_us;
}

int64_t JourneyWriter::StepTime(const Step& step, int64_t previous_us) {
  ++workload_.counts.hops;
  if (random_.Chance(options_.late_rate)) {
    ++workload_.counts.late;
    return previous_us + step.within_us +
           (random_.Chance(0.1) ? 1 : random_.Between(1, 2 * step.within_us));
  }
  if (random_.Chance(options_.skewed_rate)) {
    ++workload_.counts.skewed;
    return SkewedTime(previous_us);
  }
  if (random_.Chance(kTieChance)) return previous_us;
  if (random_.Chance(kExactlyDueChance)) return previous_us + step.within_us;
  if (random_.Chance(kQuickChance)) {
    const int64_t quick_us = std::min(step.within_us, Scaled(kWorkloadDisorderUs));
    return previous_us + (random_.Chance(0.1) ? quick_us : random_.Between(0, quick_us));
  }
  return previous_us + random_.Between(Part(step.within_us, 0.05), Part(step.within_us, 0.7));
}

int64_t JourneyWriter::SkewedTime(int64_t previous_us) {
  const int64_t skew_us = Scaled(random_.Pick(kClockSkews));
  if (random_.Chance(0.1)) return previous_us - skew_us;
  if (random_.Chance(0.1)) return previous_us - skew_us - 1;
  return previous_us - random_.Between(1, 2 * skew_us);
}

void JourneyWriter::WriteCancel(size_t after_step, int64_t step_us) {
  const size_t next = std::min(after_step + 1, shape_.steps.size() - 1);
  const int64_t within_us = shape_.steps[next].within_us;
  int64_t after_us = random_.Between(1, Part(within_us, 1.5));
  if (random_.Chance(0.1)) after_us = 0;
  if (random_.Chance(0.1)) after_us = within_us;
  Write(shape_.cancel, step_us + after_us);
}

void JourneyWriter::Write(const Step& step, int64_t time_us) {
  ++workload_.counts.planned;
  if (random_.Chance(options_.lost_rate)) {
    ++workload_.counts.lost;
    return;
  }
  lapse::v1::Event& event = workload_.events.emplace_back();
  event.set_id(random_.Uuid());
  event.set_source(absl::StrCat(step.source, "-", random_.Between(1, 2)));
  event.set_type(std::string(step.type));
  SetTimestamp(time_us, event.mutable_occur_time());
  *event.mutable_attributes() = attributes_;
  const bool has_key = !random_.Chance(options_.no_key_rate);
  if (has_key) {
    (*event.mutable_attributes())[std::string(shape_.key_attribute)] = shape_.make_key(key_number_);
  }
  workload_.key_numbers.push_back(has_key ? key_number_ : -1);
}

// Orders the events, with their key numbers, by (occur_time, source, id).
void SortEvents(Workload& workload) {
  std::vector<size_t> order(workload.events.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto rank = [&workload](size_t i) {
    const lapse::v1::Event& event = workload.events[i];
    return std::make_tuple(ToMicros(event.occur_time()), absl::string_view(event.source()),
                           absl::string_view(event.id()));
  };
  std::sort(order.begin(), order.end(), [&rank](size_t a, size_t b) { return rank(a) < rank(b); });
  std::vector<lapse::v1::Event> events;
  std::vector<int64_t> key_numbers;
  events.reserve(order.size());
  key_numbers.reserve(order.size());
  for (const size_t i : order) {
    events.push_back(std::move(workload.events[i]));
    key_numbers.push_back(workload.key_numbers[i]);
  }
  workload.events = std::move(events);
  workload.key_numbers = std::move(key_numbers);
}

absl::Status CheckRange(absl::string_view option, double value, double low, double high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(option, " is ", value, "; it may be ", low, " to ", high));
}

}  // namespace

absl::StatusOr<Shape> ParseShape(absl::string_view name) {
  for (const Shape shape : {Shape::kPayments, Shape::kOrders, Shape::kDrivers}) {
    if (ShapeName(shape) == name) return shape;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no shape \"", name, "\"; there are payments, orders and drivers"));
}

absl::string_view ShapeName(Shape shape) {
  switch (shape) {
    case Shape::kPayments:
      return "payments";
    case Shape::kOrders:
      return "orders";
    case Shape::kDrivers:
      return "drivers";
  }
  return "";
}

absl::Status ValidateOptions(const WorkloadOptions& options) {
  struct Range {
    absl::string_view option;
    double value;
    double low;
    double high;
  };
  const auto days = [](int64_t time_us) {
    return static_cast<double>(time_us) / static_cast<double>(limits::kMicrosPerDay);
  };
  const std::array<Range, 14> ranges = {{
      {"event_count", static_cast<double>(options.event_count), 1, kMaxWorkloadEvents},
      {"start_time, in days since 1970,", days(options.start_time_us), 1, 100'000},
      {"duration, in days,", days(options.duration_us), 0, 365},
      {"time_scale", options.time_scale, 1e-6, kMaxTimeScale},
      {"lost_rate", options.lost_rate, 0, 0.9},
      {"late_rate", options.late_rate, 0, 1},
      {"skewed_rate", options.skewed_rate, 0, 1},
      {"duplicate_rate", options.duplicate_rate, 0, 0.9},
      {"reordered_rate", options.reordered_rate, 0, 1},
      {"delayed_rate", options.delayed_rate, 0, 1},
      {"key_reuse_rate", options.key_reuse_rate, 0, 1},
      {"cancelled_rate", options.cancelled_rate, 0, 1},
      {"no_key_rate", options.no_key_rate, 0, 1},
      {"hot_key_primaries", static_cast<double>(options.hot_key_primaries), 0, 1'500},
  }};
  for (const Range& range : ranges) {
    absl::Status status = CheckRange(range.option, range.value, range.low, range.high);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

Workload GenerateWorkload(const WorkloadOptions& options) {
  Workload workload;
  workload.options = options;
  const ShapeSpec shape = MakeShape(options.shape, options.time_scale);
  workload.monitors = MakeMonitors(shape, options);
  const int64_t copies =
      std::llround(static_cast<double>(options.event_count) * options.duplicate_rate);
  const size_t distinct = std::max<int64_t>(1, options.event_count - copies);
  Random random(options.seed);
  JourneyWriter writer(shape, random, workload);
  if (options.hot_key_primaries > 0) writer.WriteHotKey();
  while (workload.events.size() < distinct) writer.WriteKey();
  workload.events.resize(distinct);
  workload.key_numbers.resize(distinct);
  SortEvents(workload);
  SetArrivals(random.Next(), workload);
  return workload;
}

void ShiftTimes(int64_t delta_us, Workload& workload) {
  for (lapse::v1::Event& event : workload.events) {
    SetTimestamp(ToMicros(event.occur_time()) + delta_us, event.mutable_occur_time());
  }
  for (Arrival& arrival : workload.arrivals) arrival.arrival_us += delta_us;
  workload.options.start_time_us += delta_us;
  workload.end_time_us += delta_us;
}

}  // namespace lapse::bench
