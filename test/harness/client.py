"""A small client for tests: the stubs of all services on one channel, and makers of common requests."""

import pathlib

import grpc

from harness import lapsed

STREAM_SECONDS = 60


class Client:
    """Talks to one server. `stubs` are those of lapsed.stubs, made once a process."""

    def __init__(self, address, stubs):
        self.pb = stubs
        self.channel = grpc.insecure_channel(address)
        for kind in ("event", "monitor", "alert", "notifier"):
            stub = getattr(stubs[f"{kind}_service_pb2_grpc"], f"{kind.capitalize()}ServiceStub")
            setattr(self, f"{kind}s", stub(self.channel))
        self.event_api = stubs["event_service_pb2"]
        self.monitor_api = stubs["monitor_service_pb2"]
        self.alert_api = stubs["alert_service_pb2"]
        self.notifier_api = stubs["notifier_service_pb2"]

    def close(self):
        self.channel.close()

    def event(self, event_id, event_type, key, at_us=None, source="test", key_attribute="order_id"):
        event = self.pb["event_pb2"].Event(id=event_id, source=source, type=event_type)
        if key is not None:
            event.attributes[key_attribute].string_value = key
        if at_us is not None:
            event.occur_time.FromMicroseconds(at_us)
        return event

    def ingest(self, *events):
        """BatchIngestEvents of all; returns the answer."""
        return self.events.BatchIngestEvents(self.event_api.BatchIngestEventsRequest(events=events))

    def send(self, event_id, event_type, key, at_us=None):
        """IngestEvent of one; returns the answer."""
        return self.events.IngestEvent(
            self.event_api.IngestEventRequest(event=self.event(event_id, event_type, key, at_us)))

    def follow_up(self, primary, secondary, within_ms, cancel=None, grace_ms=0, key_attribute="order_id", **fields):
        monitor = self.pb["monitor_pb2"].Monitor(**fields)
        rule = monitor.follow_up
        for pattern, event_type in ((rule.primary, primary), (rule.secondary, secondary)):
            pattern.event_type, pattern.key_attribute = event_type, key_attribute
        if cancel:
            rule.cancel.event_type, rule.cancel.key_attribute = cancel, key_attribute
        rule.within.FromMilliseconds(within_ms)
        if grace_ms:
            rule.grace.FromMilliseconds(grace_ms)
        return monitor

    def create_monitor(self, monitor_id, monitor):
        return self.monitors.CreateMonitor(
            self.monitor_api.CreateMonitorRequest(monitor_id=monitor_id, monitor=monitor))

    def create_notifier(self, notifier_id, notifier):
        return self.notifiers.CreateNotifier(
            self.notifier_api.CreateNotifierRequest(notifier_id=notifier_id, notifier=notifier))

    def stats(self, name):
        return self.monitors.GetMonitorStats(self.monitor_api.GetMonitorStatsRequest(name=name))

    def stream(self, **fields):
        return self.alerts.StreamAlerts(self.alert_api.StreamAlertsRequest(**fields), timeout=STREAM_SECONDS)

    def list_alerts(self, **fields):
        """Every alert, over all pages."""
        return self._all(self.alerts.ListAlerts, self.alert_api.ListAlertsRequest(**fields), "alerts")

    def list_events(self, **fields):
        return self._all(self.events.ListEvents, self.event_api.ListEventsRequest(page_size=1000, **fields), "events")

    def list_deliveries(self, **fields):
        return self._all(self.notifiers.ListDeliveries, self.notifier_api.ListDeliveriesRequest(**fields), "deliveries")

    def list_expectations(self, monitor):
        return self._all(self.monitors.ListExpectations,
                         self.monitor_api.ListExpectationsRequest(parent=monitor, page_size=1000), "expectations")

    @staticmethod
    def _all(method, request, field):
        found = []
        while True:
            page = method(request)
            found.extend(getattr(page, field))
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token


def changes(stream):
    """The changes of a stream, without marks and heartbeats."""
    return (item.change for item in stream if item.WhichOneof("item") == "change")


def make_stubs(folder):
    """lapsed.stubs in a subfolder of `folder`."""
    path = pathlib.Path(folder, "stubs")
    path.mkdir(exist_ok=True)
    return lapsed.stubs(path)


def balances(stats):
    """Promise 2."""
    return stats.opened == (stats.met + stats.late + stats.missed + stats.cancelled + stats.shed + stats.withdrawn
                            + stats.pending)
