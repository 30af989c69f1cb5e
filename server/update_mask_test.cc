#include "server/update_mask.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "lapse/v1/monitor.pb.h"

namespace lapse::server {
namespace {

using lapse::v1::Monitor;

const std::set<std::string> kFixed = {"name", "uid"};

Monitor Parse(const std::string& text) {
  Monitor monitor;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &monitor)) << text;
  return monitor;
}

struct Case {
  std::string name;
  std::vector<std::string> paths;
  std::string wanted;
  std::string result;
};

constexpr char kPresent[] =
    "name: 'monitors/a' uid: 'u' description: 'old' labels { key: 'k' value: 'v' } notifiers: 'n' "
    "follow_up { primary { event_type: 'p' } within { seconds: 5 } }";

class ApplyUpdateMaskTest : public testing::TestWithParam<Case> {};

TEST_P(ApplyUpdateMaskTest, SetsWhatIsNamed) {
  Monitor target = Parse(kPresent);
  google::protobuf::FieldMask mask;
  for (const std::string& path : GetParam().paths) mask.add_paths(path);
  ASSERT_TRUE(ApplyUpdateMask(mask, Parse(GetParam().wanted), kFixed, &target).ok());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(target, Parse(GetParam().result)))
      << target.ShortDebugString();
}

INSTANTIATE_TEST_SUITE_P(
    Masks, ApplyUpdateMaskTest,
    testing::Values(Case{"NoneTakesPopulatedFieldsAndWipesNothing",
                         {},
                         "name: 'x' uid: 'y' follow_up { within { seconds: 9 } }",
                         "name: 'monitors/a' uid: 'u' description: 'old' labels { key: 'k' value: "
                         "'v' } notifiers: 'n' "
                         "follow_up { primary { event_type: 'p' } within { seconds: 9 } }"},
                    Case{"ANamedFieldThatIsNotSetIsCleared",
                         {"description", "notifiers"},
                         "",
                         "name: 'monitors/a' uid: 'u' labels { key: 'k' value: 'v' } "
                         "follow_up { primary { event_type: 'p' } within { seconds: 5 } }"},
                    Case{"AMapIsReplacedWhole",
                         {"labels"},
                         "labels { key: 'x' value: 'y' }",
                         "name: 'monitors/a' uid: 'u' description: 'old' labels { key: 'x' value: "
                         "'y' } notifiers: 'n' "
                         "follow_up { primary { event_type: 'p' } within { seconds: 5 } }"},
                    Case{"ANestedFieldAlone",
                         {"follow_up.within"},
                         "follow_up { within { seconds: 7 } }",
                         "name: 'monitors/a' uid: 'u' description: 'old' labels { key: 'k' value: "
                         "'v' } notifiers: 'n' "
                         "follow_up { primary { event_type: 'p' } within { seconds: 7 } }"},
                    Case{"AStarReplacesAllButFixedOnes",
                         {"*"},
                         "name: 'x' description: 'new'",
                         "name: 'monitors/a' uid: 'u' description: 'new'"}),
    [](const testing::TestParamInfo<Case>& info) { return info.param.name; });

TEST(ApplyUpdateMask, RefusesUnknownAndFixedPaths) {
  for (const auto& [path, reason] :
       std::vector<std::pair<std::string, std::string>>{{"descripton", "MASK_PATH_UNKNOWN"},
                                                        {"follow_up.x", "MASK_PATH_UNKNOWN"},
                                                        {"uid", "MASK_PATH_OUTPUT_ONLY"}}) {
    Monitor target = Parse(kPresent);
    google::protobuf::FieldMask mask;
    mask.add_paths("description");
    mask.add_paths(path);
    const absl::Status status = ApplyUpdateMask(mask, Monitor(), kFixed, &target);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(DetailsOf(status).reason, reason);
    EXPECT_EQ(target.description(), "old");
  }
}

}  // namespace
}  // namespace lapse::server
