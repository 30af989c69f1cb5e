#include "cli/context.h"

#include <chrono>
#include <cstdlib>
#include <ostream>

#include "base/clock.h"
#include "base/limits.h"
#include "google/protobuf/message.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace lapse::cli {
namespace {

// More than twice the server's heartbeat: asks for a sign of life only where a stream has been
// silent.
constexpr int kKeepaliveMs = 35'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kMaxReconnectMs = 5'000;

}  // namespace

Context::Context(std::ostream& out, std::ostream& err, size_t width)
    : out_(out), err_(err), width_(width) {}

Context::~Context() = default;

std::shared_ptr<grpc::ChannelInterface> Context::channel() {
  if (channel_ != nullptr) return channel_;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(4 * limits::kMaxTransportMessageBytes));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectMs);
  channel_ =
      grpc::CreateCustomChannel(options.server, grpc::InsecureChannelCredentials(), arguments);
  return channel_;
}

void Context::SetDeadline(grpc::ClientContext* call) const {
  const std::chrono::microseconds deadline(RealClock().NowUs() + options.timeout_us);
  call->set_deadline(std::chrono::system_clock::time_point(deadline));
}

ViewTime Context::view_time() const { return {RealClock().NowUs(), absl::LocalTimeZone()}; }

TableStyle Context::style() const {
  // https://no-color.org
  const char* no_color = std::getenv("NO_COLOR");
  const bool color = out_is_terminal() && !options.no_color && (no_color == nullptr || !*no_color);
  return {width_, color};
}

void Context::PrintText(absl::string_view text) { out_ << text; }

void Context::PrintNote(absl::string_view sentence) { err_ << sentence << "\n"; }

void Context::PrintData(const google::protobuf::Message& message) {
  out_ << (options.format == Format::kJson ? PrettyJson(message) : YamlDocument(message));
}

void Context::PrintDataList(const std::vector<const google::protobuf::Message*>& messages) {
  out_ << (options.format == Format::kJson ? JsonArray(messages) : YamlDocuments(messages));
}

}  // namespace lapse::cli
