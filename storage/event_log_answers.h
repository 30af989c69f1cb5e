// Tells callers what became durable, beside the log's thread: that goes on to its next commit
// meanwhile.
#ifndef LAPSE_STORAGE_EVENT_LOG_ANSWERS_H_
#define LAPSE_STORAGE_EVENT_LOG_ANSWERS_H_

#include <deque>
#include <thread>

#include "base/mutex.h"
#include "storage/event_log_group.h"
#include "storage/log_entry.h"

namespace lapse::storage {

// Answers groups in their order, each caller once.
class EventLogAnswers {
 public:
  EventLogAnswers() = default;
  ~EventLogAnswers() { Stop(); }
  EventLogAnswers(const EventLogAnswers&) = delete;
  EventLogAnswers& operator=(const EventLogAnswers&) = delete;

  void Start();
  // For the log's thread. A group of few callers that has none before it is answered at once;
  // others wait for the own thread, and the caller waits while too many do.
  void Answer(LogGroup group, LogPosition position);
  // Answers what waits, then ends the thread. No Answer comes any more.
  void Stop();

 private:
  struct Waiting {
    LogGroup group;
    LogPosition position = 0;
  };

  void Run();

  Mutex mutex_;
  CondVar changed_;
  // The first is being answered.
  std::deque<Waiting> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_EVENT_LOG_ANSWERS_H_
