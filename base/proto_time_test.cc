#include "base/proto_time.h"

#include "gtest/gtest.h"

namespace lapse {
namespace {

TEST(ProtoTimeTest, TimesGoThereAndBack) {
  for (const int64_t time_us : {0ll, 1ll, 999'999ll, 1'000'000ll, 1'700'000'000'123'456ll}) {
    google::protobuf::Timestamp time;
    SetTimestamp(time_us, &time);
    EXPECT_EQ(ToMicros(time), time_us);
  }
}

TEST(ProtoTimeTest, DurationsGoThereAndBackAndMayBeNegative) {
  for (const int64_t duration_us : {0ll, 1ll, -1ll, -1'500'000ll, 2'500'001ll}) {
    google::protobuf::Duration duration;
    SetDuration(duration_us, &duration);
    EXPECT_EQ(ToMicros(duration), duration_us);
  }
}

TEST(ProtoTimeTest, WhatIsFinerThanAMicrosecondIsCutOff) {
  google::protobuf::Timestamp time;
  time.set_seconds(1);
  time.set_nanos(1'999);
  EXPECT_EQ(ToMicros(time), 1'000'001);
}

}  // namespace
}  // namespace lapse
