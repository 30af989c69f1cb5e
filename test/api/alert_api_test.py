"""AlertService: getting, listing, closing and following alerts."""

import shutil
import time

import grpc

from api import api_case
from harness import client as harness
from harness.waiting import eventually

NOT_FOUND = grpc.StatusCode.NOT_FOUND
OUT_OF_RANGE = grpc.StatusCode.OUT_OF_RANGE
HEARTBEAT_SECONDS = 15


class AlertApiTest(api_case.ApiCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Alert = cls.stubs["alert_pb2"].Alert

    def monitor(self, monitor_id="m", primary="begun", **fields):
        self.client.create_monitor(monitor_id, self.client.follow_up(primary, "ended", 100, **fields))

    def fire(self, *keys, primary="begun"):
        """One alert a key; returns them, oldest first, once all fire."""
        present = len(self.client.list_alerts())
        for key in keys:
            self.client.send(f"{primary}-{key}", primary, key)
        eventually(lambda: len(self.client.list_alerts()) >= present + len(keys))
        by_key = {a.key: a for a in self.client.list_alerts() if a.primary_event.type == primary}
        return [by_key[key] for key in keys]

    def get(self, name):
        return self.client.alerts.GetAlert(self.client.alert_api.GetAlertRequest(name=name))

    def close(self, name, note=""):
        return self.client.alerts.CloseAlert(self.client.alert_api.CloseAlertRequest(name=name, note=note))

    def keys(self, **fields):
        return sorted(a.key for a in self.client.list_alerts(**fields))

    def test_get_gives_the_alert_and_not_found_where_there_is_none(self):
        self.start()
        self.monitor()
        alert, = self.fire("k")
        self.assertEqual(self.get(alert.name), alert)
        message, _ = self.refused(NOT_FOUND, "ALERT_NOT_FOUND", lambda: self.get("alerts/" + "0" * 32))
        self.assertIn("alerts/" + "0" * 32, message)
        self.refused(NOT_FOUND, "ALERT_NOT_FOUND", lambda: self.close("alerts/" + "0" * 32))
        with self.assertRaises(grpc.RpcError) as raised:
            self.get("monitors/m")
        self.assertEqual(raised.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)

    def test_list_filters_by_state_key_monitor_and_label(self):
        self.start()
        self.monitor("red", labels={"team": "red"})
        self.monitor("blue", primary="opened", labels={"team": "blue"}, severity=3)
        self.fire("a", "b")
        self.fire("c", primary="opened")
        self.client.send("end", "ended", "a")
        eventually(lambda: self.keys(filter="state = RESOLVED") == ["a"])
        for text, expected in (("state = FIRING", ["b", "c"]), ('key = "b"', ["b"]),
                               ('monitor = "monitors/blue"', ["c"]), ('labels.team = "red"', ["a", "b"]),
                               ('labels.team = "red" AND state = FIRING', ["b"]), ("severity = CRITICAL", ["c"]),
                               ("reason = FOLLOWED_LATE", ["a"]), ('key = "absent"', []), ("", ["a", "b", "c"])):
            with self.subTest(text):
                self.assertEqual(self.keys(filter=text), expected)
        message, fields = self.invalid("FILTER_FIELD_UNKNOWN", lambda: self.keys(filter='key = "a" AND kee = "b"'))
        self.assertEqual(fields, ["filter"])
        self.assertIn("column 15", message)
        self.invalid("FILTER_FIELD_UNKNOWN", lambda: next(self.client.stream(filter="kee = 1")))

    def test_list_is_newest_first_in_pages_that_are_complete_and_without_repeats(self):
        self.start()
        self.monitor()
        for i in range(7):
            self.fire(f"k{i}")
        newest_first = [f"k{i}" for i in range(6, -1, -1)]
        found, token = [], ""
        while True:
            page = self.page(page_size=3, page_token=token)
            self.assertLessEqual(len(page.alerts), 3)
            found += [a.key for a in page.alerts]
            token = page.next_page_token
            if not token:
                break
            # A change of one that is listed already must not move it.
            self.client.send(f"end-{found[0]}", "ended", found[0])
            eventually(lambda: found[0] in self.keys(filter="state = RESOLVED"))
        self.assertEqual(found, newest_first)

    def page(self, **fields):
        return self.client.alerts.ListAlerts(self.client.alert_api.ListAlertsRequest(**fields))

    def test_a_page_token_of_another_query_is_refused(self):
        self.start()
        self.monitor()
        self.fire("a", "b")
        token = self.page(page_size=1).next_page_token
        self.invalid("PAGE_TOKEN_MISMATCH", lambda: self.page(page_token=token, filter='key = "a"'))
        self.invalid("PAGE_TOKEN_INVALID", lambda: self.page(page_token=token[:-3]))

    def test_a_cursor_that_is_none_is_refused(self):
        self.start()
        for cursor in ("x", "AAAA", "%%%", "y" * 10_000):
            with self.subTest(cursor[:10]):
                _, fields = self.invalid("CURSOR_INVALID", lambda: next(self.client.stream(cursor=cursor)))
                self.assertEqual(fields, ["cursor"])

    def test_a_cursor_ahead_of_the_feed_is_refused(self):
        self.start()
        self.monitor()
        self.fire("a")
        self.assertEqual(self.server.stop(), 0)
        restored = self.folder.name + "/restored"
        shutil.copytree(self.folder.name + "/data", restored)
        self.start()
        self.fire("b")
        stream = self.client.stream()
        cursor = next(item.synced.cursor for item in stream if item.WhichOneof("item") == "synced")
        stream.cancel()
        self.start(data=restored)
        message, _ = self.refused(OUT_OF_RANGE, "CURSOR_IN_FUTURE", lambda: next(self.client.stream(cursor=cursor)))
        self.assertIn("start again without it", message)

    def test_close_by_hand_resolves_with_its_note_and_no_late_follow_up_amends_it(self):
        # One shard, so that the fence is judged after the event before it.
        self.start("--shards", "1")
        self.monitor()
        alert, other = self.fire("k", "fence")
        closed = self.close(alert.name, "known, shop was shut")
        self.assertEqual((closed.state, closed.reason, closed.close_note),
                         (self.Alert.STATE_RESOLVED, self.Alert.REASON_CLOSED_BY_HAND, "known, shop was shut"))
        self.assertEqual((closed.name, closed.version), (alert.name, 2))
        self.assertTrue(closed.HasField("resolve_time"))
        self.assertEqual(self.get(alert.name), closed)
        self.client.ingest(self.client.event("e1", "ended", "k"), self.client.event("e2", "ended", "fence"))
        eventually(lambda: self.get(other.name).reason == self.Alert.REASON_FOLLOWED_LATE)
        self.assertEqual(self.get(alert.name), closed)
        self.start()
        self.assertEqual(self.get(alert.name), closed)

    def test_a_second_close_is_refused(self):
        self.start()
        self.monitor()
        alert, = self.fire("k")
        closed = self.close(alert.name, "first")
        message, _ = self.refused(grpc.StatusCode.FAILED_PRECONDITION, "ALERT_RESOLVED",
                                  lambda: self.close(alert.name, "second"))
        self.assertIn(alert.name, message)
        self.assertEqual(self.get(alert.name), closed)

    def test_a_note_may_be_1024_bytes_and_no_more(self):
        self.start()
        self.monitor()
        alert, = self.fire("k")
        _, fields = self.invalid("NOTE_TOO_LONG", lambda: self.close(alert.name, "x" * 1_025))
        self.assertEqual(fields, ["note"])
        self.assertEqual(self.get(alert.name), alert)
        self.assertEqual(self.close(alert.name, "x" * 1_024).close_note, "x" * 1_024)

    def test_a_heartbeat_carries_the_cursor_past_what_the_filter_left_out(self):
        self.start()
        self.monitor()
        began = time.monotonic()
        stream = self.client.stream(filter='key = "wanted"')
        synced = next(stream).synced
        self.assertEqual(synced.firing_count, 0)
        self.fire("a", "b", "c")
        fired_us = time.time() * 1e6
        beat = next(stream)
        self.assertGreater(time.monotonic() - began, HEARTBEAT_SECONDS - 1)
        self.assertLess(time.monotonic() - began, 2 * HEARTBEAT_SECONDS)
        # On a slow machine the first may come before the alerts.
        while beat.heartbeat.server_time.ToMicroseconds() < fired_us:
            beat = next(stream)
        self.assertEqual(beat.WhichOneof("item"), "heartbeat")
        stream.cancel()
        from_beat = harness.changes(self.client.stream(cursor=beat.heartbeat.cursor))
        from_synced = harness.changes(self.client.stream(cursor=synced.cursor))
        self.fire("d")
        self.assertEqual(next(from_beat).alert.key, "d")
        self.assertEqual(sorted(next(from_synced).alert.key for _ in range(4)), ["a", "b", "c", "d"])


if __name__ == "__main__":
    api_case.main()
