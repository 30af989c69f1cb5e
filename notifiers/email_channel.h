// Mail by SMTP.
#ifndef LAPSE_NOTIFIERS_EMAIL_CHANNEL_H_
#define LAPSE_NOTIFIERS_EMAIL_CHANNEL_H_

#include <atomic>

#include "lapse/v1/notifier.pb.h"
#include "notifiers/channel.h"

namespace lapse::notifiers {

// Sends by libcurl, each mail over a connection of its own. STARTTLS is required unless the
// notifier says otherwise, TLS is 1.2 or newer and the server's certificate is checked. The
// password is read at each send. No proxy is used.
//
// A mail is sent once for all recipients; where the server takes some of them and refuses others,
// it is sent to those and the result's error names a refusal. Where it refuses all of them and one
// refusal is 4xx, the mail is tried again.
class EmailChannel : public Channel {
 public:
  EmailChannel();
  EmailChannel(const EmailChannel&) = delete;
  EmailChannel& operator=(const EmailChannel&) = delete;

  // `notifier` has `email` and passed ValidateNotifier.
  SendResult Send(const Message& message, const lapse::v1::Notifier& notifier) override;
  void Cancel() override;

 private:
  std::atomic<bool> cancelled_ = false;
};

}  // namespace lapse::notifiers

#endif  // LAPSE_NOTIFIERS_EMAIL_CHANNEL_H_
