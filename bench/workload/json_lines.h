// A workload as files of JSON lines. The same workload gives the same bytes.
#ifndef LAPSE_BENCH_WORKLOAD_JSON_LINES_H_
#define LAPSE_BENCH_WORKLOAD_JSON_LINES_H_

#include <string>

#include "absl/status/status.h"
#include "bench/workload/workload.h"

namespace lapse::bench {

// Writes, replacing what is there:
//   PREFIX.monitors.jsonl  a lapse.v1.Monitor a line
//   PREFIX.events.jsonl    in order of arrival: {"arrival_time", "copy", "event": lapse.v1.Event}
//   PREFIX.expected.jsonl  by monitor and key, an expectation a line, as it must have ended
//   PREFIX.books.jsonl     the expected counts of each monitor
// UNAVAILABLE, naming the file, where one cannot be written.
absl::Status WriteJsonLines(const Workload& workload, const std::string& prefix);

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_WORKLOAD_JSON_LINES_H_
