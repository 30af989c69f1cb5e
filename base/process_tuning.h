// What a process that moves many messages sets before it begins.
#ifndef LAPSE_BASE_PROCESS_TUNING_H_
#define LAPSE_BASE_PROCESS_TUNING_H_

namespace lapse {

// To be called by main, before the first thread. Of the whole process, and costs nothing later:
// - Freed buffers of up to 16 MiB are kept for the next request or commit: each page would come
//   anew from the kernel.
// - abseil looks for deadlocks at no lock. Debian builds it with that check, which gRPC would pay
//   for at every lock; ThreadSanitizer looks for them in our tests.
void TuneProcess();

}  // namespace lapse

#endif  // LAPSE_BASE_PROCESS_TUNING_H_
