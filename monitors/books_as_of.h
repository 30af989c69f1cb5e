// A monitor's books as of a place in the log, while deadlines that are due there fire later.
#ifndef LAPSE_MONITORS_BOOKS_AS_OF_H_
#define LAPSE_MONITORS_BOOKS_AS_OF_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "monitors/books.h"
#include "monitors/key_state.h"
#include "storage/log_entry.h"

namespace lapse::monitors {

struct BooksAsOf {
  std::string monitor_uid;
  storage::LogPosition position = 0;
  // What is due at this mark is in the books as if it had fired, once it has.
  int64_t mark_time_us = 0;
  Books books;
};

// The books that somebody waits for: those that nobody holds any more are forgotten. Used by one
// thread at a time.
class AwaitedBooks {
 public:
  // `now`: as they stand at the place.
  std::shared_ptr<const BooksAsOf> Await(BooksAsOf now);
  // A deadline that was due at `due_us` has fired; kNever: it was another decision.
  void CountFired(absl::string_view monitor_uid, int64_t due_us, const Transition& transition);

 private:
  std::vector<std::weak_ptr<BooksAsOf>> awaited_;
};

}  // namespace lapse::monitors

#endif  // LAPSE_MONITORS_BOOKS_AS_OF_H_
