// Requests read in place against the same requests parsed by protobuf and validated as objects:
// random ones, and random damage to them. Both must say the same of every byte string.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/errors.h"
#include "base/limits.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "gtest/gtest.h"
#include "lapse/v1/event_service.pb.h"
#include "server/ingest.h"
#include "server/validation.h"

namespace lapse::server {
namespace {

using lapse::v1::BatchIngestEventsRequest;
using lapse::v1::Event;
using lapse::v1::IngestEventRequest;
using lapse::v1::IngestEventStreamRequest;

constexpr int64_t kNowUs = 1'700'000'000'000'000;
constexpr EventAges kAges = {kNowUs, limits::kMicrosPerDay};

// What became of a request.
struct Outcome {
  std::string fault;
  int64_t batch_number = 0;
  std::vector<int> indexes;
  std::vector<std::string> events;
  std::vector<std::string> rejections;

  bool operator==(const Outcome&) const = default;
};

std::string Text(const absl::Status& status) {
  return DetailsOf(status).reason + " " + DetailsOf(status).field + " " + status.ToString();
}

std::string Bytes(Event event) {
  event.DiscardUnknownFields();
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    event.SerializeToCodedStream(&out);
  }
  return bytes;
}

Outcome Fault(std::string reason) {
  Outcome outcome;
  outcome.fault = std::move(reason);
  return outcome;
}

// As objects.

void JudgeObjects(const google::protobuf::RepeatedPtrField<Event>& events, Outcome& outcome) {
  for (int i = 0; i < events.size(); ++i) {
    const absl::Status status = ValidateEvent(events[i], kAges.now_us, kAges.max_age_us);
    if (!status.ok()) {
      outcome.rejections.push_back(std::to_string(i) + " " + Text(status));
      continue;
    }
    Event kept = events[i];
    kept.clear_ingest_time();
    kept.clear_sequence();
    outcome.indexes.push_back(i);
    outcome.events.push_back(Bytes(kept));
  }
}

Outcome ByObjects(IngestKind kind, const std::string& bytes) {
  Outcome outcome;
  BatchIngestEventsRequest batch;
  IngestEventRequest single;
  IngestEventStreamRequest numbered;
  if (kind == IngestKind::kEvent) {
    if (!single.ParseFromString(bytes)) return Fault("REQUEST_MALFORMED");
    if (!single.has_event()) return Fault("EVENT_MISSING");
    *batch.add_events() = single.event();
  } else if (kind == IngestKind::kBatch) {
    if (!batch.ParseFromString(bytes)) return Fault("REQUEST_MALFORMED");
  } else {
    if (!numbered.ParseFromString(bytes)) return Fault("REQUEST_MALFORMED");
    outcome.batch_number = numbered.batch_number();
    batch.mutable_events()->Swap(numbered.mutable_events());
  }
  if (batch.events().empty()) return Fault("BATCH_EMPTY");
  JudgeObjects(batch.events(), outcome);
  return outcome;
}

// In place.

// Every way of reading a view says what its object says.
void ExpectViewIsTheEvent(const storage::EventView& view) {
  const Event event = view.ToEvent();
  EXPECT_EQ(view.id(), event.id());
  EXPECT_EQ(view.source(), event.source());
  EXPECT_EQ(view.type(), event.type());
  EXPECT_EQ(view.has_occur_time(), event.has_occur_time());
  EXPECT_EQ(view.occur_seconds(), event.occur_time().seconds());
  EXPECT_EQ(view.occur_nanos(), event.occur_time().nanos());
  ASSERT_EQ(view.attribute_count(), event.attributes_size());
  for (const auto& [name, value] : event.attributes()) {
    const auto found = view.FindAttribute(name);
    ASSERT_TRUE(found.has_value());
    ASSERT_EQ(static_cast<int>(found->kind), static_cast<int>(value.kind_case()));
    if (value.has_string_value()) {
      EXPECT_EQ(found->text, value.string_value());
    }
    if (value.has_bool_value()) {
      EXPECT_EQ(found->number != 0, value.bool_value());
    }
    if (value.has_int64_value()) {
      EXPECT_EQ(found->number, value.int64_value());
    }
    if (value.has_double_value()) {
      EXPECT_EQ(found->real, value.double_value());
    }
  }
}

Outcome InPlace(IngestKind kind, const std::string& bytes) {
  Outcome outcome;
  absl::StatusOr<IngestRequest> request = ReadIngestRequest(kind, bytes, storage::EventBatch());
  if (!request.ok()) return Fault(DetailsOf(request.status()).reason);
  if (kind == IngestKind::kEvent && request->event_count == 0) {
    return Fault(DetailsOf(TakeEvent(*std::move(request), kAges).status()).reason);
  }
  outcome.batch_number = request->batch_number;
  const absl::StatusOr<SiftedBatch> sifted = SiftBatch(*std::move(request), kAges);
  if (!sifted.ok()) return Fault(DetailsOf(sifted.status()).reason);
  outcome.indexes = sifted->indexes;
  for (const storage::EventView& view : sifted->accepted.events()) {
    ExpectViewIsTheEvent(view);
    outcome.events.push_back(Bytes(view.ToEvent()));
  }
  for (const lapse::v1::EventRejection& rejection : sifted->rejections) {
    const absl::Status status(static_cast<absl::StatusCode>(rejection.code()),
                              rejection.message());
    outcome.rejections.push_back(std::to_string(rejection.index()) + " " + rejection.reason() +
                                 " " + rejection.field() + " " + status.ToString());
  }
  return outcome;
}

// Random requests, most events of which are good.
class Requests {
 public:
  explicit Requests(uint64_t seed) : random_(seed) {}

  int Below(int limit) { return static_cast<int>(random_() % limit); }
  bool OneIn(int n) { return Below(n) == 0; }

  std::string Next(IngestKind kind) {
    IngestEventStreamRequest request;
    if (kind == IngestKind::kStreamBatch) request.set_batch_number(Below(3) * 1'000'000'007LL);
    const int count = kind == IngestKind::kEvent ? 1 : 1 + Below(4);
    for (int i = 0; i < count; ++i) *request.add_events() = NextEvent();
    return request.SerializeAsString();
  }

  void Damage(std::string& bytes) {
    if (bytes.empty()) return;
    const size_t at = static_cast<size_t>(Below(static_cast<int>(bytes.size())));
    const size_t length = std::min<size_t>(1 + Below(12), bytes.size() - at);
    switch (Below(7)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << Below(8)));
        break;
      case 1:
        bytes[at] = static_cast<char>(Below(256));
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:
        bytes.insert(at, bytes.substr(at, length));
        break;
      case 4:
        bytes.resize(at);
        break;
      case 5:
        bytes.insert(at, 1, static_cast<char>(Below(256)));
        break;
      default:
        bytes[at] = static_cast<char>(bytes[at] + (OneIn(2) ? 1 : -1));
    }
  }

 private:
  std::string Word(int most) {
    static constexpr const char* kPieces[] = {"order", "a", "é", "日本", "\xff", "-", "42", ""};
    std::string word;
    for (int n = Below(most); n > 0; --n) word += kPieces[OneIn(30) ? Below(8) : Below(4)];
    return word;
  }

  lapse::v1::Value NextValue() {
    lapse::v1::Value value;
    switch (OneIn(30) ? 5 : Below(5)) {
      case 0:
        value.set_bool_value(OneIn(2));
        break;
      case 1:
        value.set_int64_value(static_cast<int64_t>(random_()) >> Below(64));
        break;
      case 2:
        value.set_double_value(OneIn(30) ? HUGE_VAL : Below(1'000) / 8.0);
        break;
      case 3:
        value.set_string_value(std::string(OneIn(100) ? 4'097 : Below(40), 'v'));
        break;
      case 4:
        value.set_string_value(Word(5));
        break;
      default:
        break;
    }
    return value;
  }

  Event NextEvent() {
    Event event;
    if (!OneIn(5)) event.set_id(Word(OneIn(50) ? 200 : 6));
    if (!OneIn(5)) event.set_source(Word(4));
    if (!OneIn(20)) event.set_type("type" + Word(3));
    if (!OneIn(4)) {
      event.mutable_occur_time()->set_seconds(kNowUs / 1'000'000 - Below(100'000) + 1'000);
      if (OneIn(2)) event.mutable_occur_time()->set_nanos(Below(1'100'000'000));
      if (OneIn(20)) event.mutable_occur_time()->set_seconds(static_cast<int64_t>(random_()));
    }
    for (int n = OneIn(50) ? 70 : Below(6); n > 0; --n) {
      (*event.mutable_attributes())[Word(3) + std::to_string(n)] = NextValue();
    }
    if (OneIn(20)) event.set_sequence(Below(5));
    if (OneIn(20)) event.mutable_ingest_time()->set_seconds(Below(5));
    if (OneIn(20)) event.GetReflection()->MutableUnknownFields(&event)->AddVarint(99, 7);
    return event;
  }

  std::mt19937_64 random_;
};

void Compare(uint64_t seed, int requests) {
  Requests source(seed);
  for (int i = 0; i < requests; ++i) {
    const IngestKind kind = static_cast<IngestKind>(source.Below(3));
    std::string bytes = source.Next(kind);
    for (int damage = source.Below(4); damage > 0; --damage) source.Damage(bytes);
    ASSERT_EQ(ByObjects(kind, bytes), InPlace(kind, bytes))
        << "seed " << seed << ", request " << i << ", kind " << static_cast<int>(kind);
  }
}

TEST(IngestDifferentialTest, BothReadingsSayTheSame) {
  for (uint64_t seed = 1; seed <= 20; ++seed) Compare(seed, 5'000);
}

TEST(IngestDifferentialTest, PlainRequestsAreReadInPlace) {
  IngestEventStreamRequest request;
  request.set_batch_number(7);
  Event& event = *request.add_events();
  event.set_id("a");
  event.set_type("order_created");
  (*event.mutable_attributes())["order_id"].set_string_value("A-17");
  const std::string bytes = request.SerializeAsString();
  auto read = ReadIngestRequest(IngestKind::kStreamBatch, bytes, storage::EventBatch());
  ASSERT_TRUE(read.ok());
  const auto sifted = SiftBatch(*std::move(read), kAges);
  ASSERT_TRUE(sifted.ok());
  const absl::string_view in_place = sifted->accepted.events()[0].bytes();
  EXPECT_GE(in_place.data(), bytes.data());
  EXPECT_EQ(in_place.data() + in_place.size(), bytes.data() + bytes.size());
}

}  // namespace
}  // namespace lapse::server
