"""The walkthrough over real gRPC and real SMTP (STARTTLS, AUTH): one order in time, one never, one late."""

import sys
import tempfile
import unittest

from harness import client as harness
from harness import lapsed, mail_sink

WITHIN_MS = 1_000


class WalkthroughTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.sink = mail_sink.MailSink(self.folder.name).start()
        self.addCleanup(self.sink.stop)
        self.server = lapsed.Lapsed(BINARY, self.folder.name + "/data", ["--settle", "0s"]).start()
        self.addCleanup(self.server.kill)
        self.client = harness.Client(self.server.address, harness.make_stubs(self.folder.name))
        self.addCleanup(self.client.close)
        self.client.create_notifier("ops", self.sink.notifier(self.client.pb))
        self.client.create_monitor("order-delivered", self.client.follow_up(
            "order_created", "order_delivered", WITHIN_MS, display_name="order delivered",
            notifiers=["notifiers/ops"]))

    def test_fires_after_due_resolves_as_late_and_mails_each_once_in_one_thread(self):
        stream = self.client.stream()
        self.assertEqual(next(stream).WhichOneof("item"), "synced")
        for order in ("in-time", "never", "late"):
            self.client.send(f"{order}-created", "order_created", order)
        self.client.send("in-time-delivered", "order_delivered", "in-time")

        seen = harness.changes(stream)
        fired = {change.alert.key: change.alert for change in (next(seen), next(seen))}
        self.assertEqual(set(fired), {"never", "late"})
        for alert in fired.values():
            self.assertGreater(alert.fire_time.ToMicroseconds(), alert.due_time.ToMicroseconds())
            self.assertFalse(alert.detected_late)

        self.client.send("late-delivered", "order_delivered", "late")
        resolved = next(seen).alert
        reasons = self.client.pb["alert_pb2"].Alert
        self.assertEqual((resolved.key, resolved.state, resolved.reason),
                         ("late", reasons.STATE_RESOLVED, reasons.REASON_FOLLOWED_LATE))
        self.assertEqual(resolved.name, fired["late"].name)
        self.assertGreater(resolved.lateness.ToMicroseconds(), 0)
        stream.cancel()

        self.check_mails(self.sink.wait_for(3))
        self.check_books()

    def check_mails(self, mails):
        about = {key: [m for m in mails if key in m["subject"]] for key in ("never", "late")}
        self.assertEqual({key: len(found) for key, found in about.items()}, {"never": 1, "late": 2})
        alert, resolve = about["late"]
        self.assertEqual(resolve["in-reply-to"], alert["message-id"])
        self.assertIn(alert["message-id"], resolve["references"])
        self.assertNotEqual(resolve["message-id"], alert["message-id"])

    def check_books(self):
        stats = self.client.stats("monitors/order-delivered")
        self.assertEqual((stats.opened, stats.met, stats.late, stats.missed), (3, 1, 1, 1))
        self.assertTrue(harness.balances(stats))


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main()
