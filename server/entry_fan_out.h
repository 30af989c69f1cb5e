// Between the log and what follows it: a thread of its own, so that the log goes on to its next
// commit while the last entry is counted and routed.
#ifndef LAPSE_SERVER_ENTRY_FAN_OUT_H_
#define LAPSE_SERVER_ENTRY_FAN_OUT_H_

#include <deque>
#include <memory>
#include <thread>

#include "base/mutex.h"
#include "server/event_types.h"
#include "storage/event_log.h"

namespace lapse::server {

// Hands each entry to the tally and then to the matcher, in log order.
class EntryFanOut : public storage::LogFollower {
 public:
  // Both outlive it.
  EntryFanOut(EventTypes& types, storage::LogFollower& matcher);
  ~EntryFanOut() override { Stop(); }
  EntryFanOut(const EntryFanOut&) = delete;
  EntryFanOut& operator=(const EntryFanOut&) = delete;

  // Waits while a few entries wait: who is slow holds the log back. One of few events that has none
  // before it is handed on at once, on the caller's thread.
  void OnEntry(std::shared_ptr<const storage::LogEntry> entry) override;

  // Hands on what waits, then ends the thread. The log has ended.
  void Stop();

 private:
  void Run();
  // By one thread at a time: by the own one while entries wait, else by the caller of OnEntry.
  void HandOn(std::shared_ptr<const storage::LogEntry> entry);

  EventTypes& types_;
  storage::LogFollower& matcher_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::shared_ptr<const storage::LogEntry>> entries_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace lapse::server

#endif  // LAPSE_SERVER_ENTRY_FAN_OUT_H_
