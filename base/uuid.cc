#include "base/uuid.h"

#include <cstdio>

#include "base/limits.h"

namespace lapse {
namespace {

constexpr uint32_t kCounterLimit = 1u << 12;
// A millisecond's first number is below half of them, so that there is room to count.
constexpr uint32_t kCounterStartMask = kCounterLimit / 2 - 1;
constexpr uint64_t kVariant = 0x8000'0000'0000'0000;
constexpr uint64_t kVariantMask = 0x3fff'ffff'ffff'ffff;

}  // namespace

uint64_t RandomSeed() {
  std::random_device device;
  return static_cast<uint64_t>(device()) << 32 | device();
}

std::string UuidGenerator::Next() {
  MutexLock lock(mutex_);
  const int64_t now_ms = clock_.NowUs() / limits::kMicrosPerMilli;
  if (now_ms > time_ms_ || counter_ + 1 == kCounterLimit) {
    time_ms_ = now_ms > time_ms_ ? now_ms : time_ms_ + 1;
    counter_ = static_cast<uint32_t>(random_()) & kCounterStartMask;
  } else {
    ++counter_;
  }
  const uint64_t low = (random_() & kVariantMask) | kVariant;
  const auto time = static_cast<unsigned long long>(time_ms_);
  char text[37];
  std::snprintf(text, sizeof(text), "%08llx-%04llx-7%03x-%04llx-%012llx", time >> 16 & 0xffff'ffff,
                time & 0xffff, counter_, static_cast<unsigned long long>(low >> 48),
                static_cast<unsigned long long>(low & 0xffff'ffff'ffff));
  return text;
}

}  // namespace lapse
