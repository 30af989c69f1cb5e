"""A disk that is slow, fails or is full, under the real server: what is acknowledged, what is refused, and how it is told."""

import os
import pathlib
import subprocess
import time

import grpc

from api import api_case
from api.api_case import details, status_details
from crash import disk_case
from crash.disk_case import NOT_SERVING, SERVING
from harness import client as harness
from harness.waiting import eventually

RESOURCE_EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
BATCH_EVENTS = 10_000
# base/limits.h: what may wait in the log's queue. One group more is under way.
QUEUED_EVENTS = 200_000
WITHIN_MS = 1_000
ALERT_SERVICE = b"\x0a\x15lapse.v1.AlertService"
DISK_BYTES = 8 << 20
BALLAST_BYTES = 3 << 20
DATA_FRAME = 0
FRAME_HEAD_BYTES = 9


def frames(blob):
    """(type, payload) of each HTTP/2 frame in what was sent at once."""
    while len(blob) >= FRAME_HEAD_BYTES:
        size = int.from_bytes(blob[:3], "big")
        yield blob[3], blob[FRAME_HEAD_BYTES:FRAME_HEAD_BYTES + size]
        blob = blob[FRAME_HEAD_BYTES + size:]


class DiskTest(disk_case.DiskCase):

    # Promise 1: what an acknowledgement means.

    def acks_and_syncs(self):
        """The trace as words: "write", "synced", and the sequence of each acknowledgement that was sent."""
        for line in self.trace_file.read_text().splitlines():
            what, rest = line.split()
            if what != "sent":
                yield what
                continue
            for kind, payload in frames(bytes.fromhex(rest)):
                # A message stands behind five bytes of its own: a flag and its size.
                if kind == DATA_FRAME and len(payload) > 5:
                    yield self.client.event_api.IngestEventResponse.FromString(payload[5:]).sequence

    def test_1_no_acknowledgement_is_sent_before_its_commit_is_synced(self):
        # The log's files, which have numbers; "acknowledged" beside them is never synced.
        self.start_shimmed(IO_TRACE=str(self.trace_file), IO_TRACE_PATH="/log/0")
        # What a start writes by itself is not the question.
        self.client.send("first", "t", "k")
        for i in range(50):
            self.assertEqual(self.client.send(str(i), "t", "k").sequence, i + 2)
        acknowledged, written, dirty = [], False, set()
        for word in self.acks_and_syncs():
            if word == "write":
                written, dirty = True, True
            elif word == "synced":
                dirty = False
            else:
                self.assertTrue(written, f"nothing was written for sequence {word}")
                self.assertFalse(dirty, f"sequence {word} was acknowledged with writes that were not synced")
                acknowledged.append(word)
                written = False
        self.assertEqual(acknowledged, list(range(1, 52)))

    def test_1_every_way_to_send_waits_for_the_sync(self):
        self.start_shimmed()
        stream_requests = [self.client.event_api.IngestEventStreamRequest(
            batch_number=1, events=[self.client.event("stream", "t", "k")])]
        with self.syncs_held("/log/"):
            unary = self.client.events.IngestEvent.future(
                self.client.event_api.IngestEventRequest(event=self.client.event("unary", "t", "k")))
            batch = self.client.events.BatchIngestEvents.future(self.batch_request("batch", 3))
            stream = self.client.events.IngestEventStream(iter(stream_requests))
            self.wait_until_held()
            # A reader sees what is committed; an answer that waits for nothing would be here by now.
            for _ in range(50):
                self.client.events.ListEventTypes(self.client.event_api.ListEventTypesRequest())
            self.assertFalse(unary.done() or batch.done() or stream.done())
        self.assertFalse(unary.result(api_case.PATIENCE_SECONDS).duplicate)
        self.assertEqual(batch.result(api_case.PATIENCE_SECONDS).accepted_count, 3)
        self.assertEqual(next(stream).result.accepted_count, 1)

    # Promise 9: a full queue.

    def test_9_a_full_queue_is_told_by_unary_and_in_band_and_later_batches_are_taken(self):
        self.start_shimmed()
        batch = self.batch_request("many", BATCH_EVENTS)
        with self.syncs_held("/log/"):
            # Kept, since a call that nobody holds is cancelled.
            first = self.client.events.IngestEvent.future(
                self.client.event_api.IngestEventRequest(event=self.client.event("first", "t", "k")))
            self.wait_until_held()
            calls = [self.client.events.BatchIngestEvents.future(batch) for _ in range(QUEUED_EVENTS // BATCH_EVENTS + 1)]
            refused = eventually(lambda: next((call for call in calls if call.done()), None))
            self.refused(RESOURCE_EXHAUSTED, "LOG_QUEUE_FULL", refused.result)
            self.assertGreater(details(refused)["RetryInfo"].retry_delay.ToMilliseconds(), 0)
            self.refused(RESOURCE_EXHAUSTED, "LOG_QUEUE_FULL", lambda: self.client.send("b", "t", "k"))
            stream = self.client.events.IngestEventStream(self.endless_batches())
            answer = next(stream)
            self.assertEqual((answer.batch_number, answer.status.code), (1, RESOURCE_EXHAUSTED.value[0]))
            told = status_details(answer.status)
            self.assertEqual(told["ErrorInfo"].reason, "LOG_QUEUE_FULL")
            self.assertGreater(told["RetryInfo"].retry_delay.ToMilliseconds(), 0)
        # The stream goes on, and what waited is durable once each.
        accepted = next(answer for answer in stream if answer.status.code == 0)
        self.assertEqual(accepted.result.accepted_count, 1)
        stream.cancel()
        self.assertFalse(first.result(api_case.PATIENCE_SECONDS).duplicate)
        results = [call.result(api_case.PATIENCE_SECONDS) for call in calls if call is not refused]
        self.assertEqual(sum(r.accepted_count for r in results), BATCH_EVENTS)
        self.assertEqual(sum(r.duplicate_count for r in results), QUEUED_EVENTS - BATCH_EVENTS)

    def endless_batches(self):
        """Numbered batches of one event, a moment apart: one is refused while the queue is full, a later one is not."""
        for number in range(1, 100_000):
            yield self.client.event_api.IngestEventStreamRequest(
                batch_number=number, events=[self.client.event(f"stream-{number}", "t", "k")])
            time.sleep(0.01)

    # A disk that fails.

    def failing(self, path, op="sync"):
        self.command(f"fail {op} {path}")

    def test_a_log_that_cannot_be_synced_stops_and_says_why(self):
        self.start_shimmed()
        self.client.send("kept", "t", "k")
        self.failing("/log/")
        self.refused(UNAVAILABLE, "LOG_STOPPED", lambda: self.client.send("lost", "t", "k"))
        # The disk may seem well again: what an fsync that failed left behind stays unknown.
        self.well_again()
        self.refused(UNAVAILABLE, "LOG_STOPPED", lambda: self.client.send("lost", "t", "k"))
        eventually(lambda: self.health() == NOT_SERVING)
        self.assertIn("the event log stops writing", "".join(self.server.log))
        self.stops_in_time()
        self.start()
        self.assertIn("kept", [e.id for e in self.client.list_events()])
        self.assertEqual(self.health(), SERVING)

    def test_a_state_store_whose_commit_failed_stops_and_says_why(self):
        self.start_shimmed()
        self.client.create_monitor("m", self.client.follow_up("begun", "ended", 60_000))
        self.failing("state.db-wal")
        message, _ = self.refused(UNAVAILABLE, "STATE_STORE_STOPPED", self.create_notifier)
        self.assertIn("until the server is restarted", message)
        # The disk may seem well again.
        self.well_again()
        self.refused(UNAVAILABLE, "STATE_STORE_STOPPED", self.create_notifier)
        eventually(lambda: self.health() == NOT_SERVING)
        self.assertEqual(self.health(b""), NOT_SERVING)
        self.refused(UNAVAILABLE, "MATCHER_STOPPED", lambda: self.client.send("1", "begun", "k"))
        self.assertIn("no more events are taken until a restart", "".join(self.server.log))
        self.stops_in_time()
        self.start()
        self.create_notifier()
        self.assertEqual(self.health(b""), SERVING)

    def create_notifier(self):
        notifier = self.stubs["notifier_pb2"].Notifier()
        notifier.email.host, notifier.email.port = "127.0.0.1", 25
        notifier.email.to.append("ops@example.com")
        setattr(notifier.email, "from", "lapse@example.com")
        self.client.create_notifier("ops", notifier)

    def test_an_alert_that_cannot_be_stored_fires_once_after_the_restart(self):
        self.start_shimmed()
        self.client.create_monitor("m", self.client.follow_up("begun", "ended", 500))
        self.failing("state.db-wal")
        self.client.send("1", "begun", "k")
        eventually(lambda: self.health() == NOT_SERVING)
        self.assertEqual(self.client.list_alerts(), [])
        self.stops_in_time()
        self.well_again()
        self.start()
        alert, = eventually(self.client.list_alerts)
        self.assertEqual((alert.key, alert.version), ("k", 1))

    # A full disk: a file system of a few megabytes.

    def mount_small(self):
        """A folder on a small file system, with a file in it that takes up most of the room."""
        disk = self.folder.name + "/disk"
        os.makedirs(disk)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", disk], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest(f"no file system may be mounted here (that needs root): {mounted.stderr.decode().strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
        # Before the file system goes.
        self.addCleanup(lambda: self.server and self.server.kill())
        ballast = pathlib.Path(disk, "ballast")
        ballast.write_bytes(b"x" * BALLAST_BYTES)
        return disk, ballast

    def test_a_full_disk_refuses_within_a_second_and_goes_on_within_five_of_space(self):
        disk, ballast = self.mount_small()
        self.start(data=disk + "/data")
        self.client.create_monitor("m", self.client.follow_up("begun", "ended", WITHIN_MS))
        acknowledged, refused_after = self.fill()
        self.assertLess(refused_after, 1)
        # The deadlines of what was acknowledged pass while nothing can be written.
        due = time.time() + WITHIN_MS / 1_000
        eventually(lambda: time.time() > due or self.health(ALERT_SERVICE) == NOT_SERVING)
        ballast.unlink()
        freed = time.monotonic()
        eventually(lambda: self.refusal() is None)
        self.assertLess(time.monotonic() - freed, 5)
        acknowledged.add("probe")
        eventually(lambda: self.client.stats("monitors/m").missed == len(acknowledged) - 1)
        self.start(data=disk + "/data")
        self.assertEqual({e.id for e in self.client.list_events()}, acknowledged)
        eventually(lambda: len(self.client.list_alerts(page_size=1_000)) == len(acknowledged) - 1)
        books = self.client.stats("monitors/m")
        self.assertTrue(harness.balances(books), books)

    def fill(self):
        """The ids that were acknowledged until the disk was full, and how long the refusal took."""
        acknowledged = set()
        for i in range(100_000):
            event = self.client.event(str(i), "begun", f"k{i}")
            # Random, since the log compresses.
            for name in range(8):
                event.attributes[f"text{name}"].string_value = os.urandom(2_000).hex()
            began = time.monotonic()
            try:
                self.assertEqual(self.client.ingest(event).accepted_count, 1)
            except grpc.RpcError as error:
                self.assertEqual((error.code(), details(error)["ErrorInfo"].reason), (RESOURCE_EXHAUSTED, "DISK_FULL"))
                self.assertGreater(details(error)["RetryInfo"].retry_delay.ToMilliseconds(), 0)
                return acknowledged, time.monotonic() - began
            acknowledged.add(event.id)
        raise AssertionError("the disk does not fill")

    def refusal(self):
        """Why an event is refused; None where it is taken. It begins nothing."""
        try:
            self.client.send("probe", "other", "k")
        except grpc.RpcError as error:
            self.assertEqual(error.code(), RESOURCE_EXHAUSTED)
            return details(error)["ErrorInfo"].reason
        return None


if __name__ == "__main__":
    disk_case.main()
