// `lapsectl send`: one event by options, or many from lines of JSON.

#include <unistd.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "cli/attribute.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/event_json.h"
#include "cli/event_sender.h"
#include "cli/human.h"
#include "cli/input.h"
#include "cli/rpc.h"

namespace lapse::cli {
namespace {

using lapse::v1::Event;
using lapse::v1::EventService;

// Leaves room for the message around the events.
constexpr size_t kMaxBatchBytes = limits::kMaxRequestBytes - (64 << 10);
constexpr int64_t kProgressUs = limits::kMicrosPerSecond / 5;

struct SendOptions {
  std::string type;
  std::string source;
  std::string id;
  std::string time;
  std::vector<std::string> keys;
  std::vector<std::string> attributes;
  std::string file;
  size_t batch_size = 1'000;
  int64_t from_line = 1;
};

std::string CheckBatchSize(const std::string& text) {
  size_t size = 0;
  const bool fits = absl::SimpleAtoi(text, &size) && size >= 1 && size <= limits::kMaxBatchEvents;
  return fits ? "" : absl::StrCat(text, " is none of 1 to ", Grouped(limits::kMaxBatchEvents));
}

void SendFlags(CLI::App& command, SendOptions& o) {
  command.add_option("ATTRIBUTES", o.attributes,
                     "name=value with the type it looks like, or name:type=value with string, "
                     "bool, int64 or double");
  CLI::Option* type = command.add_option("--type", o.type, "What happened, such as order_created");
  command.add_option("--source", o.source, "Who reports, such as checkout");
  command.add_option("--id", o.id,
                     "Unique within the source; a second event with it is a duplicate. Default: "
                     "the server makes one");
  command.add_option("--time", o.time, "When it happened: RFC 3339, or \"10m ago\"; default now");
  command
      .add_option("--key", o.keys,
                  "name=value, an attribute taken as a string whatever it looks like; may be "
                  "repeated")
      ->allow_extra_args(false);
  CLI::Option* file = command.add_option(
      "-f,--file", o.file,
      "Lines of JSON, each an event such as {\"type\": \"order_created\", \"attributes\": "
      "{\"order_id\": \"A-17\"}}; - for standard input");
  file->type_name("FILE")->excludes(type);
  command.add_option("--batch-size", o.batch_size, "Events of a file in one request")
      ->check(CheckBatchSize)
      ->capture_default_str()
      ->needs(file);
  command.add_option("--from-line", o.from_line, "Start at this line of the file")
      ->check(CheckPositive)
      ->needs(file);
}

absl::Status AddAttributes(const SendOptions& o, Event* event) {
  std::vector<Attribute> attributes;
  for (const std::string& text : o.keys) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return UsageError(absl::StrCat("--key ", Printable(text),
                                     ": write it as name=value, such as order_id=A-17."));
    }
    attributes.push_back({text.substr(0, equals), {}});
    attributes.back().value.set_string_value(text.substr(equals + 1));
  }
  for (const std::string& text : o.attributes) {
    absl::StatusOr<Attribute> attribute = ParseAttribute(text);
    if (!attribute.ok()) return UsageError(attribute.status().message());
    attributes.push_back(*std::move(attribute));
  }
  for (Attribute& attribute : attributes) {
    const auto inserted = event->mutable_attributes()->insert({attribute.name, attribute.value});
    if (!inserted.second) {
      return UsageError(absl::StrCat("Attribute ", Printable(attribute.name), " is given twice."));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Event> EventOf(const SendOptions& o) {
  Event event;
  event.set_type(o.type);
  event.set_source(o.source);
  event.set_id(o.id);
  if (!o.time.empty()) {
    const absl::StatusOr<int64_t> time_us = ParseTime(o.time, RealClock().NowUs());
    if (!time_us.ok()) return UsageError(time_us.status().message());
    SetTimestamp(*time_us, event.mutable_occur_time());
  }
  RETURN_IF_ERROR(AddAttributes(o, &event));
  return event;
}

absl::Status SendOne(Context& context, const SendOptions& o) {
  lapse::v1::IngestEventRequest request;
  ASSIGN_OR_RETURN(*request.mutable_event(), EventOf(o));
  ASSIGN_OR_RETURN(const lapse::v1::IngestEventResponse response,
                   Call<EventService>(context, &EventService::Stub::IngestEvent, request));
  context.Print(response, [&] {
    if (!response.duplicate()) {
      return absl::StrCat("Accepted ", Printable(o.type), " as event ", response.sequence(), ".\n");
    }
    return absl::StrCat("A duplicate of event ", response.sequence(),
                        response.conflicting() ? ", with different content" : "",
                        "; nothing changed.\n");
  });
  return absl::OkStatus();
}

// Reads lines into batches, sends them, and tells how it goes.
class FileSending {
 public:
  FileSending(Context& context, const SendOptions& options)
      : context_(context), options_(options), sender_(context) {}

  absl::Status Run() {
    RETURN_IF_ERROR(reader_.Open(options_.file));
    const absl::Status read = SendLines();
    const absl::Status finished = sender_.Finish();
    absl::Status status = read.ok() ? finished : read;
    EndProgress();
    const bool nothing_happened = sender_.totals().accepted + sender_.totals().duplicates == 0;
    if (nothing_happened && ExitCodeOf(status) == kExitUnreachable) return status;
    PrintTotals();
    PrintRejections();
    if (!status.ok()) {
      NoteUnanswered();
      return status;
    }
    const int64_t rejected = Rejected();
    if (rejected == 0) return absl::OkStatus();
    return PartlyRefused(absl::StrCat(Grouped(rejected),
                                      rejected == 1 ? " event was" : " events were",
                                      " rejected; the others are stored."));
  }

 private:
  absl::Status SendLines() {
    std::string line;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, reader_.Next(&line));
      if (!more) return Flush();
      if (++line_ < options_.from_line || absl::StripAsciiWhitespace(line).empty()) continue;
      RETURN_IF_ERROR(AddLine(line));
      // What comes slowly, as from a pipe, goes out at once.
      if (batch_.events.size() >= options_.batch_size || !reader_.Ready()) RETURN_IF_ERROR(Flush());
    }
  }

  absl::Status AddLine(const std::string& line) {
    Event event;
    const absl::Status status = ParseEventJson(line, &event);
    if (!status.ok()) {
      ++unreadable_;
      if (bad_lines_.size() < kMaxKeptRejections) {
        bad_lines_.push_back({line_, Printable(status.message())});
      }
      return absl::OkStatus();
    }
    // The tag and length of the event in its request.
    const size_t bytes = event.ByteSizeLong() + 8;
    if (batch_bytes_ + bytes > kMaxBatchBytes) RETURN_IF_ERROR(Flush());
    batch_.events.push_back(std::move(event));
    batch_.lines.push_back(line_);
    batch_bytes_ += bytes;
    return absl::OkStatus();
  }

  absl::Status Flush() {
    if (batch_.events.empty()) return absl::OkStatus();
    first_unsent_line_ = batch_.lines.front();
    absl::Status status = sender_.Add(std::move(batch_));
    batch_ = EventBatch();
    batch_bytes_ = 0;
    if (status.ok()) first_unsent_line_ = 0;
    ShowProgress();
    return status;
  }

  int64_t Rejected() { return sender_.totals().rejected + unreadable_; }

  void ShowProgress() {
    const int64_t now_us = RealClock().SteadyUs();
    if (isatty(STDERR_FILENO) == 0 || now_us - last_progress_us_ < kProgressUs) return;
    last_progress_us_ = now_us;
    const SendTotals totals = sender_.totals();
    context_.err() << "\r" << Grouped(totals.accepted) << " accepted, "
                   << Grouped(totals.duplicates) << " duplicates, " << Grouped(Rejected())
                   << " rejected; line " << Grouped(line_) << " " << std::flush;
    progress_shown_ = true;
  }

  void EndProgress() {
    if (progress_shown_) context_.err() << "\r\x1b[K" << std::flush;
  }

  void PrintTotals() {
    const SendTotals totals = sender_.totals();
    const DataFields fields = {{"accepted", absl::StrCat(totals.accepted)},
                               {"duplicates", absl::StrCat(totals.duplicates)},
                               {"conflicting", absl::StrCat(totals.conflicting)},
                               {"rejected", absl::StrCat(Rejected())}};
    if (context_.options.format == Format::kJson) {
      context_.PrintText(JsonObject(fields) + "\n");
    } else if (context_.options.format == Format::kYaml) {
      context_.PrintText(YamlFields(fields));
    } else {
      const std::string conflicting =
          totals.conflicting == 0
              ? ""
              : absl::StrCat(" (", Grouped(totals.conflicting), " with different content)");
      context_.PrintText(absl::StrCat(Grouped(totals.accepted), " accepted, ",
                                      Grouped(totals.duplicates),
                                      totals.duplicates == 1 ? " duplicate" : " duplicates",
                                      conflicting, ", ", Grouped(Rejected()), " rejected.\n"));
    }
  }

  void PrintRejections() {
    std::vector<Rejection> all = sender_.rejections();
    all.insert(all.end(), bad_lines_.begin(), bad_lines_.end());
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.line < b.line; });
    if (all.size() > kMaxKeptRejections) all.resize(kMaxKeptRejections);
    for (const Rejection& rejection : all) {
      context_.PrintNote(absl::StrCat("line ", rejection.line, ": ", rejection.text));
    }
    const int64_t untold = Rejected() - static_cast<int64_t>(all.size());
    if (untold > 0) context_.PrintNote(absl::StrCat("and ", Grouped(untold), " more."));
  }

  void NoteUnanswered() {
    int64_t line = sender_.first_unanswered_line();
    if (line == 0) line = first_unsent_line_;
    if (line == 0) return;
    context_.PrintNote(absl::StrCat("From line ", line,
                                    " on, some events may not be stored. Go on with --from-line ",
                                    line, "; events with an id are never stored twice."));
  }

  Context& context_;
  const SendOptions& options_;
  EventSender sender_;
  LineReader reader_;
  int64_t line_ = 0;
  EventBatch batch_;
  size_t batch_bytes_ = 0;
  int64_t first_unsent_line_ = 0;
  int64_t unreadable_ = 0;
  std::vector<Rejection> bad_lines_;
  int64_t last_progress_us_ = 0;
  bool progress_shown_ = false;
};

absl::Status RunSend(Context& context, const SendOptions& o) {
  const bool one = !o.type.empty() || !o.attributes.empty() || !o.keys.empty();
  if (o.file.empty() && o.type.empty()) {
    return UsageError(
        "Name the event's --type, or a --file of events. See `lapsectl send --help`.");
  }
  if (!o.file.empty() && (one || !o.source.empty() || !o.id.empty() || !o.time.empty())) {
    return UsageError("With --file, each line says everything of its event.");
  }
  return o.file.empty() ? SendOne(context, o) : FileSending(context, o).Run();
}

}  // namespace

void AddSend(CLI::App& app, Context& context) {
  AddCommand(app, context, "send", "Send one event, or a file of them", SendFlags, RunSend);
}

}  // namespace lapse::cli
