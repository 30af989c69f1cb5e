"""The server under the conditions of the figures: 10 monitors of which 3 match, duplicate window full, many open."""

import time

from runner import machine

SECOND_MS = 1000
DAY_MS = 86_400 * SECOND_MS

DUPLICATE_WINDOW = 10_000_000
OPEN = 10_000_000
EVENTS = 50_000_000
# If this does not suffice for all events, there are fewer.
PREPARE_SECONDS = 330

# What the mix of the load opens and meets: a primary, its secondary, its cancel, the key.
MATCHING = {
    "orders-shipped": ("order_created", "order_shipped", "order_cancelled", "order_id"),
    "drivers-fetched": ("allocation_initiated", "driver_fetched", "allocation_failed", "order_id"),
    "bank-called": ("payment_data_collected", "bank_api_called", "payment_reversed", "payment_id"),
}
# The load of an alert row opens one of these; nothing ever meets them.
ALERT_WITHIN_SECONDS = 3
MILLION_WITHIN_SECONDS = 30
OTHERS = {
    "alert-row": ("bench_alert_opened", "bench_alert_met", ALERT_WITHIN_SECONDS * SECOND_MS, "order_id"),
    "million-row": ("bench_million_opened", "bench_million_met", None, "order_id"),
    "refund-paid": ("refund_requested", "refund_paid", DAY_MS, "payment_id"),
    "return-received": ("return_requested", "return_received", DAY_MS, "order_id"),
    "parcel-scanned": ("parcel_labelled", "parcel_scanned", DAY_MS, "order_id"),
    "invoice-paid": ("invoice_sent", "invoice_paid", DAY_MS, "payment_id"),
    "courier-assigned": ("courier_requested", "courier_assigned", DAY_MS, "order_id"),
}


def million_within_seconds(bench):
    return max(4, int(bench.seconds(MILLION_WITHIN_SECONDS)))


def make_others(bench, client):
    for name, (primary, secondary, within_ms, key) in OTHERS.items():
        within_ms = within_ms or million_within_seconds(bench) * SECOND_MS
        client.create_monitor(name, client.follow_up(primary, secondary, within_ms, key_attribute=key))


def make_matching(client):
    for name, (primary, secondary, cancel, key) in MATCHING.items():
        client.create_monitor(name, client.follow_up(primary, secondary, DAY_MS, cancel=cancel, key_attribute=key))


class World:
    """Made once a run, by the first row that needs it. Rows that stop the server start it again."""

    def __init__(self, bench):
        self.bench = bench
        self.server = None
        # With the duplicate window full and nothing open; and the peak since, with all open. Bytes.
        self.rss_before = 0
        self.peak_rss_after = 0
        self.opened = 0
        self.events = 0
        # The loads before the monitors that match them: the number of the first key, and how many events.
        self.unwatched = []

    @property
    def address(self):
        return self.server.address

    @property
    def pid(self):
        return self.server.process.pid

    def ready(self):
        """Makes it where it is not there yet."""
        if self.server:
            return self
        bench = self.bench
        self.server = bench.server("world", duplicate_window=bench.size(DUPLICATE_WINDOW)).start()
        client = bench.client(self.server)
        make_others(bench, client)
        self._fill_window()
        make_matching(client)
        self._open()
        client.close()
        return self

    def _fill_window(self):
        window = self.bench.size(DUPLICATE_WINDOW)
        seconds = self._load_unwatched(window)
        # The rest is for the timelines alone: as much as there is time for, when the open ones come at the same rate.
        rate = window / seconds
        left = PREPARE_SECONDS - seconds - self.bench.size(OPEN) / rate
        rest = self.bench.size(EVENTS) - self.bench.size(OPEN) - window
        self._load_unwatched(int(max(0, min(rest, left * rate))))
        self.rss_before = machine.process_bytes(self.pid, "VmRSS")
        machine.reset_peak(self.pid)

    def _load_unwatched(self, events):
        if events == 0:
            return 0
        began = time.monotonic()
        self.bench.say(f"preparing: {events:,} events that nothing waits for")
        result = self.bench.load(self.address, events=events, seconds=0)
        self.unwatched.append((result["first_key"], result["accepted"]))
        self.events += result["accepted"]
        return time.monotonic() - began

    def _open(self):
        events = self.bench.size(OPEN)
        self.bench.say(f"preparing: {events:,} open expectations")
        result = self.bench.load(self.address, events=events, seconds=0, profile="open")
        self.opened = result["accepted"]
        self.events += self.opened
        client = self.bench.client(self.server)
        while client.stats("monitors/orders-shipped").opened < self.opened:
            time.sleep(0.05)
        client.close()
        self.peak_rss_after = machine.process_bytes(self.pid, "VmHWM")

    def rate(self):
        """The maximum rate of durable ingest by stream: measured by its row, or now."""
        if self.bench.max_rate is None:
            result = self.bench.load(self.address, seconds=self.bench.seconds(4), warm_up=self.bench.seconds(1))
            self.bench.max_rate = result["events_per_second"]
        return self.bench.max_rate

    def close(self):
        if self.server:
            self.server.kill()
        self.server = None
