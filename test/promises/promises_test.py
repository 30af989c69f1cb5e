"""The ten promises of docs/design, each by its name, against the real server."""

import sys
import tempfile
import time
import unittest

import grpc

from api.api_case import details
from harness import client as harness
from harness import lapsed, mail_sink
from harness.waiting import eventually


class PromisesTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.stubs_folder = tempfile.TemporaryDirectory()
        cls.stubs = harness.make_stubs(cls.stubs_folder.name)
        cls.Alert = cls.stubs["alert_pb2"].Alert
        cls.Delivery = cls.stubs["notifier_pb2"].Delivery

    @classmethod
    def tearDownClass(cls):
        cls.stubs_folder.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.server = self.client = None
        self.addCleanup(lambda: self.server and self.server.kill())
        self.addCleanup(lambda: self.client and self.client.close())

    def start(self, *flags):
        if self.client:
            self.client.close()
        self.server = lapsed.Lapsed(BINARY, self.folder.name + "/data", flags or ["--settle", "0s"]).start()
        self.client = harness.Client(self.server.address, self.stubs)

    def monitor(self, within_ms=300, monitor_id="m", **fields):
        return self.client.create_monitor(
            monitor_id, self.client.follow_up("begun", "ended", within_ms, cancel="cancelled", **fields))

    def alerts(self, count):
        """All alerts, once there are `count`."""
        return eventually(lambda: (found := self.client.list_alerts()) and len(found) >= count and found)

    def test_1_an_acknowledgement_means_on_disk(self):
        self.start()
        self.monitor()
        self.client.send("1", "begun", "k")
        self.server.kill()
        self.start()
        self.assertEqual([e.id for e in self.client.list_events()], ["1"])
        self.assertEqual([a.key for a in self.alerts(1)], ["k"])

    def test_2_every_expectation_has_one_verdict_or_is_pending_and_the_books_balance(self):
        self.start()
        self.monitor(within_ms=60_000)
        for i in range(300):
            self.client.ingest(self.client.event(f"b{i}", "begun", f"k{i % 250}"),
                               self.client.event(f"e{i}", ("ended", "cancelled", "other")[i % 3], f"k{i % 250}"))
            if i % 20 == 0:
                self.assertTrue(harness.balances(self.client.stats("monitors/m")))
        books = eventually(lambda: (s := self.client.stats("monitors/m")).met + s.cancelled >= 200 and s)
        self.assertTrue(harness.balances(books))
        self.assertGreater(books.pending, 0)
        self.assertGreater(books.log_position, 0)

    def test_3_one_alert_per_expectation_through_duplicates_and_restarts(self):
        self.start()
        self.monitor()
        for _ in range(3):
            self.client.send("1", "begun", "k")
        first = self.alerts(1)[0]
        for _ in range(3):
            self.server.kill()
            self.start()
            self.assertTrue(self.client.send("1", "begun", "k").duplicate)
        self.assertEqual(self.client.list_alerts(), [first])
        self.assertEqual(self.client.stats("monitors/m").opened, 1)

    def test_4_a_deadline_fires_by_the_wall_clock_without_a_further_event(self):
        self.start()
        self.monitor(within_ms=500)
        stream = self.client.stream()
        self.client.send("1", "begun", "k")
        alert = next(harness.changes(stream)).alert
        self.assertGreater(alert.fire_time.ToMicroseconds(), alert.due_time.ToMicroseconds())
        self.assertLess(alert.fire_time.ToMicroseconds() - alert.due_time.ToMicroseconds(), 1_000_000)
        self.assertFalse(alert.detected_late)

    def test_5_restart_is_defined(self):
        self.start()
        self.monitor(within_ms=2_000)
        self.client.send("1", "begun", "k")
        due_us = eventually(lambda: self.expectations()).pop().due_time.ToMicroseconds()
        self.server.kill()
        eventually(lambda: time.time() * 1e6 > due_us + 1_200_000)
        self.start("--settle", "2s")
        serving_us = time.time() * 1e6
        alert = self.alerts(1)[0]
        self.assertEqual((alert.key, alert.due_time.ToMicroseconds()), ("k", due_us))
        self.assertGreater(alert.fire_time.ToMicroseconds(), serving_us + 1_500_000)
        self.assertTrue(alert.detected_late)
        self.assertEqual(alert.version, 1)

    def expectations(self):
        request = self.client.monitor_api.ListExpectationsRequest(parent="monitors/m")
        return list(self.client.monitors.ListExpectations(request).expectations)

    def test_5_a_follow_up_that_comes_in_the_settle_time_prevents_the_alert(self):
        self.start()
        self.monitor(within_ms=2_000)
        self.client.send("1", "begun", "k")
        due_us = eventually(lambda: self.expectations()).pop().due_time.ToMicroseconds()
        self.server.kill()
        eventually(lambda: time.time() * 1e6 > due_us + 100_000)
        self.start("--settle", "3s")
        self.client.send("2", "ended", "k", at_us=due_us)
        self.assertEqual(eventually(lambda: self.client.stats("monitors/m").met), 1)
        self.client.send("3", "begun", "fence")
        self.assertEqual([a.key for a in self.alerts(1)], ["fence"])

    def test_6_a_late_follow_up_amends_the_alert_it_belongs_to(self):
        self.start()
        self.monitor()
        self.client.send("1", "begun", "k")
        fired = self.alerts(1)[0]
        self.client.send("2", "ended", "k")
        resolved = eventually(lambda: (a := self.client.list_alerts()[0]).state == self.Alert.STATE_RESOLVED and a)
        self.assertEqual((resolved.name, resolved.reason), (fired.name, self.Alert.REASON_FOLLOWED_LATE))
        self.assertEqual(resolved.secondary_event.id, "2")
        self.assertEqual(
            resolved.lateness.ToMicroseconds(),
            resolved.secondary_event.ingest_time.ToMicroseconds() - resolved.due_time.ToMicroseconds())

    def test_7_notifications_are_at_least_once_and_each_try_is_visible(self):
        sink = mail_sink.MailSink(self.folder.name, ["--fail-first", "2"]).start()
        self.addCleanup(sink.stop)
        self.start()
        self.client.create_notifier("ops", sink.notifier(self.stubs))
        self.monitor(notifiers=["notifiers/ops"])
        self.client.send("1", "begun", "k")
        sink.wait_for(1)
        delivery = eventually(lambda: self.deliveries(self.Delivery.STATE_SENT))[0]
        self.assertEqual([t.status_code for t in delivery.tries], [451, 451, 250])
        self.assertEqual(delivery.try_count, 3)
        self.assertTrue(delivery.idempotency_key)

    def test_7_a_dead_letter_is_visible(self):
        sink = mail_sink.MailSink(self.folder.name, ["--refuse", "ops@example.com"]).start()
        self.addCleanup(sink.stop)
        self.start()
        self.client.create_notifier("ops", sink.notifier(self.stubs))
        self.monitor(notifiers=["notifiers/ops"])
        self.client.send("1", "begun", "k")
        dead = eventually(lambda: self.deliveries(self.Delivery.STATE_DEAD))[0]
        self.assertEqual(dead.tries[0].status_code, 550)
        self.assertIn("no such mailbox", dead.tries[0].error)

    def deliveries(self, state):
        return self.client.list_deliveries(parent="notifiers/ops", states=[state])

    def test_8_a_subscriber_resumes_where_it_was(self):
        self.start()
        self.monitor(within_ms=100)
        stream = self.client.stream()
        self.client.send("1", "begun", "k1")
        cursor = next(harness.changes(stream)).cursor
        stream.cancel()
        for i in range(2, 6):
            self.client.send(str(i), "begun", f"k{i}")
        self.alerts(5)
        self.server.kill()
        self.start()
        resumed = harness.changes(self.client.stream(cursor=cursor))
        self.assertEqual({next(resumed).alert.key for _ in range(4)}, {"k2", "k3", "k4", "k5"})

    def test_8_a_snapshot_comes_first_and_a_foreign_or_future_cursor_is_refused(self):
        self.start()
        self.monitor(within_ms=100)
        for i in range(3):
            self.client.send(str(i), "begun", f"k{i}")
        self.alerts(3)
        stream = self.client.stream()
        firing = [next(stream).change for _ in range(3)]
        self.assertEqual({(c.alert.state, c.cursor) for c in firing}, {(self.Alert.STATE_FIRING, "")})
        synced = next(stream).synced
        self.assertEqual(synced.firing_count, 3)
        stream.cancel()
        other = tempfile.TemporaryDirectory()
        self.addCleanup(other.cleanup)
        with lapsed.serving(BINARY, other.name) as server:
            with self.assertRaises(grpc.RpcError) as raised:
                next(harness.Client(server.address, self.stubs).stream(cursor=synced.cursor))
        self.assertEqual(raised.exception.code(), grpc.StatusCode.OUT_OF_RANGE)
        self.assertEqual(details(raised.exception)["ErrorInfo"].reason, "CURSOR_FOREIGN")

    def test_8_a_subscriber_that_does_not_read_holds_up_nobody(self):
        self.start()
        self.monitor(within_ms=100)
        stuck = self.client.alerts.StreamAlerts(self.client.alert_api.StreamAlertsRequest())
        self.addCleanup(stuck.cancel)
        reading = self.client.stream()
        self.assertEqual(next(reading).WhichOneof("item"), "synced")
        for batch in range(20):
            self.client.ingest(*[self.client.event(f"{batch}-{i}", "begun", f"k{batch}-{i}") for i in range(100)])
        seen = harness.changes(reading)
        keys = {next(seen).alert.key for _ in range(2000)}
        self.assertEqual(len(keys), 2000)
        # The one that has not read loses nothing either.
        late = harness.changes(stuck)
        self.assertEqual({next(late).alert.key for _ in range(2000)}, keys)

    def test_9_a_bad_event_in_a_batch_is_rejected_by_index_and_the_others_are_accepted(self):
        self.start()
        answer = self.client.ingest(self.client.event("1", "a", "k"), self.client.event("2", "", "k"),
                                    self.client.event("3", "a", "k", at_us=int((time.time() + 3600) * 1e6)))
        self.assertEqual(answer.accepted_count, 1)
        self.assertEqual([(r.index, r.code, r.reason) for r in answer.rejections],
                         [(1, 3, "TYPE_MISSING"), (2, 3, "OCCUR_TIME_IN_FUTURE")])

    def test_9_a_draining_server_says_so(self):
        self.start()
        stream = self.client.stream()
        self.assertEqual(next(stream).WhichOneof("item"), "synced")
        began = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - began, 5)
        with self.assertRaises(grpc.RpcError) as raised:
            next(stream)
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertGreater(details(raised.exception)["RetryInfo"].retry_delay.ToMilliseconds(), 0)

    def test_10_everything_is_bounded(self):
        self.start()
        at_limit = [self.client.event(str(i), "t", "k") for i in range(10_000)]
        self.assertEqual(self.client.ingest(*at_limit).accepted_count, 10_000)
        self.refused("BATCH_TOO_MANY_EVENTS", lambda: self.client.ingest(*at_limit, self.client.event("x", "t", "k")))
        large = self.client.event("large", "t", "k")
        large.attributes["text"].string_value = "x" * 4_096
        self.refused("REQUEST_TOO_LARGE", lambda: self.client.ingest(*[large] * 1_100))
        self.refused("ID_TOO_LONG", lambda: self.client.send("x" * 257, "t", "k"))
        self.assertEqual(self.client.send("x" * 256, "t" * 128, "k").duplicate, False)
        self.refused("FILTER_TOO_LONG", lambda: self.client.list_alerts(filter="key = \"" + "x" * 4_096 + "\""))
        page = self.client.events.ListEvents(self.client.event_api.ListEventsRequest(page_size=5_000))
        self.assertEqual(len(page.events), 1_000)

    def refused(self, reason, call):
        with self.assertRaises(grpc.RpcError) as raised:
            call()
        self.assertEqual(raised.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual(details(raised.exception)["ErrorInfo"].reason, reason)


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main()
