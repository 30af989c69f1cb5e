#include "bench/subscribers/subscriber.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "base/proto_time.h"

namespace lapse::bench {

template <typename Condition>
bool Seen::WaitWhileProgress(Condition condition, int64_t patience_us) {
  MutexLock lock(mutex_);
  last_progress_us_ = RealClock().NowUs();
  while (!condition()) {
    const int64_t until_us = last_progress_us_ + patience_us;
    if (RealClock().NowUs() >= until_us) return false;
    RealClock().WaitUntil(lock, changed_, until_us);
  }
  return true;
}

bool Seen::WaitSynced(int subscribers, int64_t patience_us) {
  return WaitWhileProgress([&] { return synced_ >= subscribers || done_ > 0; }, patience_us) &&
         done_ == 0;
}

bool Seen::WaitChanges(int64_t changes, int64_t patience_us) {
  return WaitWhileProgress([&] { return changes_ >= changes; }, patience_us);
}

void Seen::WaitDone(int streams) {
  MutexLock lock(mutex_);
  changed_.wait(lock, [&] { return done_ >= streams; });
}

void Seen::AddSynced(const std::string& cursor) {
  MutexLock lock(mutex_);
  ++synced_;
  cursor_ = cursor;
  last_progress_us_ = RealClock().NowUs();
  changed_.notify_all();
}

void Seen::AddChange(const lapse::v1::AlertChange& change) {
  const int64_t now_us = RealClock().NowUs();
  const int64_t due_us = ToMicros(change.alert().due_time());
  MutexLock lock(mutex_);
  ++changes_;
  due_to_read_.Add(now_us - due_us);
  last_due_us_ = std::max(last_due_us_, due_us);
  last_change_us_ = std::max(last_change_us_, ToMicros(change.change_time()));
  cursor_ = change.cursor();
  last_progress_us_ = now_us;
  changed_.notify_all();
}

void Seen::AddDone(const grpc::Status& status) {
  MutexLock lock(mutex_);
  ++done_;
  if (error_.empty() && status.error_code() != grpc::StatusCode::CANCELLED) {
    error_ = CodeName(status.error_code());
  }
  changed_.notify_all();
}

std::string Seen::ToJson() {
  MutexLock lock(mutex_);
  return absl::StrFormat(
      "{\"changes\": %d, \"synced\": %d, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, "
      "\"last_due_us\": %d, \"last_change_us\": %d, \"cursor\": \"%s\", \"error\": \"%s\"}",
      changes_, synced_, due_to_read_.AtMs(0.5), due_to_read_.AtMs(0.99), due_to_read_.AtMs(1.0),
      last_due_us_, last_change_us_, cursor_, error_);
}

Subscriber::Subscriber(const std::shared_ptr<grpc::Channel>& channel, const std::string& cursor,
                       const std::string& filter, bool reads, Seen& seen)
    : stub_(lapse::v1::AlertService::NewStub(channel)), reads_(reads), seen_(seen) {
  request_.set_cursor(cursor);
  request_.set_filter(filter);
}

void Subscriber::Start() {
  stub_->async()->StreamAlerts(&context_, &request_, this);
  if (reads_) StartRead(&response_);
  StartCall();
}

void Subscriber::OnReadDone(bool ok) {
  if (!ok) return;
  if (response_.has_synced()) seen_.AddSynced(response_.synced().cursor());
  // Those of a snapshot have no cursor: they are not news.
  if (response_.has_change() && !response_.change().cursor().empty()) {
    seen_.AddChange(response_.change());
  }
  StartRead(&response_);
}

void Subscriber::OnDone(const grpc::Status& status) { seen_.AddDone(status); }

}  // namespace lapse::bench
