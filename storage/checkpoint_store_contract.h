// What every CheckpointStore must do. Link :checkpoint_store_contract and instantiate
// CheckpointStoreContract.
#ifndef LAPSE_STORAGE_CHECKPOINT_STORE_CONTRACT_H_
#define LAPSE_STORAGE_CHECKPOINT_STORE_CONTRACT_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "storage/checkpoint_store.h"

namespace lapse::storage {

// Owns a store and whatever it lives on.
class CheckpointStoreHolder {
 public:
  virtual ~CheckpointStoreHolder() = default;
  virtual CheckpointStore& store() = 0;
  // As a restart does.
  virtual void Reopen() = 0;
};

struct CheckpointStoreMaker {
  std::string name;
  std::function<std::unique_ptr<CheckpointStoreHolder>()> make;
};

class CheckpointStoreContract : public testing::TestWithParam<CheckpointStoreMaker> {
 protected:
  CheckpointStoreContract() : holder_(GetParam().make()) {}

  CheckpointStore& store() { return holder_->store(); }
  void Reopen() { holder_->Reopen(); }
  // (position, state) by partition.
  std::map<int, std::pair<LogPosition, std::string>> LoadAll();

 private:
  std::unique_ptr<CheckpointStoreHolder> holder_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_CHECKPOINT_STORE_CONTRACT_H_
