#include "monitors/books_as_of.h"

#include <utility>

namespace lapse::monitors {

std::shared_ptr<const BooksAsOf> AwaitedBooks::Await(BooksAsOf now) {
  std::erase_if(awaited_, [](const auto& awaited) { return awaited.expired(); });
  auto books = std::make_shared<BooksAsOf>(std::move(now));
  awaited_.push_back(books);
  return books;
}

void AwaitedBooks::CountFired(absl::string_view monitor_uid, int64_t due_us,
                              const Transition& transition) {
  if (awaited_.empty() || due_us == kNever) return;
  std::erase_if(awaited_, [&](const std::weak_ptr<BooksAsOf>& awaited) {
    const std::shared_ptr<BooksAsOf> books = awaited.lock();
    if (books == nullptr) return true;
    if (due_us <= books->mark_time_us && monitor_uid == books->monitor_uid)
      books->books.Count(transition);
    return false;
  });
}

}  // namespace lapse::monitors
