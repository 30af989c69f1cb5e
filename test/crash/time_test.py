"""A process that stands still, and a wall clock that is set: no false alert, and what is overdue fires once."""

import os
import pathlib
import sys
import time

from api import api_case
from harness import client as harness
from harness import lapsed
from harness.waiting import eventually

SETTLE_SECONDS = 2
HOUR_US = 3_600_000_000


def now_us():
    return time.time_ns() // 1_000


class TimeTest(api_case.ApiCase):

    def setUp(self):
        super().setUp()
        self.offset_file = pathlib.Path(self.folder.name, "offset")
        self.env = lapsed.preload(SHIM, STEP_CLOCK=str(self.offset_file))
        self.step_clock(0)
        self.start(settle=f"{SETTLE_SECONDS}s", env=self.env)
        # Whether the first settle time is over is told by the first alert.
        self.monitor("warm", "warm_begun", 100)
        self.client.send("warm", "warm_begun", "warm")
        self.alerts("warm", 1)

    def monitor(self, monitor_id, primary, within_ms):
        self.client.create_monitor(monitor_id, self.client.follow_up(primary, "ended", within_ms))

    def step_clock(self, offset_us):
        written = self.offset_file.with_suffix(".new")
        written.write_text(str(offset_us))
        written.rename(self.offset_file)

    def alerts(self, monitor_id, count):
        """The alerts of the monitor, once there are `count`."""
        return eventually(lambda: len(found := self.client.list_alerts(filter=f'monitor = "monitors/{monitor_id}"')) >= count
                          and found)

    def begin(self, prefix, count):
        self.client.ingest(*[self.client.event(f"b-{prefix}{i}", "begun", f"{prefix}{i}") for i in range(count)])

    def end_later(self, prefix, count):
        """Follow-ups that are sent and not answered yet."""
        request = self.client.event_api.BatchIngestEventsRequest(
            events=[self.client.event(f"e-{prefix}{i}", "ended", f"{prefix}{i}") for i in range(count)])
        return self.client.events.BatchIngestEvents.future(request)

    def books(self, **expected):
        stats = eventually(lambda: (s := self.client.stats("monitors/m")).pending == expected.get("pending", 0) and s)
        self.assertTrue(harness.balances(stats), stats)
        self.assertEqual({name: getattr(stats, name) for name in expected}, expected)

    # SIGSTOP.

    def test_a_process_that_stood_still_gives_senders_time_and_then_fires_once(self):
        self.monitor("m", "begun", 2_000)
        # In event time they are in time: the server cannot know when they were received.
        begun_us = now_us()
        self.client.ingest(*[self.client.event(f"b-{kind}{i}", "begun", f"{kind}{i}", at_us=begun_us)
                             for kind in ("met", "missed") for i in range(20)])
        self.server.freeze()
        due_us = begun_us + 2_000_000
        request = self.client.event_api.BatchIngestEventsRequest(
            events=[self.client.event(f"e-met{i}", "ended", f"met{i}", at_us=begun_us + 1_000) for i in range(20)])
        answer = self.client.events.BatchIngestEvents.future(request)
        eventually(lambda: now_us() > due_us + 2_000_000)
        self.assertFalse(answer.done())
        went_on_us = now_us()
        self.server.thaw()
        self.assertEqual(answer.result(api_case.PATIENCE_SECONDS).accepted_count, 20)
        alerts = self.alerts("m", 20)
        self.assertEqual({a.key for a in alerts}, {f"missed{i}" for i in range(20)})
        for alert in alerts:
            self.assertEqual(alert.due_time.ToMicroseconds(), due_us)
            self.assertGreaterEqual(alert.fire_time.ToMicroseconds(), went_on_us + (SETTLE_SECONDS - 1) * 1_000_000)
            self.assertTrue(alert.detected_late)
            self.assertEqual(alert.version, 1)
        self.books(opened=40, met=20, missed=20)

    # The wall clock.

    def test_a_clock_set_forward_makes_nothing_fire_before_the_settle_time(self):
        self.monitor("m", "begun", 60_000)
        self.begin("met", 20)
        self.begin("missed", 20)
        stepped_us = now_us()
        self.step_clock(HOUR_US)
        # Received an hour late by the server's clock; in time by the sender's.
        request = self.client.event_api.BatchIngestEventsRequest(
            events=[self.client.event(f"e-met{i}", "ended", f"met{i}", at_us=now_us()) for i in range(20)])
        self.assertEqual(self.client.events.BatchIngestEvents(request).accepted_count, 20)
        alerts = self.alerts("m", 20)
        self.assertEqual({a.key for a in alerts}, {f"missed{i}" for i in range(20)})
        for alert in alerts:
            self.assertGreaterEqual(alert.fire_time.ToMicroseconds() - HOUR_US, stepped_us + (SETTLE_SECONDS - 1) * 1_000_000)
            self.assertTrue(alert.detected_late)
        self.books(opened=40, met=20, missed=20)
        # Set right again: nothing fires twice, and what begins now is judged.
        self.step_clock(0)
        self.begin("next", 1)
        self.assertEqual(self.end_later("next", 1).result(api_case.PATIENCE_SECONDS).accepted_count, 1)
        self.books(opened=41, met=21, missed=20)
        self.assertEqual(len(self.alerts("m", 20)), 20)

    def test_a_clock_set_back_fires_nothing_early_and_everything_once_when_it_comes_up_again(self):
        self.monitor("m", "begun", 500)
        self.begin("before", 5)
        self.alerts("m", 5)
        self.step_clock(-HOUR_US)
        # Received not before what is logged already, so an hour ahead of this clock.
        self.begin("met", 5)
        self.assertEqual(self.end_later("met", 5).result(api_case.PATIENCE_SECONDS).accepted_count, 5)
        self.begin("missed", 5)
        self.books(opened=15, met=5, missed=5, pending=5)
        self.step_clock(0)
        alerts = self.alerts("m", 10)
        self.assertEqual(sorted(a.key for a in alerts), sorted([f"{k}{i}" for k in ("before", "missed") for i in range(5)]))
        for alert in alerts:
            self.assertGreaterEqual(alert.fire_time.ToMicroseconds(), alert.due_time.ToMicroseconds())
        self.books(opened=15, met=5, missed=10)

    def test_a_restart_on_a_clock_that_was_set_back_repeats_nothing(self):
        self.monitor("m", "begun", 500)
        self.begin("before", 5)
        first = self.alerts("m", 5)
        self.step_clock(-HOUR_US)
        self.server.kill()
        self.start(env=self.env)
        self.begin("after", 5)
        self.assertEqual(self.end_later("after", 5).result(api_case.PATIENCE_SECONDS).accepted_count, 5)
        self.books(opened=10, met=5, missed=5)
        self.assertEqual(self.alerts("m", 5), first)


if __name__ == "__main__":
    SHIM = os.path.abspath(sys.argv.pop(2))
    api_case.main()
