// What a message says, in plain sentences and one-line values; how it looks is the channel's. Every
// string here is safe by OneLine (text.h), and none of it is escaped for HTML.
#ifndef LAPSE_NOTIFIERS_ALERT_TEXT_H_
#define LAPSE_NOTIFIERS_ALERT_TEXT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "lapse/v1/alert.pb.h"
#include "notifiers/channel.h"

namespace lapse::notifiers {

struct MessageText {
  std::string subject;
  // One or a few sentences, one an element.
  std::vector<std::string> sentences;
  // Names and values, such as ("due", "2026-03-01 12:00:05.250 UTC").
  std::vector<std::pair<std::string, std::string>> facts;
  // Of the primary event.
  std::vector<std::pair<std::string, std::string>> attributes;
  // A digest's alerts, one line each.
  std::vector<std::string> alert_lines;
  // What to run next.
  std::vector<std::string> commands;
};

// `notifier_name` is `notifiers/{id}`.
MessageText TextOf(const Message& message, absl::string_view notifier_name);

// Such as `FIRING order delivered: A-17 - order_delivered did not follow order_created within 10
// s`, or `RESOLVED order delivered: A-17 - order_delivered arrived 3.2 s late`.
std::string Headline(const lapse::v1::Alert& alert);

}  // namespace lapse::notifiers

#endif  // LAPSE_NOTIFIERS_ALERT_TEXT_H_
