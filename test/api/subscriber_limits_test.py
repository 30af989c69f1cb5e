"""The limits of StreamAlerts: how old a cursor may be, how long a subscriber may not read, how many there may be."""

import sqlite3

import grpc

from api import api_case
from harness import client as harness
from harness.waiting import eventually

# base/limits.h.
MAX_SUBSCRIBERS = 2_000
EIGHT_DAYS_US = 8 * 24 * 3_600 * 1_000_000


class SubscriberLimitsTest(api_case.ApiCase):

    def fire(self, count, text=""):
        """Alerts whose primaries carry `text`."""
        present = self.client.stats("monitors/m").missed
        events = [self.client.event(f"{present + i}", "begun", f"k{present + i}") for i in range(count)]
        for event in events:
            event.attributes["text"].string_value = text
        self.client.ingest(*events)
        eventually(lambda: len(self.client.list_alerts(page_size=1_000)) >= present + count)

    def monitor(self):
        self.client.create_monitor("m", self.client.follow_up("begun", "ended", 100))

    def make_older(self):
        """Puts every change of the stopped server's feed eight days back."""
        database = sqlite3.connect(self.folder.name + "/data/state.db")
        changed = database.execute("UPDATE feed SET change_time_us = change_time_us - ?", (EIGHT_DAYS_US,)).rowcount
        database.commit()
        database.close()
        return changed

    def test_a_cursor_older_than_the_changes_that_are_kept_is_refused(self):
        self.start()
        self.monitor()
        stream = self.client.stream()
        old = next(stream).synced.cursor
        self.fire(3)
        changes = harness.changes(stream)
        newest = [next(changes).cursor for _ in range(3)][-1]
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(self.make_older(), 3)
        self.start()
        message, _ = eventually(lambda: self.expired(old))
        self.assertIn("start again without it", message)
        # Who has seen the last one that is gone misses nothing; and the alerts themselves stay.
        self.fire(1)
        self.assertEqual(next(harness.changes(self.client.stream(cursor=newest))).alert.key, "k3")
        self.assertEqual(len(self.client.list_alerts()), 4)

    def expired(self, cursor):
        """The refusal, once the server has got round to trimming."""
        stream = self.client.stream(cursor=cursor)
        try:
            next(stream)
        except grpc.RpcError:
            return self.refused(grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED", lambda: next(self.client.stream(cursor=cursor)))
        stream.cancel()
        return None

    def test_a_subscriber_that_never_reads_is_cut_and_the_others_go_on(self):
        self.start("--subscriber-write-timeout", "1s")
        self.monitor()
        # A channel of its own, so that its window is not that of the others.
        with grpc.insecure_channel(self.server.address, options=[("grpc.http2.bdp_probe", 0)]) as channel:
            stub = self.stubs["alert_service_pb2_grpc"].AlertServiceStub(channel)
            stuck = stub.StreamAlerts(self.client.alert_api.StreamAlertsRequest())
            self.assertEqual(next(stuck).WhichOneof("item"), "synced")
            reading = self.client.stream()
            self.assertEqual(next(reading).WhichOneof("item"), "synced")
            # Far more than the window of a stream takes in.
            self.fire(1_000, text="x" * 900)
            seen, cursor = self.read_until_cut(stuck)
            self.assertLess(len(seen), 1_000)
            changes = harness.changes(reading)
            everything = [next(changes).alert.key for _ in range(1_000)]
            self.assertEqual(len(set(everything)), 1_000)
            # It comes back with its cursor and has lost nothing.
            rest = harness.changes(self.client.stream(cursor=cursor))
            self.assertEqual(seen + [next(rest).alert.key for _ in range(1_000 - len(seen))], everything)
            # The others are still there.
            self.fire(1)
            self.assertEqual(next(changes).alert.key, "k1000")

    def read_until_cut(self, stuck):
        """Reads nothing until the call has ended, then what had come; returns the keys and the last cursor."""
        eventually(lambda: any("is cut" in line for line in self.server.log))
        seen, cursor = [], None
        with self.assertRaises(grpc.RpcError) as raised:
            for item in stuck:
                seen.append(item.change.alert.key)
                cursor = item.change.cursor
        self.assertEqual(raised.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertIn("has not read for 1s; connect again with your cursor", raised.exception.details())
        return seen, cursor

    def test_one_subscriber_too_many_is_refused_until_another_goes(self):
        self.start()
        streams = [self.client.stream() for _ in range(MAX_SUBSCRIBERS)]
        for stream in streams:
            self.assertEqual(next(stream).WhichOneof("item"), "synced")
        with self.assertRaises(grpc.RpcError) as raised:
            next(self.client.stream())
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
        told = api_case.details(raised.exception)
        self.assertEqual(told["ErrorInfo"].reason, "TOO_MANY_SUBSCRIBERS")
        self.assertGreater(told["RetryInfo"].retry_delay.ToMilliseconds(), 0)
        self.assertIn(str(MAX_SUBSCRIBERS), raised.exception.details())
        # Those that are there are served.
        self.monitor()
        self.fire(1)
        for stream in streams:
            self.assertEqual(next(stream).change.alert.key, "k0")
        streams.pop().cancel()
        eventually(self.taken)

    def taken(self):
        try:
            return next(self.client.stream()).WhichOneof("item")
        except grpc.RpcError:
            return None


if __name__ == "__main__":
    api_case.main()
