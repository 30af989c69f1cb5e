// Requests as they come over the wire: events and monitors are fit to be kept, or refused with
// INVALID_ARGUMENT.
#include <string>

#include "absl/status/status.h"
#include "google/protobuf/stubs/logging.h"
#include "lapse/v1/event_service.pb.h"
#include "lapse/v1/monitor.pb.h"
#include "monitors/compiled_monitor.h"
#include "server/validation.h"
#include "server/validation_monitor.h"
#include "test/fuzz/fuzz_target.h"

namespace {

// It would tell of every text that is not UTF-8.
[[maybe_unused]] const auto kProtobufLog = google::protobuf::SetLogHandler(nullptr);

constexpr int64_t kNowUs = 1'700'000'000'000'000;
constexpr int64_t kMaxAgeUs = 3'600'000'000;

bool IsVerdict(const absl::Status& status) {
  return status.ok() || absl::IsInvalidArgument(status);
}

void FuzzEvents(std::string_view bytes) {
  lapse::v1::BatchIngestEventsRequest request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  for (const lapse::v1::Event& event : request.events()) {
    const absl::Status status = lapse::server::ValidateEvent(event, kNowUs);
    FUZZ_CHECK(IsVerdict(status));
    FUZZ_CHECK(IsVerdict(lapse::server::ValidateEvent(event, kNowUs, kMaxAgeUs)));
    // Told the same every time.
    FUZZ_CHECK(status == lapse::server::ValidateEvent(event, kNowUs));
  }
}

void FuzzMonitor(std::string_view bytes) {
  lapse::v1::Monitor monitor;
  if (!monitor.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  const absl::Status status = lapse::server::ValidateMonitor(monitor);
  FUZZ_CHECK(IsVerdict(status));
  if (!status.ok()) return;
  // What is valid stays so with the defaults, and can be put in force.
  lapse::server::NormalizeMonitor(&monitor);
  FUZZ_CHECK(lapse::server::ValidateMonitor(monitor).ok());
  FUZZ_CHECK(lapse::monitors::CompiledMonitor::Compile(monitor).ok());
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lapse::fuzz::Input input(data, size);
  if (input.Byte() % 2 == 0) {
    FuzzEvents(input.Rest());
  } else {
    FuzzMonitor(input.Rest());
  }
  return 0;
}
