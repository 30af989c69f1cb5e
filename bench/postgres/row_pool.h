// The events of a load as PostgreSQL takes them fastest: binary COPY data, made before the clock
// starts, whose ids, keys and times are renewed in place before each send.
#ifndef LAPSE_BENCH_POSTGRES_ROW_POOL_H_
#define LAPSE_BENCH_POSTGRES_ROW_POOL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "bench/load/event_pool.h"
#include "bench/workload/random.h"
#include "lapse/v1/event.pb.h"

namespace lapse::bench {

// Columns: id uuid, source text, type text, key text, occur_time timestamptz, attributes bytea.
// One thread at a time.
class RowPool {
 public:
  // `options.profile` is kMix. Errors are those of EventPool.
  static absl::StatusOr<RowPool> Make(const PoolOptions& options);

  size_t batch_rows() const { return batch_rows_; }

  // The next batch, in turn, renewed for a send at `now_us`. Valid until its turn comes again.
  absl::string_view Next(int64_t now_us);

 private:
  // Places in the bytes of a batch.
  struct RowPlaces {
    size_t id = 0;
    size_t time = 0;
    // 0: it has no key.
    size_t key_digits = 0;
    int64_t key_number = 0;
  };
  struct Batch {
    std::string bytes;
    std::vector<RowPlaces> rows;
  };

  explicit RowPool(const PoolOptions& options)
      : random_(options.seed), first_key_(options.first_key), batch_rows_(options.batch_events) {}
  void Append(const lapse::v1::Event& event, Batch& batch);
  void Renew(const RowPlaces& row, int64_t now_us, char* bytes);

  Random random_;
  int64_t first_key_;
  size_t batch_rows_;
  std::vector<Batch> batches_;
  int64_t round_keys_ = 0;
  int64_t taken_ = 0;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_POSTGRES_ROW_POOL_H_
