// Makes the serialized events of a pool and notes where in their bytes what is renewed stands.
#ifndef LAPSE_BENCH_LOAD_POOL_BUILDER_H_
#define LAPSE_BENCH_LOAD_POOL_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/load/event_pool.h"
#include "bench/workload/workload.h"
#include "lapse/v1/event.pb.h"

namespace lapse::bench {

// Tag and four bytes of batch_number.
inline constexpr size_t kBatchPrefixBytes = 5;

// Fills one pool. Used once.
class PoolBuilder {
 public:
  PoolBuilder(const PoolOptions& options, EventPool& pool) : options_(options), pool_(pool) {}

  void Build();

 private:
  // An event of the workloads before it is serialized.
  struct Draft {
    int64_t arrival_us = 0;
    int64_t delay_us = 0;
    // Below 0: it has no key.
    int64_t key_number = -1;
    const char* key_attribute = "";
    lapse::v1::Event event;
  };

  void AddShape(Shape shape, int64_t event_count);
  void DraftMix();
  void DraftOpen();
  // Sets placeholders, serializes, and finds them.
  EventPool::EventPlaces Append(Draft& draft, std::string& bytes);
  EventPool::KeyForm SetKey(Draft& draft);

  const PoolOptions& options_;
  EventPool& pool_;
  std::vector<Draft> drafts_;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_LOAD_POOL_BUILDER_H_
