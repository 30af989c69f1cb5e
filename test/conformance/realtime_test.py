"""2,000 events in real time: the generator sends payments to the real server; verdicts, alerts and books are the oracle's."""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

from google.protobuf import duration_pb2, timestamp_pb2

from harness import client as harness
from harness import lapsed

EVENTS = 2_000
# Of journeys' first events, one after the other for a few seconds; durations are a hundredth of the real ones.
FLAGS = ("--shape", "payments", "--time-scale", "0.01", "--events", str(EVENTS), "--rate", "400", "--realtime",
         "--create-monitors")
SEND_SECONDS = 120
END_SECONDS = 120
# What depends on how fast events travelled, and is counted apart.
APART = ("REASON_RECEIVED_LATE", "REASON_SUPERSEDED")
BOOKS = ("met", "late", "missed", "cancelled", "shed", "pending")


class RealtimeTest(unittest.TestCase):

    maxDiff = 4_000

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.prefix = pathlib.Path(folder.name, "payments")
        self.server = lapsed.Lapsed(SERVER, folder.name + "/data").start()
        self.addCleanup(self.server.kill)
        self.client = harness.Client(self.server.address, harness.make_stubs(folder.name))
        self.addCleanup(self.client.close)

    def test_verdicts_alerts_and_books_are_the_oracles(self):
        subprocess.run([WORKLOAD, *FLAGS, "--server", self.server.address, "--out", str(self.prefix)], check=True,
                       timeout=SEND_SECONDS)
        books = {line["monitor"]: line for line in self.lines("books")}
        stats = self.stats_at_the_end(books)
        for monitor, expected in books.items():
            with self.subTest(monitor=monitor):
                self.check_books(stats[monitor], expected)
        self.sequences = {event.sequence: (event.source, event.id) for event in self.client.list_events()}
        self.assertEqual(len(self.sequences), EVENTS - round(EVENTS * 0.2))
        expected = self.expected()
        self.assertEqual(self.shown_verdicts(books), {name: one["verdict"] for name, one in expected.items()})
        self.assertEqual(self.shown_alerts(), {name: one["alert"] for name, one in expected.items() if one["alert"]})

    def lines(self, what):
        with open(f"{self.prefix}.{what}.jsonl", encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def stats_at_the_end(self, monitors):
        """By monitor, once nothing is pending."""
        until = time.monotonic() + END_SECONDS
        while True:
            stats = {name: self.client.stats(name) for name in monitors}
            if not any(one.pending for one in stats.values()):
                return stats
            self.assertLess(time.monotonic(), until, "expectations are pending still")
            time.sleep(0.1)

    def check_books(self, stats, expected):
        self.assertTrue(harness.balances(stats), stats)
        self.assertEqual({field: getattr(stats, field) for field in BOOKS}, {field: expected[field] for field in BOOKS})
        self.assertEqual(stats.opened, expected["opened"] + stats.withdrawn)
        self.assertEqual((stats.stragglers, stats.conflicts), (0, 0))

    def expected(self):
        """By (monitor, key, primary's source and id): the verdict, and the alert or None, as tuples."""
        expected = {}
        for line in self.lines("expected"):
            name = (line["monitor"], line["key"], (line["primary_source"], line["primary_id"]))
            ending = (line["ending_source"], line["ending_id"]) if "ending_id" in line else None
            due, lateness = stamp(line["due_time"]), span(line.get("lateness"))
            expected[name] = {
                "verdict": (line["verdict"], line["reason"], stamp(line["primary_time"]), due, ending,
                            span(line.get("elapsed")), lateness),
                "alert": (line["alert_state"], line.get("alert_reason"), due, lateness)
                         if "alert_state" in line else None,
            }
        return expected

    def shown_verdicts(self, monitors):
        shown, apart = {}, 0
        messages = self.client.pb["monitor_pb2"]
        for monitor in monitors:
            for one in self.client.list_expectations(monitor):
                verdict = messages.Verdict.Name(one.verdict)
                if verdict == "VERDICT_WITHDRAWN":
                    apart += 1
                    continue
                name = (monitor, one.key, self.sequences[one.primary_sequence])
                self.assertNotIn(name, shown)
                # The oracle does not say which cancel came after a deadline that was missed.
                ending = None if verdict == "VERDICT_MISSED" else self.sequences.get(one.ending_sequence)
                shown[name] = (verdict, messages.VerdictReason.Name(one.reason), one.primary_time.ToMicroseconds(),
                               one.due_time.ToMicroseconds(), ending, micros(one, "elapsed"), micros(one, "lateness"))
        print(f"{len(shown)} verdicts; apart: {apart} withdrawn")
        return shown

    def shown_alerts(self):
        shown, apart = {}, collections.Counter()
        kind = self.client.pb["alert_pb2"].Alert
        for alert in self.client.list_alerts(page_size=1_000):
            reason = kind.Reason.Name(alert.reason)
            if reason in APART:
                apart[reason] += 1
                continue
            firing = alert.state == kind.STATE_FIRING
            if firing:
                self.assertIn(reason, ("REASON_DEADLINE_PASSED", "REASON_REJUDGED"))
                self.assertGreater(alert.fire_time.ToMicroseconds(), alert.due_time.ToMicroseconds())
            name = (alert.monitor, alert.key, (alert.primary_event.source, alert.primary_event.id))
            self.assertNotIn(name, shown)
            shown[name] = (kind.State.Name(alert.state), None if firing else reason, alert.due_time.ToMicroseconds(),
                           micros(alert, "lateness"))
        print(f"{len(shown)} alerts; apart: {dict(apart)}")
        return shown


def stamp(text):
    """Microseconds since 1970."""
    time_stamp = timestamp_pb2.Timestamp()
    time_stamp.FromJsonString(text)
    return time_stamp.ToMicroseconds()


def span(text):
    """Microseconds; None for no text."""
    if text is None:
        return None
    duration = duration_pb2.Duration()
    duration.FromJsonString(text)
    return duration.ToMicroseconds()


def micros(message, field):
    return getattr(message, field).ToMicroseconds() if message.HasField(field) else None


if __name__ == "__main__":
    WORKLOAD = sys.argv.pop(1)
    SERVER = sys.argv.pop(1)
    unittest.main()
