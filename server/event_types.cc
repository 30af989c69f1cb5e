#include "server/event_types.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"

namespace lapse::server {
namespace {

using lapse::v1::AttributeType;
using lapse::v1::EventType;

// Shapes that are remembered; beyond, all are forgotten and learnt anew.
constexpr size_t kMaxShapes = 16'384;

// EventAttribute and AttributeType name the kinds in orders of their own.
uint8_t KindBit(storage::EventAttribute::Kind kind) {
  switch (kind) {
    case storage::EventAttribute::Kind::kString:
      return 1 << AttributeType::KIND_STRING;
    case storage::EventAttribute::Kind::kBool:
      return 1 << AttributeType::KIND_BOOL;
    case storage::EventAttribute::Kind::kInt64:
      return 1 << AttributeType::KIND_INT64;
    case storage::EventAttribute::Kind::kDouble:
      return 1 << AttributeType::KIND_DOUBLE;
  }
  return 0;
}

}  // namespace

absl::Status EventTypes::Load() {
  storage::LogPosition saved = 0;
  ASSIGN_OR_RETURN(std::vector<EventType> types, store_.LoadEventTypes(&saved));
  MutexLock lock(mutex_);
  saved_position_ = saved;
  position_ = saved;
  for (const EventType& type : types) {
    Tally& tally = tallies_[type.type()];
    names_.insert(type.type());
    tally.first_seen_us = ToMicros(type.first_seen_time());
    tally.last_seen_us = ToMicros(type.last_seen_time());
    tally.count = type.event_count();
    for (const AttributeType& attribute : type.attributes()) {
      uint8_t& bits = tally.attributes[attribute.name()];
      for (int kind : attribute.kinds()) bits |= static_cast<uint8_t>(1 << kind);
    }
  }
  return absl::OkStatus();
}

storage::LogPosition EventTypes::SavedPosition() const {
  MutexLock lock(mutex_);
  return saved_position_;
}

void EventTypes::Count(const storage::LogEntry& entry) {
  MutexLock lock(mutex_);
  if (entry.position <= position_) return;
  position_ = entry.position;
  for (const storage::AcceptedEvent& accepted : entry.events) CountEvent(accepted);
}

void EventTypes::CountEvent(const storage::AcceptedEvent& accepted) {
  const auto known = shapes_.find(accepted.event->shape());
  Tally* const tally = known == shapes_.end() ? LearnShape(accepted) : known->second;
  if (tally == nullptr) return;
  tally->last_seen_us = std::max(tally->last_seen_us, accepted.receive_time_us);
  ++tally->count;
  tally->changed = true;
}

EventTypes::Tally* EventTypes::LearnShape(const storage::AcceptedEvent& accepted) {
  const absl::string_view type = accepted.event->type();
  auto found = tallies_.find(type);
  if (found == tallies_.end()) {
    if (tallies_.size() >= limits::kMaxEventTypes) return nullptr;
    found = tallies_.try_emplace(std::string(type)).first;
    names_.emplace(type);
    found->second.first_seen_us = accepted.receive_time_us;
  }
  Tally& tally = found->second;
  storage::AttributeReader reader(*accepted.event);
  storage::EventAttribute seen;
  while (reader.Next(&seen)) {
    auto attribute = tally.attributes.find(seen.name);
    if (attribute == tally.attributes.end()) {
      if (tally.attributes.size() >= limits::kMaxAttributesPerType) continue;
      attribute = tally.attributes.try_emplace(std::string(seen.name), 0).first;
    }
    attribute->second |= KindBit(seen.kind);
  }
  if (shapes_.size() >= kMaxShapes) shapes_.clear();
  shapes_[accepted.event->shape()] = &tally;
  return &tally;
}

EventType EventTypes::ToProto(const std::string& type, const Tally& tally) {
  EventType proto;
  proto.set_type(type);
  SetTimestamp(tally.first_seen_us, proto.mutable_first_seen_time());
  SetTimestamp(tally.last_seen_us, proto.mutable_last_seen_time());
  proto.set_event_count(tally.count);
  const std::map<std::string, uint8_t> sorted(tally.attributes.begin(), tally.attributes.end());
  for (const auto& [name, bits] : sorted) {
    AttributeType* attribute = proto.add_attributes();
    attribute->set_name(name);
    for (int kind = AttributeType::KIND_STRING; kind <= AttributeType::KIND_DOUBLE; ++kind) {
      if (bits & (1 << kind)) attribute->add_kinds(static_cast<AttributeType::Kind>(kind));
    }
  }
  return proto;
}

absl::Status EventTypes::Save() {
  std::vector<EventType> changed;
  storage::LogPosition position = 0;
  {
    MutexLock lock(mutex_);
    position = position_;
    for (auto& [type, tally] : tallies_) {
      if (!std::exchange(tally.changed, false)) continue;
      changed.push_back(ToProto(type, tally));
    }
  }
  const absl::Status status = store_.SaveEventTypes(changed, position);
  MutexLock lock(mutex_);
  if (status.ok()) saved_position_ = position;
  if (status.ok()) return status;
  for (const EventType& type : changed) tallies_[type.type()].changed = true;
  return status;
}

std::vector<EventType> EventTypes::List(const std::string& after_type, int limit) const {
  std::vector<EventType> types;
  MutexLock lock(mutex_);
  for (auto it = names_.upper_bound(after_type);
       it != names_.end() && static_cast<int>(types.size()) < limit; ++it) {
    types.push_back(ToProto(*it, tallies_.at(*it)));
  }
  return types;
}

}  // namespace lapse::server
