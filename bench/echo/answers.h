// What an echo answers: as lapsed would where every event is accepted.
#ifndef LAPSE_BENCH_ECHO_ANSWERS_H_
#define LAPSE_BENCH_ECHO_ANSWERS_H_

#include <cstdint>

#include "lapse/v1/event_service.pb.h"

namespace lapse::bench {

inline void FillAnswer(const lapse::v1::IngestEventStreamRequest& request, int64_t first_sequence,
                       lapse::v1::IngestEventStreamResponse& response) {
  response.set_batch_number(request.batch_number());
  response.mutable_status();
  lapse::v1::BatchIngestEventsResponse& result = *response.mutable_result();
  result.set_accepted_count(request.events_size());
  result.set_first_sequence(first_sequence);
  result.clear_sequences();
  result.mutable_sequences()->Reserve(request.events_size());
  for (int i = 0; i < request.events_size(); ++i) result.add_sequences(first_sequence + i);
}

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_ECHO_ANSWERS_H_
