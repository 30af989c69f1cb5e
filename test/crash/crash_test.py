"""kill -9 of the real server: in the midst of ingest, between firing and storing, between DATA and its answer.

Twenty crashes in all. After each: no acknowledged event lost, no alert missed, none twice, a repeated mail has the same
Message-ID, books balanced.
"""

import collections
import os
import pathlib
import random
import sys
import tempfile
import threading
import time
import unittest

import grpc

from harness import client as harness
from harness import lapsed, mail_sink
from harness.waiting import eventually

SEED = int(os.environ.get("LAPSE_CRASH_SEED", "20260101"))
INGEST_CRASHES = 8
FIRING_CRASHES = 6
MAIL_CRASHES = 6
BATCH_EVENTS = 50
WITHIN_MS = 1_000
PATIENCE_SECONDS = 60


class CrashTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.stubs_folder = tempfile.TemporaryDirectory()
        cls.stubs = harness.make_stubs(cls.stubs_folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.stubs_folder.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.client = None
        self.server = None
        self.addCleanup(lambda: self.server and self.server.kill())
        self.addCleanup(lambda: self.client and self.client.close())

    def start(self, env=None):
        """Starts, or starts again, the server on the same folder."""
        if self.client:
            self.client.close()
        self.server = lapsed.Lapsed(
            BINARY, self.folder.name + "/data",
            ["--settle", "0s", "--shards", "2", "--checkpoint-interval", "200ms", "--log-file-mb", "1"], env).start()
        self.client = harness.Client(self.server.address, self.stubs)

    def create_monitor(self, notifiers=()):
        self.client.create_monitor("crash", self.client.follow_up(
            "begun", "ended", WITHIN_MS, cancel="cancelled", notifiers=list(notifiers)))

    def wait_until_dead(self):
        self.assertEqual(self.server.process.wait(PATIENCE_SECONDS), -9)

    def settled_books(self):
        """The books, once nothing is pending."""
        def check():
            stats = self.client.stats("monitors/crash")
            return stats if stats.pending == 0 else None
        return eventually(check)

    def check_alerts(self, missed_keys):
        """There is one alert for each key that was missed, and no other."""
        def check():
            return len(self.client.list_alerts(page_size=1000)) >= len(missed_keys)
        eventually(check)
        keys = collections.Counter(alert.key for alert in self.client.list_alerts(page_size=1000))
        self.assertEqual([key for key, count in keys.items() if count > 1], [], "alerts that are there twice")
        self.assertEqual(set(keys), set(missed_keys))
        books = self.settled_books()
        self.assertTrue(harness.balances(books), books)
        self.assertEqual(books.missed, len(missed_keys))

    # In the midst of ingest.

    def ingest_until_killed(self, crash, chance):
        """Streams batches and kills the server after some answers; returns the ids and keys that were acknowledged."""
        acknowledged, sent = {}, {}
        answers_before_kill = chance.randrange(3, 40)

        def batches():
            number = 0
            while self.server.process.poll() is None:
                number += 1
                events = [self.client.event(f"{crash}-{number}-{i}", "begun", f"k{crash}-{number}-{i}")
                          for i in range(BATCH_EVENTS)]
                sent[number] = {event.id: event.attributes["order_id"].string_value for event in events}
                yield self.client.event_api.IngestEventStreamRequest(batch_number=number, events=events)

        try:
            for answer in self.client.events.IngestEventStream(batches(), timeout=PATIENCE_SECONDS):
                self.assertEqual(answer.status.code, 0, answer.status.message)
                acknowledged.update(sent[answer.batch_number])
                if answer.batch_number >= answers_before_kill and self.server.process.poll() is None:
                    threading.Thread(target=self.kill_soon, args=(chance.random() / 100,)).start()
        except grpc.RpcError:
            pass
        self.wait_until_dead()
        return acknowledged

    def kill_soon(self, seconds):
        time.sleep(seconds)
        self.server.process.kill()

    def test_in_the_midst_of_ingest(self):
        chance = random.Random(SEED)
        self.start()
        self.create_monitor()
        acknowledged = {}
        for crash in range(INGEST_CRASHES):
            acknowledged.update(self.ingest_until_killed(crash, chance))
            self.start()
        stored = {event.id: event for event in self.client.list_events()}
        self.assertEqual(set(acknowledged) - set(stored), set(), f"acknowledged events are lost; seed {SEED}")
        self.assertEqual(sorted(e.sequence for e in stored.values()), list(range(1, len(stored) + 1)))
        copies = self.client.ingest(*[self.client.event(i, "begun", k) for i, k in list(acknowledged.items())[:1000]])
        self.assertEqual(copies.accepted_count, 0, "copies are recognised after a crash")
        self.check_alerts({event.attributes["order_id"].string_value for event in stored.values()})

    # Between firing and storing.

    def test_between_firing_and_storing(self):
        arm = pathlib.Path(self.folder.name, "arm")
        keys = set()
        for crash in range(FIRING_CRASHES):
            operation = ("write", "sync", "synced")[crash % 3]
            self.start(lapsed.preload(SHIM, KILL_ARM=str(arm), KILL_PATH="state.db-wal", KILL_OP=operation))
            if crash == 0:
                self.create_monitor()
            batch = [f"k{crash}-{i}" for i in range(20)]
            # What the last crash kept from being stored is stored now.
            eventually(lambda: len(self.client.list_alerts(page_size=1000)) >= len(keys))
            # From here on the first write to the alerts' file is that of what fires.
            arm.touch()
            answer = self.client.ingest(*[self.client.event(f"e-{key}", "begun", key) for key in batch])
            self.assertEqual(answer.accepted_count, len(batch))
            keys.update(batch)
            self.wait_until_dead()
            arm.unlink()
        self.start()
        self.check_alerts(keys)

    # Between SMTP DATA and its answer.

    def test_between_data_and_its_answer(self):
        sink = mail_sink.MailSink(self.folder.name).start()
        self.addCleanup(sink.stop)
        self.start()
        self.client.create_notifier("ops", sink.notifier(self.stubs))
        self.create_monitor(["notifiers/ops"])
        for crash in range(MAIL_CRASHES):
            sink.stop()
            sink.start(["--hang", "kept"])
            before = len(sink.mails())
            self.client.send(f"e{crash}", "begun", f"mail{crash}")
            sink.wait_for(before + 1)
            self.server.kill()
            sink.stop()
            sink.start()
            self.start()
            # The same mail again, and this time it is answered.
            sink.wait_for(before + 2)
            eventually(lambda count=crash + 1: self.sent() == count)
        self.check_alerts({f"mail{crash}" for crash in range(MAIL_CRASHES)})
        self.check_mails(sink.mails())

    def sent(self):
        """How many deliveries are recorded as sent."""
        return len(self.client.list_deliveries(
            parent="notifiers/ops", states=[self.stubs["notifier_pb2"].Delivery.STATE_SENT]))

    def check_mails(self, mails):
        ids = collections.Counter(mail["message-id"] for mail in mails)
        self.assertEqual(len(ids), MAIL_CRASHES)
        self.assertEqual(set(ids.values()), {2}, "each mail came twice, under one Message-ID")
        states = {delivery.state for delivery in self.client.list_deliveries(parent="notifiers/ops")}
        self.assertEqual(states, {self.stubs["notifier_pb2"].Delivery.STATE_SENT})


if __name__ == "__main__":
    BINARY, SHIM = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))
    unittest.main()
