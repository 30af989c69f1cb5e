"""kill -9 of the real server at random instants under load, and at random instants of its start.

LAPSE_KILL_CYCLES says how often (./dev soak: 200), LAPSE_CRASH_SEED with which chance. After every restart: no acknowledged
event lost. At the end: none missed, no alert twice, no false one, every change streamed once, every mail sent under one
Message-ID, books balanced.
"""

import collections
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from crash import kill_load
from crash.kill_load import LATE, MET, MISSED
from harness import client as harness
from harness import lapsed, mail_sink, waiting

CYCLES = int(os.environ.get("LAPSE_KILL_CYCLES", "6"))
SEED = int(os.environ.get("LAPSE_CRASH_SEED", "20260101"))
PATIENCE_SECONDS = 120
# Of all cycles, those in which a start is killed too.
START_KILLS = 0.25
MAX_RUN_SECONDS = 2.5
MAX_BATCH_EVENTS = 10_000
MAX_START_SECONDS = 0.4
# What a machine under load may take from serving to the first resent batch.
FIRST_BATCH_US = 1_000_000
FLAGS = ["--settle", f"{kill_load.SETTLE_US}us", "--shards", "2", "--checkpoint-interval", "200ms"]
# Small ones are filled and sealed within a cycle; the WAL of the others has room ahead of small commits.
LOG_FILE_MB = [1, 16]


def eventually(check, what):
    return waiting.eventually(check, f"{what}, seed {SEED}", PATIENCE_SECONDS)


class KillTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.stubs = harness.make_stubs(self.folder.name)
        self.Alert = self.stubs["alert_pb2"].Alert
        self.chance = random.Random(SEED)
        self.sender = kill_load.Sender(self.chance)
        self.subscriber = kill_load.Subscriber()
        self.server = lapsed.Lapsed(BINARY, self.folder.name + "/data", FLAGS)
        self.addCleanup(lambda: self.server.process and self.server.kill())
        self.sink = mail_sink.MailSink(self.folder.name).start()
        self.addCleanup(self.sink.stop)
        # (killed, serving again), in microseconds.
        self.outages = []
        self.killed_us = 0
        self.checked = set()

    # A cycle.

    def flags(self):
        return [*FLAGS, "--log-file-mb", str(self.chance.choice(LOG_FILE_MB))]

    def start(self):
        """Starts the server, after starts that are killed too, and its clients."""
        while self.killed_us and self.chance.random() < START_KILLS:
            self.kill_a_start()
        self.server.flags = self.flags()
        self.server.start()
        if self.killed_us:
            self.outages.append((self.killed_us, kill_load.now_us()))
        self.client = harness.Client(self.server.address, self.stubs)
        self.follower = threading.Thread(target=self.subscriber.follow, args=(self.client,))
        self.follower.start()

    def kill_a_start(self):
        process = subprocess.Popen(
            [BINARY, "--data-folder", self.server.data_folder, "--listen", "127.0.0.1:0", *self.flags()],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(self.chance.uniform(0, MAX_START_SECONDS))
        process.kill()
        process.wait()

    def end_clients(self):
        self.follower.join(PATIENCE_SECONDS)
        self.assertFalse(self.follower.is_alive(), "the alert stream did not end with the server")
        self.client.close()

    def run_and_kill(self):
        until = threading.Event()
        faults = []

        def send():
            try:
                self.sender.run(self.client, until)
            except Exception as fault:  # Told by the test's own thread.
                faults.append(fault)

        sending = threading.Thread(target=send)
        sending.start()
        # In fractions of the moment, so that short lives are as frequent as long ones.
        time.sleep(MAX_RUN_SECONDS * self.chance.random() ** 2)
        self.server.process.kill()
        self.killed_us = kill_load.now_us()
        self.server.kill()
        until.set()
        sending.join(PATIENCE_SECONDS)
        self.assertEqual(faults, [], f"seed {SEED}")
        self.end_clients()

    def check_nothing_is_lost(self):
        """Every event that was acknowledged since the last check is there, and is known again."""
        recent = sorted(self.sender.acknowledged - self.checked)
        for at in range(0, len(recent), MAX_BATCH_EVENTS):
            copies = self.client.ingest(*[self.copy_of(i) for i in recent[at:at + MAX_BATCH_EVENTS]])
            self.assertEqual((copies.accepted_count, copies.conflicting_count), (0, 0), f"events were lost; seed {SEED}")
        self.checked.update(recent)

    def copy_of(self, event_id):
        key = self.sender.keys[event_id[2:]]
        kind = key.event_type if event_id.startswith("b-") else "ended"
        at_us = key.begun_us if event_id.startswith("b-") else \
            key.begun_us + 1 if key.fate == MET else key.due_us + kill_load.LATE_BY_US
        return self.client.event(event_id, kind, key.name, at_us=at_us)

    def test_kill_at_random_instants_under_load(self):
        self.start()
        self.client.create_notifier("ops", self.sink.notifier(self.stubs))
        self.client.create_monitor("kill", self.client.follow_up("begun", "ended", kill_load.WITHIN_US // 1_000))
        self.client.create_monitor("mail", self.client.follow_up(
            "mail_begun", "ended", kill_load.WITHIN_US // 1_000, notifiers=["notifiers/ops"]))
        for cycle in range(CYCLES):
            self.sender.begin_mailed(self.client)
            self.run_and_kill()
            self.start()
            self.check_nothing_is_lost()
            if (cycle + 1) % 20 == 0:
                print(f"{cycle + 1} of {CYCLES} cycles, {len(self.sender.acknowledged)} events acknowledged, "
                      f"{self.subscriber.changes} alert changes seen", flush=True)
        self.sender.flush(self.client)
        self.check_nothing_is_lost()
        self.check_verdicts()
        self.check_stored_events()
        self.check_mails()
        self.check_stream()
        self.assertEqual(self.server.stop(), 0)
        self.end_clients()
        print(f"{CYCLES} cycles, seed {SEED}: {len(self.sender.acknowledged)} events, {self.sender.copies} sent again, "
              f"{len(self.alerts)} alerts; 0 lost, 0 missed, 0 twice, 0 false")

    # What must have come of it.

    def keys_of(self, event_type, *fates):
        return {key.name for key in self.sender.keys.values() if key.event_type == event_type and key.fate in fates}

    def check_verdicts(self):
        for name, event_type in (("monitors/kill", "begun"), ("monitors/mail", "mail_begun")):
            books = eventually(lambda: (s := self.client.stats(name)).pending == 0 and s, "nothing is pending")
            self.assertTrue(harness.balances(books), books)
            counted = {fate: getattr(books, fate) for fate in (MET, LATE, MISSED)}
            self.assertEqual(counted, {fate: len(self.keys_of(event_type, fate)) for fate in counted}, f"seed {SEED}")
            self.assertEqual(books.opened, sum(counted.values()))
        self.check_alerts()

    def check_alerts(self):
        breached = {key.name for key in self.sender.keys.values() if key.fate != MET}
        eventually(lambda: breached <= {a.key for a in self.client.list_alerts(page_size=1_000)}, "every breach has an alert")
        self.alerts = self.client.list_alerts(page_size=1_000)
        by_key = collections.defaultdict(list)
        for alert in self.alerts:
            by_key[alert.key].append(alert)
        self.assertEqual({k: len(found) for k, found in by_key.items() if len(found) > 1}, {}, f"twice; seed {SEED}")
        for name, (alert,) in by_key.items():
            self.check_alert(self.sender.keys[name], alert)

    def check_alert(self, key, alert):
        if key.fate == MET:
            self.assertTrue(self.came_too_late_to_tell(key, alert), f"false alert, seed {SEED}: {key} {alert}")
            return
        expected = {MISSED: (self.Alert.STATE_FIRING, self.Alert.REASON_DEADLINE_PASSED),
                    LATE: (self.Alert.STATE_RESOLVED, self.Alert.REASON_FOLLOWED_LATE)}[key.fate]
        self.assertEqual((alert.state, alert.reason), expected, alert)
        self.assertEqual(alert.due_time.ToMicroseconds(), key.due_us)
        if alert.HasField("fire_time"):
            late_us = alert.fire_time.ToMicroseconds() - key.due_us
            self.assertGreater(late_us, 0)
            self.assertEqual(alert.detected_late, late_us > 1_000_000, alert)

    def came_too_late_to_tell(self, key, alert):
        """Its follow-up was in time but reached the server after the deadline, and not within a settle time."""
        if alert.state != self.Alert.STATE_RESOLVED or alert.reason != self.Alert.REASON_RECEIVED_LATE:
            return False
        received_us = self.received_us(f"e-{key.name}")
        settling = any(killed - kill_load.WITHIN_US <= key.due_us <= serving + kill_load.SETTLE_US
                       and received_us < serving + kill_load.SETTLE_US - FIRST_BATCH_US for killed, serving in self.outages)
        return received_us > key.due_us and not settling

    def received_us(self, event_id):
        event, = self.client.list_events(filter=f'id = "{event_id}"')
        return event.ingest_time.ToMicroseconds()

    def check_stored_events(self):
        """Sequences have no gap, and each id is there once."""
        ids, sequences = set(), set()
        for event in self.client.list_events():
            ids.add(event.id)
            sequences.add(event.sequence)
        self.assertEqual(ids, self.sender.acknowledged)
        self.assertEqual(sequences, set(range(1, len(ids) + 1)))

    def check_stream(self):
        """The subscriber has seen every change of every alert once, in order."""
        eventually(lambda: self.subscriber.versions == {a.name: a.version for a in self.alerts}, "all changes are streamed")
        self.assertEqual(self.subscriber.faults, [], f"seed {SEED}")
        self.assertEqual(self.subscriber.states, {a.name: a.state for a in self.alerts})

    def check_mails(self):
        Delivery = self.stubs["notifier_pb2"].Delivery
        done = eventually(lambda: (d := self.client.list_deliveries(parent="notifiers/ops", page_size=1_000))
                          and all(x.state in (Delivery.STATE_SENT, Delivery.STATE_DIGESTED) for x in d) and d,
                          "every delivery is sent")
        told = {alert.name for alert in self.alerts if alert.key.startswith("mail-")}
        self.assertEqual(len(told), CYCLES)
        ids = {mail["message-id"] for mail in self.sink.mails()}
        sent = [x for x in done if x.state == Delivery.STATE_SENT]
        self.assertEqual(len(ids), len(sent), "one Message-ID for each delivery, however often it was sent")


if __name__ == "__main__":
    BINARY = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
