"""A client in Python (grpcio as Debian packages it): sends events and streams alerts."""

import pathlib
import sys
import tempfile
import unittest

import grpc

from harness import lapsed

STREAM_SECONDS = 30


class PythonClientTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        pathlib.Path(cls.folder.name, "stubs").mkdir()
        cls.stubs = lapsed.stubs(pathlib.Path(cls.folder.name, "stubs"))
        cls.server = lapsed.Lapsed(BINARY, pathlib.Path(cls.folder.name, "data"), ["--settle", "0s"]).start()
        cls.channel = grpc.insecure_channel(cls.server.address)
        events, monitors, alerts = (cls.stubs[f"{n}_service_pb2_grpc"] for n in ("event", "monitor", "alert"))
        cls.events = events.EventServiceStub(cls.channel)
        cls.monitors = monitors.MonitorServiceStub(cls.channel)
        cls.alerts = alerts.AlertServiceStub(cls.channel)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        cls.server.kill()
        cls.folder.cleanup()

    def event(self, event_id, event_type, key):
        event = self.stubs["event_pb2"].Event(id=event_id, source="python", type=event_type)
        event.attributes["order_id"].string_value = key
        return event

    def create_monitor(self, monitor_id, within_millis):
        pb = self.stubs["monitor_pb2"]
        monitor = pb.Monitor(display_name="order delivered")
        monitor.follow_up.primary.event_type = f"{monitor_id}_created"
        monitor.follow_up.primary.key_attribute = "order_id"
        monitor.follow_up.secondary.event_type = f"{monitor_id}_delivered"
        monitor.follow_up.secondary.key_attribute = "order_id"
        monitor.follow_up.within.FromMilliseconds(within_millis)
        request = self.stubs["monitor_service_pb2"].CreateMonitorRequest(monitor_id=monitor_id, monitor=monitor)
        return self.monitors.CreateMonitor(request)

    def test_sends_events_and_streams_the_alert_and_its_resolution(self):
        self.create_monitor("py", 200)
        service = self.stubs["alert_service_pb2"]
        stream = self.alerts.StreamAlerts(service.StreamAlertsRequest(filter='monitor = "monitors/py"'),
                                          timeout=STREAM_SECONDS)
        self.assertEqual(next(stream).WhichOneof("item"), "synced")

        ingest = self.stubs["event_service_pb2"]
        created = self.events.IngestEvent(ingest.IngestEventRequest(event=self.event("1", "py_created", "A-17")))
        self.assertFalse(created.duplicate)

        alert_pb = self.stubs["alert_pb2"]
        fired = next(i for i in stream if i.WhichOneof("item") == "change").change
        self.assertEqual(fired.alert.key, "A-17")
        self.assertEqual(fired.alert.state, alert_pb.Alert.STATE_FIRING)
        self.assertGreater(fired.alert.fire_time.ToNanoseconds(), fired.alert.due_time.ToNanoseconds())

        self.events.IngestEvent(ingest.IngestEventRequest(event=self.event("2", "py_delivered", "A-17")))
        resolved = next(i for i in stream if i.WhichOneof("item") == "change").change
        self.assertEqual(resolved.alert.state, alert_pb.Alert.STATE_RESOLVED)
        self.assertEqual(resolved.alert.reason, alert_pb.Alert.REASON_FOLLOWED_LATE)
        self.assertEqual(resolved.alert.name, fired.alert.name)
        stream.cancel()

    def test_streams_batches_pipelined_and_in_order(self):
        ingest = self.stubs["event_service_pb2"]
        requests = [ingest.IngestEventStreamRequest(
            batch_number=n, events=[self.event(f"s{n}-{i}", "streamed", str(i)) for i in range(10)])
            for n in range(1, 101)]
        answers = list(self.events.IngestEventStream(iter(requests), timeout=STREAM_SECONDS))
        self.assertEqual([a.batch_number for a in answers], list(range(1, 101)))
        self.assertTrue(all(a.status.code == 0 and a.result.accepted_count == 10 for a in answers))

    def test_a_bad_event_is_refused_by_index_and_the_others_are_taken(self):
        ingest = self.stubs["event_service_pb2"]
        batch = ingest.BatchIngestEventsRequest(
            events=[self.event("b1", "t", "k"), self.event("b2", "", "k"), self.event("b1", "t", "k")])
        answer = self.events.BatchIngestEvents(batch)
        self.assertEqual((answer.accepted_count, answer.duplicate_count), (1, 1))
        self.assertEqual([(r.index, r.reason) for r in answer.rejections], [(1, "TYPE_MISSING")])

    def test_an_error_carries_its_details(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.create_monitor("Bad Id", 200)
        self.assertEqual(raised.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        details = dict(raised.exception.trailing_metadata())["grpc-status-details-bin"]
        self.assertIn(b"ID_INVALID", details)


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main()
