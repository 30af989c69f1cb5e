// The scanner that reads events in place, against protobuf: whatever it says yes to, protobuf
// parses to the same event.
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "base/proto_time.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/util/message_differencer.h"
#include "lapse/v1/event.pb.h"
#include "storage/event_view.h"
#include "test/fuzz/fuzz_target.h"

namespace {

using google::protobuf::util::MessageDifferencer;
using lapse::storage::EventAttribute;
using lapse::storage::EventView;
using lapse::v1::Value;

// It would tell of every text that is not UTF-8.
[[maybe_unused]] const auto kProtobufLog = google::protobuf::SetLogHandler(nullptr);

bool IsSame(const EventAttribute& found, const Value& parsed) {
  switch (found.kind) {
    case EventAttribute::Kind::kString:
      return parsed.kind_case() == Value::kStringValue && found.text == parsed.string_value();
    case EventAttribute::Kind::kBool:
      return parsed.kind_case() == Value::kBoolValue && (found.number != 0) == parsed.bool_value();
    case EventAttribute::Kind::kInt64:
      return parsed.kind_case() == Value::kInt64Value && found.number == parsed.int64_value();
    case EventAttribute::Kind::kDouble:
      return parsed.kind_case() == Value::kDoubleValue && found.real == parsed.double_value();
  }
  return false;
}

void CheckAttributes(const EventView& view, const lapse::v1::Event& parsed) {
  FUZZ_CHECK(view.attribute_count() == static_cast<int>(parsed.attributes().size()));
  for (const auto& [name, value] : parsed.attributes()) {
    const std::optional<EventAttribute> found = view.FindAttribute(name);
    FUZZ_CHECK(found.has_value() && IsSame(*found, value));
  }
  lapse::storage::AttributeReader reader(view);
  EventAttribute attribute;
  int count = 0;
  while (reader.Next(&attribute)) ++count;
  FUZZ_CHECK(count == view.attribute_count());
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  EventView view;
  if (!EventView::Scan(bytes, &view)) return 0;
  lapse::v1::Event parsed;
  FUZZ_CHECK(parsed.ParseFromArray(data, static_cast<int>(size)));
  FUZZ_CHECK(view.id() == parsed.id() && view.source() == parsed.source() &&
             view.type() == parsed.type());
  FUZZ_CHECK(view.has_occur_time() == parsed.has_occur_time());
  FUZZ_CHECK(view.occur_seconds() == parsed.occur_time().seconds());
  FUZZ_CHECK(view.occur_nanos() == parsed.occur_time().nanos());
  FUZZ_CHECK(!parsed.has_ingest_time() && parsed.sequence() == 0);
  FUZZ_CHECK(MessageDifferencer::Equals(view.ToEvent(), parsed));
  CheckAttributes(view, parsed);
  // The same bytes in another place are the same event.
  const std::string copy(bytes);
  EventView again;
  FUZZ_CHECK(EventView::Scan(copy, &again) && again.shape() == view.shape());
  return 0;
}
