// Appends a control record to the log and waits until it is durable. Not on gRPC's threads.
#ifndef LAPSE_SERVER_APPEND_CONTROL_H_
#define LAPSE_SERVER_APPEND_CONTROL_H_

#include <future>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "storage/event_log.h"

namespace lapse::server {

inline absl::StatusOr<storage::LogPosition> AppendControlAndWait(
    storage::EventLog& log, lapse::internal::v1::ControlRecord control) {
  auto done = std::make_shared<std::promise<absl::StatusOr<storage::LogPosition>>>();
  std::future<absl::StatusOr<storage::LogPosition>> result = done->get_future();
  RETURN_IF_ERROR(
      log.AppendControl(std::move(control), [done](absl::StatusOr<storage::LogPosition> position) {
        done->set_value(std::move(position));
      }));
  return result.get();
}

}  // namespace lapse::server

#endif  // LAPSE_SERVER_APPEND_CONTROL_H_
