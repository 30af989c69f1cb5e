"""SIGTERM on a disk that is slow, held or full: the process ends within 5 s, says UNAVAILABLE, and nothing is lost."""

import signal
import sqlite3
import subprocess

import grpc

from api import api_case
from api.api_case import details
from crash import disk_case
from crash.disk_case import NOT_SERVING
from harness import client as harness
from harness.waiting import eventually

RESOURCE_EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
GROUP_EVENTS = 10_000
GROUPS = 15
# Each commit; all of them take longer than a stop may.
SLOW_MS = 600


class StopTest(disk_case.DiskCase):

    def test_sigterm_before_the_server_serves_ends_it_at_once(self):
        self.command("hold sync /log/")
        process = subprocess.Popen([api_case.binary(), "--data-folder", self.folder.name + "/data", "--listen", "127.0.0.1:0"],
                                   env=self.env, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        self.wait_until_held()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(disk_case.STOP_SECONDS), 0)
        self.assertIn("stopped before serving", process.stdout.read())
        self.well_again()
        self.start()
        self.client.send("1", "t", "k")

    def test_events_that_wait_when_the_stop_begins_are_answered_and_not_cancelled(self):
        self.start_shimmed()
        with self.syncs_held("/log/"):
            calls = [self.client.events.IngestEvent.future(
                self.client.event_api.IngestEventRequest(event=self.client.event(str(i), "t", "k"))) for i in range(50)]
            self.wait_until_held()
            self.server.process.send_signal(signal.SIGTERM)
            eventually(lambda: any("stopping: signal" in line for line in self.server.log))
        self.assertEqual(self.server.process.wait(disk_case.STOP_SECONDS), 0)
        acknowledged = {str(i) for i, call in enumerate(calls) if self.is_acknowledged(call)}
        self.start()
        self.assertEqual(acknowledged - {e.id for e in self.client.list_events()}, set())

    def is_acknowledged(self, call):
        """Or else refused so that a client sends it again."""
        if call.exception(api_case.PATIENCE_SECONDS) is None:
            return True
        self.assertEqual(call.code(), UNAVAILABLE, call)
        return False

    def test_a_slow_disk_with_a_long_queue_does_not_hold_up_the_stop(self):
        self.start_shimmed()
        self.command(f"slow sync /log/ {SLOW_MS}")
        calls = [self.client.events.BatchIngestEvents.future(self.batch_request(f"batch{i}", GROUP_EVENTS))
                 for i in range(GROUPS)]
        eventually(lambda: any(call.done() for call in calls))
        self.stops_in_time()
        taken = [i for i, call in enumerate(calls) if self.is_acknowledged(call)]
        self.assertLess(len(taken), GROUPS)
        refused = next(call for call in calls if call.exception() is not None)
        self.assertIn(details(refused)["ErrorInfo"].reason, ("LOG_STOPPING", "DRAINING"))
        self.well_again()
        self.start()
        copies = self.client.events.BatchIngestEvents(self.batch_request(f"batch{taken[-1]}", GROUP_EVENTS))
        self.assertEqual(copies.duplicate_count, GROUP_EVENTS)

    def test_a_slow_disk_does_not_hold_up_the_stop_for_the_last_checkpoint(self):
        self.start_shimmed("--checkpoint-interval", "1h")
        self.client.create_monitor("m", self.client.follow_up("begun", "ended", 3_600_000))
        self.client.ingest(*[self.client.event(str(i), "begun", f"k{i}") for i in range(10_000)])
        self.command("slow sync /checkpoints 50")
        self.stops_in_time()
        self.well_again()
        self.start()
        books = self.client.stats("monitors/m")
        self.assertEqual((books.opened, books.pending), (10_000, 10_000))

    def test_alerts_that_are_stored_slowly_do_not_hold_up_the_stop(self):
        self.start_shimmed()
        self.client.create_monitor("m", self.client.follow_up("begun", "ended", 1))
        self.command(f"slow sync state.db-wal {SLOW_MS}")
        for batch in range(3):
            self.client.ingest(*[self.client.event(f"{batch}-{i}", "begun", f"k{batch}-{i}") for i in range(10_000)])
        self.stops_in_time()
        self.well_again()
        self.start()
        eventually(lambda: self.client.stats("monitors/m").missed == 30_000)
        eventually(lambda: len(self.client.list_alerts(page_size=1_000)) == 30_000)

    def test_reads_of_a_matcher_that_waits_hold_no_thread(self):
        self.start_shimmed()
        self.client.create_monitor("m", self.client.follow_up("begun", "ended", 1))
        with self.syncs_held("state.db-wal"):
            # More alerts than may wait to be stored: the shards stand.
            for batch in range(3):
                self.client.ingest(*[self.client.event(f"{batch}-{i}", "begun", f"k{batch}-{i}") for i in range(10_000)])
            self.wait_until_held()
            reads = [self.client.monitors.GetMonitorStats.future(
                self.client.monitor_api.GetMonitorStatsRequest(name="monitors/m")) for _ in range(50)]
            lists = [self.client.monitors.ListExpectations.future(
                self.client.monitor_api.ListExpectationsRequest(parent="monitors/m")) for _ in range(50)]
            self.client.monitors.GetMonitor(self.client.monitor_api.GetMonitorRequest(name="monitors/m"),
                                            timeout=api_case.PATIENCE_SECONDS)
            with self.assertRaises(grpc.RpcError) as raised:
                self.client.monitors.GetMonitorStats(
                    self.client.monitor_api.GetMonitorStatsRequest(name="monitors/m"), timeout=0.2)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        for call in reads:
            self.assertTrue(harness.balances(call.result(api_case.PATIENCE_SECONDS)))
        for call in lists:
            self.assertEqual(call.exception(api_case.PATIENCE_SECONDS), None)

    def test_sigterm_ends_in_time_while_the_disk_is_full(self):
        self.start_shimmed()
        self.client.create_monitor("m", self.client.follow_up("begun", "ended", 200))
        # Everything but the log is full, then the log too: alerts wait to be stored, and so the shards.
        self.command("full write state.db-wal")
        self.client.ingest(*[self.client.event(str(i), "begun", f"k{i}") for i in range(10_000)])
        eventually(lambda: self.health(b"\x0a\x15lapse.v1.AlertService") == NOT_SERVING)
        self.command("full write /data/")
        self.refused(RESOURCE_EXHAUSTED, "DISK_FULL", lambda: self.client.send("x", "begun", "x"))
        self.stops_in_time()
        self.well_again()
        self.start()
        eventually(lambda: self.client.stats("monitors/m").missed == 10_000)
        self.assertEqual(self.alert_count(), 10_000)

    def alert_count(self):
        self.stops_in_time()
        database = sqlite3.connect(self.folder.name + "/data/state.db")
        count, = database.execute("SELECT count(*) FROM alerts").fetchone()
        database.close()
        return count


if __name__ == "__main__":
    disk_case.main()
