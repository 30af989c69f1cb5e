#include "notifiers/alert_text.h"

#include <algorithm>
#include <cstdint>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "notifiers/text.h"

namespace lapse::notifiers {
namespace {

using lapse::v1::Alert;
using lapse::v1::EventSummary;
using lapse::v1::Monitor;

constexpr size_t kMaxShownKeyBytes = 120;
constexpr size_t kMaxShownNameBytes = 128;
constexpr size_t kMaxShownValueBytes = 1'024;

std::string Name(absl::string_view text) { return OneLine(text, kMaxShownNameBytes); }

std::string MonitorTitle(const Alert& alert) {
  return Name(alert.monitor_display_name().empty() ? alert.monitor()
                                                   : alert.monitor_display_name());
}

// As monitors judge it: held back to when it was received.
int64_t PrimaryTimeUs(const EventSummary& event) {
  const int64_t ingest_us = ToMicros(event.ingest_time());
  return event.has_occur_time() ? std::min(ToMicros(event.occur_time()), ingest_us) : ingest_us;
}

std::string WithinOf(const Alert& alert) {
  return FormatDuration(ToMicros(alert.due_time()) - PrimaryTimeUs(alert.primary_event()));
}

std::string DidNotFollow(const Alert& alert) {
  return absl::StrCat(Name(alert.expected_event_type()), " did not follow ",
                      Name(alert.primary_event().type()), " within ", WithinOf(alert));
}

std::string ResolvedBecause(const Alert& alert) {
  const std::string expected = Name(alert.expected_event_type());
  switch (alert.reason()) {
    case Alert::REASON_FOLLOWED_LATE:
      return absl::StrCat(expected, " arrived ", FormatDuration(ToMicros(alert.lateness())),
                          " late");
    case Alert::REASON_RECEIVED_LATE:
      return absl::StrCat(expected, " had come in time, but was received late");
    case Alert::REASON_CANCELLED_LATE:
      return "cancelled after the deadline";
    case Alert::REASON_SUPERSEDED:
      return "an event received out of order shows that nothing was due";
    case Alert::REASON_CLOSED_BY_HAND:
      return "closed by hand";
    case Alert::REASON_CLOSED_BY_AGE:
      return absl::StrCat("closed by age, as ", expected, " has not come");
    default:
      return "no longer missing";
  }
}

std::string FiringSentence(const Alert& alert) {
  if (alert.reason() == Alert::REASON_REJUDGED) {
    return absl::StrCat(DidNotFollow(alert), ", as an event received out of order shows.");
  }
  return DidNotFollow(alert) + ".";
}

std::string DetectedLateSentence(const Alert& alert) {
  const int64_t late_us = ToMicros(alert.fire_time()) - ToMicros(alert.due_time());
  return absl::StrCat("It was detected ", FormatDuration(late_us),
                      " after it was due, as happens when the server was down then.");
}

std::string SeverityName(Monitor::Severity severity) {
  switch (severity) {
    case Monitor::SEVERITY_INFO:
      return "info";
    case Monitor::SEVERITY_CRITICAL:
      return "critical";
    default:
      return "warning";
  }
}

std::string Origin(const EventSummary& event) {
  std::string text = Name(event.type());
  if (!event.source().empty()) absl::StrAppend(&text, " from ", Name(event.source()));
  absl::StrAppend(&text, ", id ", OneLine(event.id(), limits::kMaxEventIdBytes), ", at ",
                  FormatUtc(PrimaryTimeUs(event)));
  return text;
}

void AddSentences(const Alert& alert, MessageText* text) {
  if (alert.state() == Alert::STATE_FIRING) {
    text->sentences.push_back(FiringSentence(alert));
  } else {
    text->sentences.push_back(absl::StrCat("Resolved: ", ResolvedBecause(alert), "."));
    if (!alert.close_note().empty()) {
      text->sentences.push_back(
          absl::StrCat("Note: ", OneLine(alert.close_note(), limits::kMaxCloseNoteBytes)));
    }
  }
  if (alert.detected_late()) text->sentences.push_back(DetectedLateSentence(alert));
}

void AddTimes(const Alert& alert, MessageText* text) {
  text->facts.emplace_back("due", FormatUtc(ToMicros(alert.due_time())));
  if (alert.has_fire_time()) {
    text->facts.emplace_back("fired", FormatUtc(ToMicros(alert.fire_time())));
  }
  if (alert.has_resolve_time()) {
    text->facts.emplace_back("resolved", FormatUtc(ToMicros(alert.resolve_time())));
  }
  if (alert.has_lateness()) {
    text->facts.emplace_back("late by", FormatDuration(ToMicros(alert.lateness())));
  }
}

void AddFacts(const Alert& alert, MessageText* text) {
  text->facts.emplace_back("monitor",
                           absl::StrCat(MonitorTitle(alert), " (", Name(alert.monitor()), ")"));
  text->facts.emplace_back("severity", SeverityName(alert.severity()));
  text->facts.emplace_back("key", OneLine(alert.key(), limits::kMaxKeyBytes));
  AddTimes(alert, text);
  text->facts.emplace_back("primary event", Origin(alert.primary_event()));
  if (alert.has_secondary_event()) {
    text->facts.emplace_back("ended by", Origin(alert.secondary_event()));
  }
  const std::map<std::string, std::string> labels(alert.labels().begin(), alert.labels().end());
  for (const auto& [key, value] : labels) {
    text->facts.emplace_back(absl::StrCat("label ", Name(key)),
                             OneLine(value, limits::kMaxLabelValueBytes));
  }
}

void AddAttributes(const EventSummary& event, MessageText* text) {
  const std::map<std::string, lapse::v1::Value> attributes(event.attributes().begin(),
                                                           event.attributes().end());
  for (const auto& [name, value] : attributes) {
    text->attributes.emplace_back(Name(name), FormatValue(value, kMaxShownValueBytes));
  }
  if (event.omitted_attribute_count() > 0) {
    text->attributes.emplace_back("not kept",
                                  absl::StrCat(event.omitted_attribute_count(), " more"));
  }
}

MessageText AlertText(const Alert& alert) {
  MessageText text;
  text.subject = absl::StrCat("[Lapse] ", Headline(alert));
  AddSentences(alert, &text);
  AddFacts(alert, &text);
  AddAttributes(alert.primary_event(), &text);
  text.commands.push_back(absl::StrCat("lapsectl alerts get ", Name(alert.name())));
  if (alert.state() == Alert::STATE_FIRING) {
    text.commands.push_back(absl::StrCat("lapsectl alerts close ", Name(alert.name())));
  }
  return text;
}

MessageText DigestText(const Message& message) {
  MessageText text;
  text.subject = absl::StrCat("[Lapse] ", message.digested_count, " more changes of alerts");
  text.sentences.push_back(absl::StrCat(
      message.digested_count, " more changes of alerts are told in this one mail, as at most ",
      limits::kMaxMailsPerMinute, " mails a minute are sent."));
  if (static_cast<int64_t>(message.samples.size()) < message.digested_count) {
    text.sentences.push_back(absl::StrCat("Below stand ", message.samples.size(),
                                          " of the alerts, each as it was last."));
  }
  for (const Alert& alert : message.samples) {
    text.alert_lines.push_back(absl::StrCat(Headline(alert), " (", Name(alert.name()), ")"));
  }
  text.commands.push_back("lapsectl alerts list");
  return text;
}

MessageText TestText(const Message& message, absl::string_view notifier_name) {
  MessageText text;
  text.subject = absl::StrCat("[Lapse] Test of ", Name(notifier_name));
  text.sentences.push_back(absl::StrCat("This is a test of ", Name(notifier_name),
                                        ": alerts sent to it will reach you here."));
  text.facts.emplace_back("sent", FormatUtc(message.create_time_us));
  return text;
}

}  // namespace

std::string Headline(const Alert& alert) {
  const bool firing = alert.state() == Alert::STATE_FIRING;
  return absl::StrCat(firing ? "FIRING " : "RESOLVED ", MonitorTitle(alert), ": ",
                      OneLine(alert.key(), kMaxShownKeyBytes), " - ",
                      firing ? DidNotFollow(alert) : ResolvedBecause(alert));
}

MessageText TextOf(const Message& message, absl::string_view notifier_name) {
  switch (message.kind) {
    case Message::Kind::kAlert:
      return AlertText(message.alert);
    case Message::Kind::kDigest:
      return DigestText(message);
    case Message::Kind::kTest:
      return TestText(message, notifier_name);
  }
  return {};
}

}  // namespace lapse::notifiers
