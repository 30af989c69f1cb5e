// What every StateStore must do. Link :state_store_contract and instantiate StateStoreContract with
// a way to make one.
#ifndef LAPSE_STORAGE_STATE_STORE_CONTRACT_H_
#define LAPSE_STORAGE_STATE_STORE_CONTRACT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/state_store.h"

namespace lapse::storage {

// Owns a store and whatever it lives on.
class StateStoreHolder {
 public:
  virtual ~StateStoreHolder() = default;
  virtual StateStore& store() = 0;
  // Closes the store and opens it again, as a restart does. store() is another one from now on
  // where that means anything.
  virtual void Reopen() = 0;
};

struct StateStoreMaker {
  std::string name;
  std::function<std::unique_ptr<StateStoreHolder>()> make;
};

class StateStoreContract : public testing::TestWithParam<StateStoreMaker> {
 protected:
  StateStoreContract() : holder_(GetParam().make()) {}

  StateStore& store() { return holder_->store(); }
  void Reopen() { holder_->Reopen(); }

  // Stores one change at `time_us`.
  void Commit(const lapse::v1::Alert& alert, int64_t time_us = 1, bool notify = false);
  void CreateNotifier(const std::string& name);
  // Alerts, with their state, as "alerts/a:FIRING"; of a picture as of `at`, read page by page.
  std::vector<std::string> FiringAt(FeedPosition at, int page_size = 2);
  // The names (without "notifiers/") of the deliveries that are due, in order.
  std::vector<std::string> Due(const std::string& notifier, int64_t now_us);
  lapse::v1::Delivery DeliveryNamed(const std::string& name);
  // Records a try that ended so.
  void Try(const std::string& delivery, lapse::v1::Delivery::State state,
           int64_t next_try_time_us = 0);

 private:
  std::unique_ptr<StateStoreHolder> holder_;
};

lapse::v1::Alert Firing(const std::string& name, int64_t version = 1,
                        const std::vector<std::string>& notifiers = {});
lapse::v1::Alert Resolved(const std::string& name, int64_t version,
                          const std::vector<std::string>& notifiers = {});

std::string ReasonOf(const absl::Status& status);

// Checks an absl::Status or StatusOr.
#define EXPECT_CODE_AND_REASON(status_expression, code_name, reason_text)      \
  do {                                                                         \
    const absl::Status seen_status = ToStatus(status_expression);              \
    EXPECT_EQ(seen_status.code(), absl::StatusCode::code_name) << seen_status; \
    EXPECT_EQ(ReasonOf(seen_status), reason_text) << seen_status;              \
  } while (false)

inline const absl::Status& ToStatus(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& ToStatus(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_STATE_STORE_CONTRACT_H_
