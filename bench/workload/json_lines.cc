#include "bench/workload/json_lines.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "bench/workload/oracle.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/time_util.h"
#include "google/protobuf/util/type_resolver_util.h"

namespace lapse::bench {
namespace {

using google::protobuf::util::TimeUtil;

constexpr char kTypeUrl[] = "type.googleapis.com";

// By way of deterministic bytes: maps have no order of their own.
class JsonPrinter {
 public:
  JsonPrinter()
      : resolver_(google::protobuf::util::NewTypeResolverForDescriptorPool(
            kTypeUrl, google::protobuf::DescriptorPool::generated_pool())) {
    options_.preserve_proto_field_names = true;
  }

  absl::StatusOr<std::string> Print(const google::protobuf::Message& message) const {
    std::string bytes;
    {
      google::protobuf::io::StringOutputStream stream(&bytes);
      google::protobuf::io::CodedOutputStream coded(&stream);
      coded.SetSerializationDeterministic(true);
      message.SerializeToCodedStream(&coded);
    }
    std::string json;
    const auto status = google::protobuf::util::BinaryToJsonString(
        resolver_.get(), absl::StrCat(kTypeUrl, "/", message.GetDescriptor()->full_name()), bytes,
        &json, options_);
    if (!status.ok()) return absl::InternalError(status.ToString());
    return json;
  }

 private:
  std::unique_ptr<google::protobuf::util::TypeResolver> resolver_;
  google::protobuf::util::JsonPrintOptions options_;
};

// One file, written line by line.
class LineFile {
 public:
  explicit LineFile(std::string path)
      : path_(std::move(path)), stream_(path_), error_(stream_.is_open() ? 0 : errno) {}

  void Write(const std::string& line) { stream_ << line << '\n'; }

  absl::Status Close() {
    stream_.close();
    if (error_ == 0 && stream_.good()) return absl::OkStatus();
    return absl::UnavailableError(
        absl::StrCat("cannot write ", path_, ": ", std::strerror(error_ == 0 ? EIO : error_)));
  }

 private:
  const std::string path_;
  std::ofstream stream_;
  const int error_;
};

std::string TimeText(int64_t time_us) {
  return TimeUtil::ToString(TimeUtil::MicrosecondsToTimestamp(time_us));
}

std::string DurationText(int64_t duration_us) {
  return TimeUtil::ToString(TimeUtil::MicrosecondsToDuration(duration_us));
}

absl::Status WriteMonitors(const JsonPrinter& printer, const Workload& workload, LineFile file) {
  for (const WorkloadMonitor& watched : workload.monitors) {
    ASSIGN_OR_RETURN(const std::string json, printer.Print(watched.monitor));
    file.Write(json);
  }
  return file.Close();
}

absl::Status WriteEvents(const JsonPrinter& printer, const Workload& workload, LineFile file) {
  for (const Arrival& arrival : workload.arrivals) {
    ASSIGN_OR_RETURN(const std::string json, printer.Print(workload.events[arrival.event]));
    file.Write(absl::StrCat("{\"arrival_time\":\"", TimeText(arrival.arrival_us), "\",\"copy\":",
                            arrival.copy ? "true" : "false", ",\"event\":", json, "}"));
  }
  return file.Close();
}

google::protobuf::Struct ToStruct(const Workload& workload, const std::string& monitor,
                                  const ExpectedVerdict& one) {
  google::protobuf::Struct line;
  const auto set = [&line](const char* field, const std::string& text) {
    (*line.mutable_fields())[field].set_string_value(text);
  };
  const lapse::v1::Event& primary = workload.events[one.primary_event];
  set("monitor", monitor);
  set("key", one.key);
  set("primary_source", primary.source());
  set("primary_id", primary.id());
  set("primary_time", TimeText(one.primary_time_us));
  set("due_time", TimeText(one.due_us));
  set("verdict", lapse::v1::Verdict_Name(one.verdict));
  set("reason", lapse::v1::VerdictReason_Name(one.reason));
  if (one.ending_event >= 0) {
    set("ending_source", workload.events[one.ending_event].source());
    set("ending_id", workload.events[one.ending_event].id());
  }
  if (one.elapsed_us >= 0) set("elapsed", DurationText(one.elapsed_us));
  if (one.lateness_us >= 0) set("lateness", DurationText(one.lateness_us));
  if (one.alert_state != lapse::v1::Alert::STATE_UNSPECIFIED) {
    set("alert_state", lapse::v1::Alert::State_Name(one.alert_state));
  }
  if (one.alert_reason != lapse::v1::Alert::REASON_UNSPECIFIED) {
    set("alert_reason", lapse::v1::Alert::Reason_Name(one.alert_reason));
  }
  return line;
}

std::string BooksLine(const std::string& monitor, const ExpectedBooks& books) {
  return absl::StrCat(absl::StrCat("{\"monitor\":\"", monitor, "\",\"opened\":", books.opened),
                      absl::StrCat(",\"met\":", books.met, ",\"late\":", books.late),
                      absl::StrCat(",\"missed\":", books.missed, ",\"cancelled\":"),
                      absl::StrCat(books.cancelled, ",\"shed\":", books.shed),
                      absl::StrCat(",\"pending\":", books.pending, "}"));
}

absl::Status WriteExpected(const JsonPrinter& printer, const Workload& workload, LineFile expected,
                           LineFile books) {
  for (const WorkloadMonitor& watched : workload.monitors) {
    const std::string& monitor = watched.monitor.name();
    const std::vector<ExpectedVerdict> verdicts =
        ExpectedVerdicts(watched, workload.events, workload.end_time_us);
    books.Write(BooksLine(monitor, CountVerdicts(verdicts)));
    for (const ExpectedVerdict& one : verdicts) {
      ASSIGN_OR_RETURN(const std::string json, printer.Print(ToStruct(workload, monitor, one)));
      expected.Write(json);
    }
  }
  RETURN_IF_ERROR(expected.Close());
  return books.Close();
}

}  // namespace

absl::Status WriteJsonLines(const Workload& workload, const std::string& prefix) {
  const JsonPrinter printer;
  RETURN_IF_ERROR(WriteMonitors(printer, workload, LineFile(prefix + ".monitors.jsonl")));
  RETURN_IF_ERROR(WriteEvents(printer, workload, LineFile(prefix + ".events.jsonl")));
  return WriteExpected(printer, workload, LineFile(prefix + ".expected.jsonl"),
                       LineFile(prefix + ".books.jsonl"));
}

}  // namespace lapse::bench
