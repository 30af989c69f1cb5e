#include "storage/memory/checkpoint_store.h"

#include "storage/checkpoint_store_contract.h"

namespace lapse::storage {
namespace {

class MemoryHolder : public CheckpointStoreHolder {
 public:
  CheckpointStore& store() override { return store_; }
  void Reopen() override {}

 private:
  MemoryCheckpointStore store_;
};

INSTANTIATE_TEST_SUITE_P(Memory, CheckpointStoreContract,
                         testing::Values(CheckpointStoreMaker{
                             "memory", [] { return std::make_unique<MemoryHolder>(); }}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace lapse::storage
