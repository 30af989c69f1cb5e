// Takes out of a process what would make two runs of it differ and is none of the product's doing.
#ifndef LAPSE_TEST_SIMULATION_DETERMINISM_H_
#define LAPSE_TEST_SIMULATION_DETERMINISM_H_

namespace lapse::simulation {

// Runs the program again with memory at fixed places, where the system lets it: hash tables are
// ordered by where they lie.
void FixAddresses(char** argv);

// In the process of one life, before it has threads: memory is given out in the order in which it
// is asked for, and the processor's counter, which Protobuf orders its maps by, stands still.
void FixMemoryAndCounter();

}  // namespace lapse::simulation

#endif  // LAPSE_TEST_SIMULATION_DETERMINISM_H_
