#include "storage/event_batch.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "google/protobuf/io/coded_stream.h"

namespace lapse::storage {
namespace {

using google::protobuf::io::CodedOutputStream;
using lapse::v1::Event;

constexpr uint32_t kFrameTag = 2 << 3 | 2;
constexpr uint32_t kIdTag = Event::kIdFieldNumber << 3 | 2;

}  // namespace

size_t EventFrameBytes(size_t event_size) {
  return 1 + CodedOutputStream::VarintSize32(static_cast<uint32_t>(event_size));
}

char* WriteEventFrame(size_t event_size, char* out) {
  auto* at = reinterpret_cast<uint8_t*>(out);
  at = CodedOutputStream::WriteTagToArray(kFrameTag, at);
  at = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(event_size), at);
  return reinterpret_cast<char*>(at);
}

EventBatch EventBatch::Of(const google::protobuf::RepeatedPtrField<Event>& events) {
  EventBatch batch;
  for (const Event& event : events) {
    // A mistake of the caller, which must not lose an event.
    if (!batch.AddCopy(event)) std::abort();
  }
  return batch;
}

EventBatch EventBatch::Of(const Event& event) {
  google::protobuf::RepeatedPtrField<Event> events;
  *events.Add() = event;
  return Of(events);
}

char* EventBatch::Allocate(size_t size) {
  // Not set to zero first.
  buffers_.push_back(std::unique_ptr<char[]>(new char[size]));
  allocated_bytes_ += size;
  return buffers_.back().get();
}

bool EventBatch::Add(absl::string_view bytes) {
  events_.emplace_back();
  if (EventView::Scan(bytes, &events_.back())) return true;
  events_.pop_back();
  return false;
}

bool EventBatch::AddCopy(Event event) {
  event.clear_ingest_time();
  event.clear_sequence();
  const auto add = [this, &event] {
    const size_t size = event.ByteSizeLong();
    char* const begin = WriteEventFrame(size, Allocate(EventFrameBytes(size) + size));
    return event.SerializeToArray(begin, static_cast<int>(size)) && Add({begin, size});
  };
  if (add()) return true;
  // What it has beyond what we know may stand where no EventView expects it.
  event.DiscardUnknownFields();
  return add();
}

std::vector<int> EventBatch::GiveIds(absl::FunctionRef<std::string()> next) {
  std::vector<int> given;
  for (size_t i = 0; i < events_.size(); ++i) {
    const absl::string_view bytes = events_[i].bytes();
    if (!events_[i].id().empty()) continue;
    const std::string id = next();
    const size_t size = 2 + id.size() + bytes.size();
    char* const begin = WriteEventFrame(size, Allocate(EventFrameBytes(size) + size));
    begin[0] = static_cast<char>(kIdTag);
    begin[1] = static_cast<char>(id.size());
    std::memcpy(begin + 2, id.data(), id.size());
    std::memcpy(begin + 2 + id.size(), bytes.data(), bytes.size());
    // Of the same shape but for the id, which is within its limit.
    if (!EventView::Scan({begin, size}, &events_[i])) std::abort();
    given.push_back(static_cast<int>(i));
  }
  return given;
}

size_t EventBatch::ByteSize() const {
  size_t size = 0;
  for (const EventView& event : events_) {
    size += EventFrameBytes(event.bytes().size()) + event.bytes().size();
  }
  return size;
}

}  // namespace lapse::storage
