// A monitor change that shared its group commit with the close of an alert was recorded a second
// time by the next checkpoint, under another place in the entry, and brought back a monitor that
// had been deleted since.

#include <gtest/gtest.h>

#include "monitors/test_matcher.h"

namespace lapse::monitors {
namespace {

ControlRecord Close(const lapse::v1::Monitor& monitor) {
  ControlRecord control;
  control.mutable_alert_close()->set_monitor_uid(monitor.uid());
  control.mutable_alert_close()->set_revision(monitor.revision());
  control.mutable_alert_close()->set_key("A");
  return control;
}

TEST(MonitorChangeIndex, ACheckpointDoesNotBringBackAMonitorThatWasDeleted) {
  TestMatcher test;
  // The matcher's checkpoints record the changes; the catalog's records are made here as it makes
  // them.
  test.record_changes = false;
  test.Start(1);
  const lapse::v1::Monitor monitor = OrderMonitor();
  const ControlRecord created = Change(lapse::internal::v1::MonitorChange::ACTION_CREATE, monitor);
  const ControlRecord deleted = Change(lapse::internal::v1::MonitorChange::ACTION_DELETE, monitor);
  test.Append(1, {}, {Close(monitor), created});
  const storage::LogPosition position = test.log.LastPosition();
  ASSERT_TRUE(test.state.RecordMonitorChange({position, 0, created.monitor_change()}, At(1)).ok());
  test.Append(2, {}, {deleted});
  ASSERT_TRUE(
      test.state.RecordMonitorChange({position + 1, 0, deleted.monitor_change()}, At(2)).ok());

  test.Checkpoint();

  EXPECT_TRUE(test.state.LoadMonitors()->empty());
  EXPECT_EQ(test.state.LoadMonitorHistory()->size(), 2u);
  test.Stop();
}

}  // namespace
}  // namespace lapse::monitors
