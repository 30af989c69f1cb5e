"""The load of the kill test: what is sent, what must come of it, and the clients that send, follow and count.

Every key has a fate that is decided when it begins: MET (its follow-up is sent with the next batch), LATE (sent after the
deadline) or MISSED (never sent). What a crash leaves unanswered is sent again, with the same ids, until it is answered. So
the fates are the verdicts, whatever crashes come between.
"""

import collections
import dataclasses
import threading
import time

import grpc

MET, LATE, MISSED = "met", "late", "missed"
WITHIN_US = 1_500_000
# A late one is sent so long after its deadline.
LATE_BY_US = 300_000
SETTLE_US = 2_000_000
KEYS_PER_BATCH = 40
BATCH_SECONDS = 0.02
UNANSWERED_BATCHES = 16


def now_us():
    return time.time_ns() // 1_000


@dataclasses.dataclass
class Key:
    name: str
    fate: str
    begun_us: int
    event_type: str = "begun"

    @property
    def due_us(self):
        return self.begun_us + WITHIN_US


class Sender:
    """One client that streams batches and resends what was not answered. The plan outlives every connection."""

    def __init__(self, chance):
        self.chance = chance
        self.keys = {}
        self.acknowledged = set()
        self.unanswered = collections.deque()
        self.to_meet = []
        self.to_come_late = collections.deque()
        self.batches = 0
        self.answers = 0
        self.copies = 0

    def run(self, client, until):
        """Sends until `until` is set or the server is gone. Raises where an answer is wrong."""
        resend = collections.deque(self.unanswered)
        self.unanswered.clear()
        under_way = collections.deque()
        # gRPC asks for requests on a thread of its own: what it takes from the plan is under way when the stream is over.
        taking = threading.Lock()
        room = threading.Semaphore(UNANSWERED_BATCHES)
        number, over = 0, False

        def take():
            """The next batch, from now on under way; None at the end."""
            nonlocal number
            with taking:
                if over or (until.is_set() and not resend):
                    return None
                events = resend.popleft() if resend else self._next_batch(client)
                number += 1
                under_way.append((number, events))
                return under_way[-1]

        def requests():
            while not until.is_set() or resend:
                if not room.acquire(timeout=0.1):
                    continue
                batch = take()
                if batch is None:
                    return
                number, events = batch
                yield client.event_api.IngestEventStreamRequest(batch_number=number, events=events)
                if not resend:
                    time.sleep(BATCH_SECONDS)

        call = client.events.IngestEventStream(requests())
        try:
            for answer in call:
                expected, events = under_way.popleft()
                self._check(answer, expected, events)
                room.release()
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                raise
        finally:
            until.set()
            call.cancel()
            with taking:
                over = True
                self.unanswered.extend(events for _, events in under_way)
                self.unanswered.extend(resend)

    def flush(self, client):
        """Sends what is left of the plan; afterwards everything is acknowledged."""
        while self.to_come_late or self.to_meet or self.unanswered:
            batches = list(self.unanswered)
            self.unanswered.clear()
            follow_ups = self._follow_ups(client)
            for events in [*batches, follow_ups] if follow_ups else batches:
                answer = client.ingest(*events)
                assert answer.accepted_count + answer.duplicate_count == len(events), answer
                self.acknowledged.update(event.id for event in events)
            time.sleep(BATCH_SECONDS)

    def _check(self, answer, expected, events):
        assert answer.batch_number == expected, (answer.batch_number, expected)
        assert answer.status.code == 0, answer.status.message
        counted = answer.result.accepted_count + answer.result.duplicate_count
        assert counted == len(events), answer.result
        self.copies += answer.result.duplicate_count
        self.acknowledged.update(event.id for event in events)
        self.answers += 1

    def _next_batch(self, client):
        self.batches += 1
        events = self._follow_ups(client)
        for i in range(KEYS_PER_BATCH):
            draw = self.chance.random()
            fate = MISSED if draw < 0.02 else LATE if draw < 0.05 else MET
            key = Key(f"{self.batches}-{i}", fate, now_us())
            self._begin(client, key, events)
        return events

    def begin_mailed(self, client):
        """A missed key of the monitor that sends mails, as events of a batch of its own."""
        key = Key(f"mail-{len(self.keys)}", MISSED, now_us(), "mail_begun")
        events = []
        self._begin(client, key, events)
        self.unanswered.append(events)

    def _begin(self, client, key, events):
        self.keys[key.name] = key
        events.append(client.event(f"b-{key.name}", key.event_type, key.name, at_us=key.begun_us))
        if key.fate == MET:
            self.to_meet.append(key)
        elif key.fate == LATE:
            self.to_come_late.append(key)

    def _follow_ups(self, client):
        events = [client.event(f"e-{key.name}", "ended", key.name, at_us=key.begun_us + 1) for key in self.to_meet]
        self.to_meet = []
        while self.to_come_late and self.to_come_late[0].due_us + LATE_BY_US <= now_us():
            key = self.to_come_late.popleft()
            events.append(client.event(f"e-{key.name}", "ended", key.name, at_us=key.due_us + LATE_BY_US))
        return events


class Subscriber:
    """Follows the alerts from start to start by its cursor, and checks that no change comes twice or out of order."""

    def __init__(self):
        self.cursor = ""
        self.versions = {}
        self.states = {}
        self.changes = 0
        self.faults = []

    def follow(self, client):
        """Until the stream ends. A first connection begins with an empty picture."""
        try:
            for item in client.alerts.StreamAlerts(client.alert_api.StreamAlertsRequest(cursor=self.cursor)):
                kind = item.WhichOneof("item")
                if kind == "change":
                    self._take(item.change)
                    self.cursor = item.change.cursor or self.cursor
                else:
                    self.cursor = getattr(item, kind).cursor
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                self.faults.append(f"the stream ended with {error.code()}: {error.details()}")

    def _take(self, change):
        alert = change.alert
        seen = self.versions.get(alert.name, 0)
        if alert.version != seen + 1:
            self.faults.append(f"{alert.name} ({alert.key}): version {alert.version} came after {seen}")
        self.versions[alert.name] = alert.version
        self.states[alert.name] = alert.state
        self.changes += 1
