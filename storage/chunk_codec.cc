#include "storage/chunk_codec.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/status_macros.h"
#include "xxhash.h"
#include "zstd.h"

namespace lapse::storage {
namespace {

using lapse::internal::v1::ChunkHeader;

constexpr int kCompressionLevel = 1;

uint64_t ChecksumOf(absl::string_view header, absl::string_view body) {
  // Seeding the one with the other makes the border between them part of the checksum.
  return XXH3_64bits_withSeed(body.data(), body.size(), XXH3_64bits(header.data(), header.size()));
}

absl::Status Damaged(const char* what) { return absl::DataLossError(what); }

// Joins the entry's events as the elements of a BatchIngestEventsRequest. Where events came next to
// each other, so they are copied together.
class EventJoiner {
 public:
  void Add(const EventView& event) {
    const absl::string_view bytes = event.bytes();
    const size_t frame = EventFrameBytes(bytes.size());
    if (!run_.empty() && run_.data() + run_.size() + frame == bytes.data()) {
      run_ = absl::string_view(run_.data(), run_.size() + frame + bytes.size());
      return;
    }
    EndRun();
    char header[kMaxFrameBytes];
    joined_.append(header, WriteEventFrame(bytes.size(), header) - header);
    run_ = bytes;
  }
  std::string Take() {
    EndRun();
    return std::move(joined_);
  }
  void Reserve(size_t size) { joined_.reserve(size); }

 private:
  static constexpr size_t kMaxFrameBytes = 6;

  void EndRun() {
    joined_.append(run_.data(), run_.size());
    run_ = {};
  }

  std::string joined_;
  absl::string_view run_;
};

std::string JoinEvents(const LogEntry& entry) {
  size_t size = 0;
  for (const AcceptedEvent& accepted : entry.events) {
    size += EventFrameBytes(accepted.event->bytes().size()) + accepted.event->bytes().size();
  }
  EventJoiner joiner;
  joiner.Reserve(size);
  for (const AcceptedEvent& accepted : entry.events) joiner.Add(*accepted.event);
  return joiner.Take();
}

absl::StatusOr<std::string> Compress(const std::string& bytes) {
  // A context is large: one a thread, kept.
  thread_local const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                                  &ZSTD_freeCCtx);
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compressCCtx(context.get(), out.data(), out.size(), bytes.data(),
                                        bytes.size(), kCompressionLevel);
  if (ZSTD_isError(size)) return absl::InternalError(ZSTD_getErrorName(size));
  out.resize(size);
  return out;
}

absl::StatusOr<absl::string_view> Decompress(absl::string_view body, int64_t expected_size,
                                             EventBatch* batch) {
  if (expected_size < 0 || expected_size > static_cast<int64_t>(limits::kMaxQueuedBytes)) {
    return Damaged("impossible body size");
  }
  const size_t expected = static_cast<size_t>(expected_size);
  if (body.empty() && expected == 0) return absl::string_view();
  char* const bytes = batch->Allocate(expected);
  const size_t size = ZSTD_decompress(bytes, expected, body.data(), body.size());
  if (ZSTD_isError(size) || size != expected) return Damaged("the body does not decompress");
  return absl::string_view(bytes, expected);
}

// An earlier version wrote whatever protobuf makes of an event.
absl::Status ReadOddEvent(absl::string_view bytes, EventBatch* batch) {
  lapse::v1::Event event;
  if (!event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !batch->AddCopy(std::move(event))) {
    return Damaged("the body holds what is no event");
  }
  return absl::OkStatus();
}

absl::Status ReadBody(absl::string_view body, int64_t expected_size, EventBatch* batch) {
  ASSIGN_OR_RETURN(const absl::string_view bytes, Decompress(body, expected_size, batch));
  EventFrameReader frames(bytes);
  absl::string_view event;
  while (frames.Next(&event)) {
    if (!batch->Add(event)) RETURN_IF_ERROR(ReadOddEvent(event, batch));
  }
  return frames.done() ? absl::OkStatus() : Damaged("the body holds no events");
}

void AddSegments(const LogEntry& entry, ChunkHeader* header) {
  for (size_t i = 0; i < entry.events.size(); ++i) {
    const AcceptedEvent& accepted = entry.events[i];
    const int count = header->segments_size();
    if (count == 0 || header->segments(count - 1).receive_time_us() != accepted.receive_time_us) {
      header->add_segments()->set_receive_time_us(accepted.receive_time_us);
    }
    auto* segment = header->mutable_segments(header->segments_size() - 1);
    segment->set_event_count(segment->event_count() + 1);
    if (accepted.has_server_id) header->add_server_id_indexes(static_cast<int32_t>(i));
  }
}

ChunkHeader HeaderOf(const LogEntry& entry, int64_t body_size) {
  ChunkHeader header;
  header.set_position(entry.position);
  header.set_first_sequence(entry.first_sequence);
  header.set_write_time_us(entry.write_time_us);
  header.set_mark_time_us(entry.mark_time_us);
  for (const auto& control : entry.controls) *header.add_controls() = control;
  AddSegments(entry, &header);
  header.set_body_size_bytes(body_size);
  return header;
}

absl::Status FillEvents(const ChunkHeader& header, LogEntry* entry) {
  const std::vector<EventView>& events = entry->owned.back().events();
  const int64_t count = static_cast<int64_t>(events.size());
  entry->events.reserve(events.size());
  for (const auto& segment : header.segments()) {
    const int64_t end = static_cast<int64_t>(entry->events.size()) + segment.event_count();
    if (segment.event_count() <= 0 || end > count) return Damaged("impossible segment");
    for (int64_t i = static_cast<int64_t>(entry->events.size()); i < end; ++i) {
      const EventView& event = events[i];
      entry->events.push_back({&event, header.first_sequence() + i, segment.receive_time_us(),
                               JudgedTimeUs(event, segment.receive_time_us())});
    }
  }
  if (entry->events.size() != events.size()) return Damaged("events outside of any segment");
  for (const int32_t index : header.server_id_indexes()) {
    if (index < 0 || index >= count) return Damaged("impossible event index");
    entry->events[index].has_server_id = true;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<EncodedChunk> EncodeChunk(const LogEntry& entry) {
  EncodedChunk chunk;
  const std::string bytes = JoinEvents(entry);
  if (bytes.size() > limits::kMaxQueuedBytes)
    return absl::InvalidArgumentError("too many bytes for one log entry");
  if (!bytes.empty()) {
    ASSIGN_OR_RETURN(chunk.body, Compress(bytes));
  }
  chunk.header = HeaderOf(entry, static_cast<int64_t>(bytes.size())).SerializeAsString();
  chunk.checksum = ChecksumOf(chunk.header, chunk.body);
  for (const AcceptedEvent& accepted : entry.events) {
    const int64_t time_us = ReportedTimeUs(*accepted.event, accepted.receive_time_us);
    chunk.min_time_us = std::min(chunk.min_time_us, time_us);
    chunk.max_time_us = std::max(chunk.max_time_us, time_us);
  }
  return chunk;
}

absl::StatusOr<std::unique_ptr<LogEntry>> DecodeChunk(absl::string_view header_bytes,
                                                      absl::string_view body, uint64_t checksum) {
  if (ChecksumOf(header_bytes, body) != checksum) return Damaged("the checksum does not match");
  ChunkHeader header;
  if (!header.ParseFromArray(header_bytes.data(), static_cast<int>(header_bytes.size()))) {
    return Damaged("the header is no header");
  }
  auto entry = std::make_unique<LogEntry>();
  entry->position = header.position();
  entry->first_sequence = header.first_sequence();
  entry->write_time_us = header.write_time_us();
  entry->mark_time_us = header.mark_time_us();
  entry->controls.assign(std::make_move_iterator(header.mutable_controls()->begin()),
                         std::make_move_iterator(header.mutable_controls()->end()));
  entry->owned.emplace_back();
  RETURN_IF_ERROR(ReadBody(body, header.body_size_bytes(), &entry->owned.back()));
  RETURN_IF_ERROR(FillEvents(header, entry.get()));
  return entry;
}

}  // namespace lapse::storage
