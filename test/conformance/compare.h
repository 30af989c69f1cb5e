// Holds outcomes against the oracle and against each other.
#ifndef LAPSE_TEST_CONFORMANCE_COMPARE_H_
#define LAPSE_TEST_CONFORMANCE_COMPARE_H_

#include <cstdint>
#include <vector>

#include "test/conformance/differences.h"
#include "test/conformance/outcome.h"
#include "test/conformance/scenario.h"

namespace lapse::conformance {

struct Counts {
  // Compared one by one.
  int64_t verdicts = 0;
  int64_t alerts = 0;
  // Those not listed any more; their number is in the books all the same.
  int64_t unlisted = 0;
  // What depends on the order of arrival.
  int64_t withdrawn = 0;
  int64_t received_late = 0;
  int64_t superseded = 0;
  // Changes of alerts, by reason.
  int64_t rejudged = 0;
  int64_t detected_late = 0;
};

// The books must balance and be the oracle's; the verdict of every expectation must be the
// oracle's; exactly those that are MISSED or LATE must have an alert, in the state the oracle says,
// besides alerts resolved as received late or superseded. Where keys were forgotten, or have many
// expectations, not `all_listed`: those that are not are held against the books alone.
Counts CompareWithOracle(const Scenario& scenario, const std::vector<int64_t>& event_of_sequence,
                         const Outcome& outcome, bool all_listed, Differences& differences);

// Books, expectations and every change of every alert must be the same, to the byte.
void CompareOutcomes(const Scenario& scenario, const Outcome& live, const Outcome& replayed,
                     Differences& differences);

}  // namespace lapse::conformance

#endif  // LAPSE_TEST_CONFORMANCE_COMPARE_H_
