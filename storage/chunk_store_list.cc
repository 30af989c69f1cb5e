#include "storage/chunk_store_list.h"

#include <algorithm>
#include <queue>
#include <string>
#include <tuple>
#include <utility>

#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "spdlog/spdlog.h"

namespace lapse::storage {
namespace {

using lapse::v1::Event;

// A place in the order asked for: time and sequence, both negated where the order is descending, so
// that everything below only ever goes upwards.
using Key = std::pair<int64_t, int64_t>;

constexpr Key kBeforeAll = {INT64_MIN, INT64_MIN};

int64_t Negated(int64_t value) { return value == INT64_MIN ? INT64_MAX : -value; }

struct Candidate {
  Key key;
  Event event;

  bool operator<(const Candidate& other) const { return key < other.key; }
};

// A group or a chunk that is still to be looked into: none of its events comes before `first_time`.
struct Pending {
  int64_t first_time = 0;
  int group = 0;
  // 0 for a whole group.
  LogPosition position = 0;

  // std::priority_queue has the largest on top. A group before a chunk, since it may hold chunks of
  // the same time.
  bool operator<(const Pending& other) const {
    return std::tie(other.first_time, other.position) < std::tie(first_time, position);
  }
};

class Lister {
 public:
  Lister(const EventQuery& query, ChunkSource& source)
      : query_(query),
        source_(source),
        after_(kBeforeAll),
        page_size_(std::max(query.page_size, 1)) {
    if (query.after_time_and_sequence) {
      after_ = KeyOf(query.after_time_and_sequence->first, query.after_time_and_sequence->second);
    }
    min_ = query.descending ? Negated(query.max_time_us) : query.min_time_us;
    max_ = query.descending ? Negated(query.min_time_us) : query.max_time_us;
    min_ = std::max(min_, after_.second == INT64_MAX ? after_.first + 1 : after_.first);
  }

  absl::StatusOr<EventPage> Run() {
    for (const ChunkGroup& group : source_.Groups()) {
      AddPending(group.id, 0, group.min_time_us, group.max_time_us);
    }
    while (!pending_.empty()) {
      const Pending next = pending_.top();
      if (PageIsCertain(next.first_time)) return TakePage(/*more=*/true);
      if (BudgetIsUsedUp(next.first_time)) return TakeCertain(next.first_time);
      pending_.pop();
      RETURN_IF_ERROR(next.position == 0 ? OpenGroup(next.group) : ReadChunk(next));
    }
    return TakePage(dropped_);
  }

 private:
  Key KeyOf(int64_t time_us, int64_t sequence) const {
    return query_.descending ? Key(Negated(time_us), Negated(sequence)) : Key(time_us, sequence);
  }

  void AddPending(int group, LogPosition position, int64_t min_time_us, int64_t max_time_us) {
    const int64_t first = query_.descending ? Negated(max_time_us) : min_time_us;
    const int64_t last = query_.descending ? Negated(min_time_us) : max_time_us;
    if (last < min_ || first > max_) return;
    pending_.push({std::max(first, min_), group, position});
  }

  absl::Status OpenGroup(int group) {
    const int64_t min_time_us = query_.descending ? Negated(max_) : min_;
    const int64_t max_time_us = query_.descending ? Negated(min_) : max_;
    ASSIGN_OR_RETURN(const std::vector<ChunkSummary> chunks,
                     source_.FindChunks(group, query_, min_time_us, max_time_us));
    for (const ChunkSummary& chunk : chunks) {
      AddPending(group, chunk.position, chunk.min_time_us, chunk.max_time_us);
    }
    return absl::OkStatus();
  }

  absl::Status ReadChunk(const Pending& chunk) {
    ++read_chunks_;
    absl::StatusOr<std::unique_ptr<LogEntry>> entry =
        source_.Load(chunk.group, chunk.position, Narrowed());
    if (absl::IsDataLoss(entry.status())) {
      spdlog::error("listing events: left out {}", std::string(entry.status().message()));
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(entry.status());
    read_events_ += static_cast<int64_t>((*entry)->events.size());
    for (const AcceptedEvent& accepted : (*entry)->events) Consider(accepted);
    return absl::OkStatus();
  }

  // The query with the times that an event can still have to be of use.
  EventQuery Narrowed() const {
    // Once it is known that there is more than a page, what lies beyond it is of none.
    const int64_t last = dropped_ ? std::min(max_, best_.top().key.first) : max_;
    EventQuery query = query_;
    query.min_time_us = query_.descending ? Negated(last) : min_;
    query.max_time_us = query_.descending ? Negated(min_) : last;
    return query;
  }

  // Where it is required, it is read in place: most events of a chunk have another.
  bool HasWantedAttribute(const EventView& event) {
    if (!query_.attribute_equals) return true;
    const auto attribute = event.FindAttribute(query_.attribute_equals->first);
    return attribute && KeyText(*attribute, &key_text_) &&
           key_text_ == query_.attribute_equals->second;
  }

  void Consider(const AcceptedEvent& accepted) {
    const int64_t time_us = ReportedTimeUs(*accepted.event, accepted.receive_time_us);
    const Key key = KeyOf(time_us, accepted.sequence);
    if (key <= after_ || key.first < min_ || key.first > max_ ||
        accepted.sequence > query_.max_sequence)
      return;
    const bool full = static_cast<int>(best_.size()) == page_size_;
    const bool beyond = full && best_.top().key < key;
    // Once it is known that there is more than a page, what lies beyond it need not be matched.
    if (beyond && dropped_) return;
    if (!HasWantedAttribute(*accepted.event)) return;
    Event event = accepted.event->ToEvent();
    SetTimestamp(time_us, event.mutable_occur_time());
    SetTimestamp(accepted.receive_time_us, event.mutable_ingest_time());
    event.set_sequence(accepted.sequence);
    if (!query_.matches(event)) return;
    dropped_ = dropped_ || full;
    if (beyond) return;
    if (full) best_.pop();
    best_.push({key, std::move(event)});
  }

  bool PageIsCertain(int64_t next_time) const {
    return static_cast<int>(best_.size()) == page_size_ && best_.top().key.first < next_time;
  }

  // The budget counts from where the first place becomes certain, so that every call comes forward.
  bool BudgetIsUsedUp(int64_t next_time) {
    if (next_time <= min_) return false;
    if (budget_chunks_ < 0) {
      budget_chunks_ = read_chunks_ + limits::kMaxListedChunks;
      budget_events_ = read_events_ + limits::kMaxListedEvents;
    }
    return read_chunks_ >= budget_chunks_ || read_events_ >= budget_events_;
  }

  EventPage TakePage(bool more) {
    EventPage page;
    if (more) page.next_after = PlaceOf(best_.top().key);
    page.events = TakeBest();
    return page;
  }

  // Everything before `next_time` has been seen, and nothing of it was dropped: what was is beyond
  // what is kept, of which some is not before it (PageIsCertain is false).
  EventPage TakeCertain(int64_t next_time) {
    while (!best_.empty() && best_.top().key.first >= next_time) best_.pop();
    EventPage page;
    page.next_after = PlaceOf({next_time - 1, INT64_MAX});
    page.events = TakeBest();
    return page;
  }

  std::pair<int64_t, int64_t> PlaceOf(const Key& key) const { return KeyOf(key.first, key.second); }

  std::vector<Event> TakeBest() {
    std::vector<Event> events(best_.size());
    for (size_t i = events.size(); i-- > 0; best_.pop()) {
      // The queue only shows its top as const, since moving may spoil the order; it is popped at
      // once.
      events[i] = std::move(const_cast<Candidate&>(best_.top()).event);
    }
    return events;
  }

  const EventQuery& query_;
  ChunkSource& source_;
  Key after_;
  const int page_size_;
  int64_t min_ = 0;
  int64_t max_ = 0;
  std::priority_queue<Pending> pending_;
  // The first page_size_ of those seen, the last of them on top.
  std::priority_queue<Candidate> best_;
  bool dropped_ = false;
  std::string key_text_;
  int64_t read_chunks_ = 0;
  int64_t read_events_ = 0;
  int64_t budget_chunks_ = -1;
  int64_t budget_events_ = -1;
};

}  // namespace

absl::StatusOr<EventPage> ListEvents(const EventQuery& query, ChunkSource& source) {
  return Lister(query, source).Run();
}

}  // namespace lapse::storage
