// What every command works with: the server to talk to and where to write.
#ifndef LAPSE_CLI_CONTEXT_H_
#define LAPSE_CLI_CONTEXT_H_

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/view.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace grpc {
class ChannelInterface;
class ClientContext;
}  // namespace grpc

namespace lapse::cli {

struct GlobalOptions {
  // HOST:PORT.
  std::string server = "127.0.0.1:7070";
  // Of one call.
  int64_t timeout_us = 10'000'000;
  Format format = Format::kTable;
  bool no_color = false;
};

// Not thread-safe, but for what says so. The streams outlive it.
class Context {
 public:
  // `width` is that of the terminal behind `out`, 0 where it is none.
  Context(std::ostream& out, std::ostream& err, size_t width);
  ~Context();

  // Filled in by the command line before a command runs.
  GlobalOptions options;

  std::ostream& out() { return out_; }
  std::ostream& err() { return err_; }
  bool out_is_terminal() const { return width_ > 0; }

  template <typename Service>
  std::unique_ptr<typename Service::Stub> NewStub() {
    return Service::NewStub(channel());
  }
  std::shared_ptr<grpc::ChannelInterface> channel();

  // Gives the call the deadline of --timeout. Thread-safe.
  void SetDeadline(grpc::ClientContext* call) const;

  // In the local time zone.
  ViewTime view_time() const;
  TableStyle style() const;

  // Writes one message: as `table()` for people, else as JSON or YAML.
  template <typename Render>
  void Print(const google::protobuf::Message& message, const Render& table) {
    options.format == Format::kTable ? PrintText(table()) : PrintData(message);
  }

  // Writes a list: as `table()` for people, or the sentence `none` where it is empty; else a JSON
  // array or YAML documents.
  template <typename Message, typename Render>
  void PrintList(const std::vector<Message>& messages, absl::string_view none,
                 const Render& table) {
    if (options.format != Format::kTable) {
      return PrintDataList(Pointers(messages));
    }
    messages.empty() ? PrintNote(none) : PrintText(table());
  }

  void PrintText(absl::string_view text);
  // A line for people, not part of the result: to stderr.
  void PrintNote(absl::string_view sentence);

  // What the command came to; main turns it into the exit code.
  absl::Status result;

 private:
  template <typename Message>
  static std::vector<const google::protobuf::Message*> Pointers(
      const std::vector<Message>& messages) {
    std::vector<const google::protobuf::Message*> pointers;
    pointers.reserve(messages.size());
    for (const Message& message : messages) pointers.push_back(&message);
    return pointers;
  }

  void PrintData(const google::protobuf::Message& message);
  void PrintDataList(const std::vector<const google::protobuf::Message*>& messages);

  std::ostream& out_;
  std::ostream& err_;
  const size_t width_;
  std::shared_ptr<grpc::ChannelInterface> channel_;
};

}  // namespace lapse::cli

#endif  // LAPSE_CLI_CONTEXT_H_
