"""The server as a whole while it runs: health, reflection, the stop by SIGTERM and a full disk."""

import os
import queue
import subprocess
import threading
import time

import grpc

from api import api_case
from harness.waiting import eventually

SERVICES = ["lapse.v1.AlertService", "lapse.v1.EventService", "lapse.v1.MonitorService", "lapse.v1.NotifierService"]
SERVING = b"\x08\x01"
NOT_SERVING = b"\x08\x02"
STOP_SECONDS = 5
DISK_BYTES = 8 << 20


def field(number, text):
    """A length-delimited protobuf field; no package has the stubs of health and reflection."""
    return bytes([number << 3 | 2, len(text)]) + text.encode()


def mount_small(folder):
    """A file system of DISK_BYTES; None where it may not be mounted."""
    os.makedirs(folder)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", folder], capture_output=True)
    return folder if mounted.returncode == 0 else None


class ServerApiTest(api_case.ApiCase):

    def health(self, service):
        check = self.client.channel.unary_unary("/grpc.health.v1.Health/Check")
        return check(field(1, service) if service else b"", timeout=api_case.PATIENCE_SECONDS)

    def test_health_is_told_for_the_whole_and_for_each_service(self):
        self.start()
        for service in ["", *SERVICES]:
            with self.subTest(service):
                self.assertEqual(self.health(service), SERVING)
        with self.assertRaises(grpc.RpcError) as raised:
            self.health("lapse.v1.Absent")
        self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_health_is_not_serving_while_the_server_drains(self):
        self.start()
        watch = self.client.channel.unary_stream("/grpc.health.v1.Health/Watch")
        watched = [watch(field(1, service), timeout=api_case.PATIENCE_SECONDS) for service in SERVICES]
        for told in watched:
            self.assertEqual(next(told), SERVING)
        self.assertEqual(self.server.stop(), 0)
        for told in watched:
            self.assertEqual(next(told), NOT_SERVING)

    def test_reflection_lists_the_services_and_gives_their_files(self):
        self.start()
        ask = self.client.channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        requests = [field(7, "*"), field(4, SERVICES[0])]
        listed, file = ask(iter(requests), timeout=api_case.PATIENCE_SECONDS)
        for service in SERVICES:
            self.assertIn(field(1, service), listed)
        self.assertIn(b"lapse/v1/alert_service.proto", file)
        self.assertIn(b"StreamAlerts", file)

    def test_sigterm_ends_open_streams_with_unavailable_and_the_process_with_0(self):
        self.start()
        alerts = self.client.stream()
        self.assertEqual(next(alerts).WhichOneof("item"), "synced")
        batches = queue.Queue()
        self.addCleanup(batches.put, None)
        answers = self.client.events.IngestEventStream(iter(batches.get, None), timeout=api_case.PATIENCE_SECONDS)
        batches.put(self.client.event_api.IngestEventStreamRequest(
            batch_number=1, events=[self.client.event("1", "t", "k")]))
        self.assertEqual(next(answers).result.accepted_count, 1)
        began = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - began, STOP_SECONDS)
        for stream in (alerts, answers):
            with self.assertRaises(grpc.RpcError) as raised:
                next(stream)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
            self.assertEqual(api_case.details(raised.exception)["ErrorInfo"].reason, "DRAINING")
            self.assertIn("RetryInfo", api_case.details(raised.exception))

    def test_nothing_acknowledged_in_the_midst_of_a_stop_is_lost(self):
        self.start()
        acknowledged, codes, enough = [], [], threading.Event()

        def send():
            for i in range(1_000_000):
                try:
                    self.client.send(str(i), "t", "k")
                except grpc.RpcError as error:
                    codes.append(error.code())
                    return
                acknowledged.append(str(i))
                if i == 20:
                    enough.set()

        sender = threading.Thread(target=send)
        sender.start()
        self.assertTrue(enough.wait(api_case.PATIENCE_SECONDS))
        self.assertEqual(self.server.stop(), 0)
        sender.join()
        # gRPC itself cancels a call that reaches a server which has begun to shut down.
        self.assertIn(codes[0], (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED))
        self.start()
        self.assertEqual(set(acknowledged) - {e.id for e in self.client.list_events()}, set())

    def test_a_full_disk_is_said_aloud_and_nothing_acknowledged_is_lost(self):
        disk = mount_small(self.folder.name + "/disk")
        if disk is None:
            self.skipTest("no file system may be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
        # Before the file system goes.
        self.addCleanup(lambda: self.server.kill())
        ballast = disk + "/ballast"
        with open(ballast, "wb") as file:
            file.write(b"x" * (3 << 20))
        self.start(data=disk + "/data")
        acknowledged, error = self.send_until_refused()
        self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        told = api_case.details(error)
        self.assertEqual(told["ErrorInfo"].reason, "DISK_FULL")
        self.assertGreater(told["RetryInfo"].retry_delay.ToMilliseconds(), 0)
        self.assertGreater(len(acknowledged), 0)
        # Still there, and reads.
        self.assertEqual(set(acknowledged), {e.id for e in self.client.list_events()})
        os.remove(ballast)
        eventually(self.accepts_again)
        self.assertEqual(self.health(""), SERVING)
        self.start(data=disk + "/data")
        self.assertEqual(set(acknowledged) | {"again"}, {e.id for e in self.client.list_events()})

    def send_until_refused(self):
        """The ids that were acknowledged, and the refusal of those that were not."""
        acknowledged = []
        for batch in range(1_000):
            events = [self.client.event(f"{batch}-{i}", "t", "k") for i in range(20)]
            for event in events:
                # Random, since the log compresses.
                event.attributes["text"].string_value = os.urandom(2_000).hex()
            try:
                self.assertEqual(self.client.ingest(*events).accepted_count, len(events))
            except grpc.RpcError as error:
                return acknowledged, error
            acknowledged += [event.id for event in events]
        raise AssertionError("the disk does not fill")

    def accepts_again(self):
        try:
            return self.client.send("again", "t", "k").sequence
        except grpc.RpcError as error:
            self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            return 0


if __name__ == "__main__":
    api_case.main()
