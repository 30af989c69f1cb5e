#include "storage/memory/state_store.h"

#include "storage/state_store_contract.h"

namespace lapse::storage {
namespace {

class MemoryHolder : public StateStoreHolder {
 public:
  StateStore& store() override { return store_; }
  void Reopen() override {}

 private:
  MemoryStateStore store_;
};

INSTANTIATE_TEST_SUITE_P(Memory, StateStoreContract,
                         testing::Values(StateStoreMaker{
                             "memory", [] { return std::make_unique<MemoryHolder>(); }}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace lapse::storage
