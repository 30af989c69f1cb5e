// SQLite on the simulated disk.
#ifndef LAPSE_TEST_SIMULATION_SQLITE_VFS_H_
#define LAPSE_TEST_SIMULATION_SQLITE_VFS_H_

namespace lapse::simulation {

// Registers the VFS "lapse-simulation" and makes it the default, so that the product opens its
// databases on it without knowing. Once a process.
void RegisterVfs();

}  // namespace lapse::simulation

#endif  // LAPSE_TEST_SIMULATION_SQLITE_VFS_H_
