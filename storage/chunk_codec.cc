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

uint64_t ChecksumOf(absl::string_view header, absl::string_view body) {
  // Seeding the one with the other makes the border between them part of the checksum.
  return XXH3_64bits_withSeed(body.data(), body.size(), XXH3_64bits(header.data(), header.size()));
}

absl::Status Damaged(const char* what) { return absl::DataLossError(what); }

// Writes a zstd frame that holds bytes as they are: what is sealed is compressed then, and once is
// enough.
class StoredFrame {
 public:
  // `size` bytes will be added, more than none.
  StoredFrame(size_t size, std::string* out) : left_(size), out_(*out) {
    out_.reserve(out_.size() + kHeaderBytes + size + kBlockHeaderBytes * (1 + size / kBlockBytes));
    Number(kMagic, 4);
    Number(kDescriptor, 1);
    Number(static_cast<uint32_t>(size), 4);
  }

  void Add(absl::string_view bytes) {
    while (!bytes.empty()) {
      if (block_left_ == 0) BeginBlock();
      const absl::string_view part = bytes.substr(0, block_left_);
      out_.append(part.data(), part.size());
      block_left_ -= part.size();
      bytes.remove_prefix(part.size());
    }
  }

 private:
  static constexpr uint32_t kMagic = 0xFD2FB528;
  // A single segment, whose size stands in four bytes.
  static constexpr uint32_t kDescriptor = 0xA0;
  static constexpr size_t kHeaderBytes = 9;
  static constexpr size_t kBlockHeaderBytes = 3;
  static constexpr size_t kBlockBytes = 128 << 10;

  void Number(uint32_t number, int bytes) {
    for (int i = 0; i < bytes; ++i) out_.push_back(static_cast<char>(number >> (8 * i)));
  }

  // Type raw; the last one says so.
  void BeginBlock() {
    block_left_ = std::min(left_, kBlockBytes);
    left_ -= block_left_;
    const uint32_t last = left_ == 0 ? 1 : 0;
    Number(static_cast<uint32_t>(block_left_) << 3 | last, kBlockHeaderBytes);
  }

  size_t left_;
  size_t block_left_ = 0;
  std::string& out_;
};

// Joins events as the elements of a BatchIngestEventsRequest. Those that came next to each other
// are copied together.
class EventJoiner {
 public:
  explicit EventJoiner(StoredFrame* out) : out_(*out) {}
  ~EventJoiner() { out_.Add(run_); }

  void Add(absl::string_view event) {
    const size_t frame = EventFrameBytes(event.size());
    if (!run_.empty() && run_.data() + run_.size() + frame == event.data()) {
      run_ = absl::string_view(run_.data(), run_.size() + frame + event.size());
      return;
    }
    char header[kMaxFrameBytes];
    out_.Add(run_);
    out_.Add({header, static_cast<size_t>(WriteEventFrame(event.size(), header) - header)});
    run_ = event;
  }

 private:
  static constexpr size_t kMaxFrameBytes = 6;

  StoredFrame& out_;
  absl::string_view run_;
};

size_t JoinedSize(const LogEntry& entry) {
  size_t size = 0;
  for (const AcceptedEvent& accepted : entry.events) {
    size += EventFrameBytes(accepted.event->bytes().size()) + accepted.event->bytes().size();
  }
  return size;
}

std::string BodyOf(const LogEntry& entry, size_t size) {
  std::string body;
  if (size == 0) return body;
  StoredFrame frame(size, &body);
  EventJoiner joiner(&frame);
  for (const AcceptedEvent& accepted : entry.events) joiner.Add(accepted.event->bytes());
  return body;
}

absl::StatusOr<ChunkHeader> ReadHeader(absl::string_view header_bytes, absl::string_view body,
                                       uint64_t checksum) {
  if (ChecksumOf(header_bytes, body) != checksum) return Damaged("the checksum does not match");
  ChunkHeader header;
  if (!header.ParseFromArray(header_bytes.data(), static_cast<int>(header_bytes.size()))) {
    return Damaged("the header is no header");
  }
  const int64_t size = header.body_size_bytes();
  if (size < 0 || size > static_cast<int64_t>(limits::kMaxQueuedBytes)) {
    return Damaged("impossible body size");
  }
  return header;
}

// To `bytes`, which has room for the `expected` ones that the header tells of.
absl::Status Decompress(absl::string_view body, size_t expected, char* bytes) {
  if (body.empty() && expected == 0) return absl::OkStatus();
  const size_t size = ZSTD_decompress(bytes, expected, body.data(), body.size());
  return ZSTD_isError(size) || size != expected ? Damaged("the body does not decompress")
                                                : absl::OkStatus();
}

// Calls `visit` with each event's bytes, which it may refuse.
template <typename Visit>
absl::Status VisitFrames(absl::string_view bytes, Visit visit) {
  EventFrameReader frames(bytes);
  absl::string_view event;
  const char* end = bytes.data();
  for (; frames.Next(&event); end = event.data() + event.size()) RETURN_IF_ERROR(visit(event));
  // A last one that is cut off leaves bytes over.
  return end == bytes.data() + bytes.size() ? absl::OkStatus()
                                            : Damaged("the body holds no events");
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

absl::Status ReadBody(absl::string_view body, const ChunkHeader& header, EventBatch* batch) {
  const auto size = static_cast<size_t>(header.body_size_bytes());
  char* const bytes = batch->Allocate(size);
  RETURN_IF_ERROR(Decompress(body, size, bytes));
  return VisitFrames({bytes, size}, [batch](absl::string_view event) {
    return batch->Add(event) ? absl::OkStatus() : ReadOddEvent(event, batch);
  });
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

// Calls `visit` with each event's index and receive time.
template <typename Visit>
absl::Status VisitSegments(const ChunkHeader& header, size_t event_count, Visit visit) {
  const auto count = static_cast<int64_t>(event_count);
  int64_t next = 0;
  for (const auto& segment : header.segments()) {
    const int64_t end = next + segment.event_count();
    if (segment.event_count() <= 0 || end > count) return Damaged("impossible segment");
    for (; next < end; ++next) visit(static_cast<size_t>(next), segment.receive_time_us());
  }
  return next == count ? absl::OkStatus() : Damaged("events outside of any segment");
}

// `events` has them all.
template <typename Event>
absl::Status MarkServerIds(const ChunkHeader& header, std::vector<Event>& events) {
  for (const int32_t index : header.server_id_indexes()) {
    if (index < 0 || static_cast<size_t>(index) >= events.size())
      return Damaged("impossible event index");
    events[index].has_server_id = true;
  }
  return absl::OkStatus();
}

absl::Status FillEvents(const ChunkHeader& header, LogEntry* entry) {
  const std::vector<EventView>& events = entry->owned.back().events();
  entry->events.reserve(events.size());
  RETURN_IF_ERROR(VisitSegments(header, events.size(), [&](size_t i, int64_t receive_time_us) {
    entry->events.push_back({&events[i], header.first_sequence() + static_cast<int64_t>(i),
                             receive_time_us, JudgedTimeUs(events[i], receive_time_us)});
  }));
  return MarkServerIds(header, entry->events);
}

absl::Status FillEvents(const ChunkHeader& header, SealedEntry* entry) {
  const absl::string_view wire = entry->wire;
  RETURN_IF_ERROR(VisitFrames(wire, [&](absl::string_view event) {
    entry->events.push_back({.offset = static_cast<uint32_t>(event.data() - wire.data()),
                             .size = static_cast<uint32_t>(event.size())});
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(
      VisitSegments(header, entry->events.size(), [&](size_t i, int64_t receive_time_us) {
        entry->events[i].sequence = header.first_sequence() + static_cast<int64_t>(i);
        entry->events[i].receive_time_us = receive_time_us;
      }));
  return MarkServerIds(header, entry->events);
}

// What both kinds of entries have of the header.
template <typename Entry>
void FillEntry(ChunkHeader& header, Entry* entry) {
  entry->position = header.position();
  entry->first_sequence = header.first_sequence();
  entry->write_time_us = header.write_time_us();
  entry->mark_time_us = header.mark_time_us();
  entry->controls.assign(std::make_move_iterator(header.mutable_controls()->begin()),
                         std::make_move_iterator(header.mutable_controls()->end()));
}

}  // namespace

absl::StatusOr<EncodedChunk> EncodeChunk(const LogEntry& entry) {
  EncodedChunk chunk;
  const size_t size = JoinedSize(entry);
  if (size > limits::kMaxQueuedBytes)
    return absl::InvalidArgumentError("too many bytes for one log entry");
  chunk.body = BodyOf(entry, size);
  chunk.header = HeaderOf(entry, static_cast<int64_t>(size)).SerializeAsString();
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
  ASSIGN_OR_RETURN(ChunkHeader header, ReadHeader(header_bytes, body, checksum));
  auto entry = std::make_unique<LogEntry>();
  FillEntry(header, entry.get());
  RETURN_IF_ERROR(ReadBody(body, header, &entry->owned.emplace_back()));
  RETURN_IF_ERROR(FillEvents(header, entry.get()));
  return entry;
}

absl::StatusOr<SealedEntry> DecodeChunkToSeal(absl::string_view header_bytes,
                                              absl::string_view body, uint64_t checksum) {
  ASSIGN_OR_RETURN(ChunkHeader header, ReadHeader(header_bytes, body, checksum));
  SealedEntry entry;
  FillEntry(header, &entry);
  entry.wire.resize(static_cast<size_t>(header.body_size_bytes()));
  RETURN_IF_ERROR(Decompress(body, entry.wire.size(), entry.wire.data()));
  RETURN_IF_ERROR(FillEvents(header, &entry));
  return entry;
}

}  // namespace lapse::storage
