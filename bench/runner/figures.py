"""The figures: what is measured, its goal, and how they are shown and kept."""

import dataclasses
import json


@dataclasses.dataclass(frozen=True)
class Goal:
    """`at_least` says which side of `limit` is good."""
    what: str
    unit: str
    ratio_to: str = ""
    at_least: bool = False
    limit: float = 0

    def text(self):
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"

    def is_met(self, value):
        return value >= self.limit if self.at_least else value <= self.limit


ECHO = "echo that parses"

GOALS = {
    "stream_ingest_of_echo": Goal("durable ingest by stream", "ratio", ECHO, True, 0.55),
    "stream_ingest_of_postgres": Goal("durable ingest by stream", "ratio", "PostgreSQL by COPY", True, 5),
    "unary_of_bare_grpc": Goal("durable unary, 64 in flight", "ratio", "bare gRPC unary", True, 0.8),
    "lone_unary_of_fdatasync": Goal("lone unary event, idle: ack p50", "ratio", "fdatasync of 4 KiB, p50", False, 4),
    "due_to_subscriber_idle_p99": Goal("due → subscriber, idle, p99", "ms", limit=10),
    "due_to_subscriber_half_rate_p50": Goal("due → subscriber, half rate, p50", "ms", limit=8),
    "due_to_subscriber_half_rate_p99": Goal("due → subscriber, half rate, p99", "ms", limit=60),
    "batch_ack_half_rate_p99": Goal("ack of 1,000, half rate, p99", "ms", limit=50),
    "rss_per_open_expectation": Goal("peak RSS per open expectation", "bytes", limit=96),
    "million_deadlines_last_alert": Goal("1 M deadlines in a second: last alert after", "s", limit=10),
    "million_deadlines_longest_ack": Goal("1 M deadlines in a second: longest ack", "ms", limit=250),
    "start_clean": Goal("start with 10 M open, clean", "s", limit=6),
    "start_after_kill": Goal("start with 10 M open, after kill -9 at half rate", "s", limit=12),
    "timeline_warm_p99": Goal("timeline of a key among 50 M events, warm, p99", "ms", limit=20),
    "timeline_cold_p99": Goal("timeline of a key among 50 M events, cold, p99", "ms", limit=80),
    "disk_per_event_uuid4": Goal("disk per sealed event, UUIDv4", "bytes", limit=56),
    "disk_per_event_uuid7": Goal("disk per sealed event, UUIDv7", "bytes", limit=42),
    "disk_per_event_short": Goal("disk per sealed event, short ids", "bytes", limit=26),
    "ingest_1000_monitors_of_10": Goal("ingest with 1,000 monitors, 3 match", "ratio", "10 monitors, 3 match", True, 0.9),
    "subscribers_1000_of_10_p99": Goal("1,000 subscribers, 1 never reads: the others' p99", "ratio", "10 subscribers",
                                       False, 3),
    "subscribers_1000_memory": Goal("1,000 subscribers, 1 never reads: memory growth", "MB", limit=256),
    "reader_open_wal": Goal("a reader open for 60 s, full ingest: WAL of live files", "MB", limit=512),
}


@dataclasses.dataclass
class Figure:
    """`value` is None where the row failed; `note` then says why. One that ran `smaller` than asked is never met."""
    name: str
    value: float
    unit: str
    ratio_to: str = ""
    goal: str = ""
    met: bool = None
    what: str = ""
    note: str = ""
    smaller: bool = False


def judged(name, value, note="", smaller=False, load=None):
    """The figure of that name against its goal. `load` is what a paced load beside it said at its end: where a request of
    it was refused, less was borne than the figure tells, and the goal is not met."""
    goal = GOALS[name]
    refused = sum(load["errors"].values()) if load else 0
    unsent = load["unsent"] if load else 0
    faults = [text for text in (note, refused and f"{refused:,} requests of the load REFUSED",
                                unsent and f"{unsent:,} events of the load could not be sent in time") if text]
    note = "; ".join(faults)
    met = value is not None and not smaller and not refused and goal.is_met(value)
    return Figure(name, value, goal.unit, goal.ratio_to, goal.text(), met, goal.what, note, smaller)


def beside(name, what, value, unit, note=""):
    """A figure without a goal."""
    return Figure(name, value, unit, what=what, note=note)


def shown(value):
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def table(figures):
    """Lines of text, a figure each."""
    rows = [("what", "value", "unit", "ratio to", "goal", "met")]
    for figure in figures:
        met = "" if figure.met is None else "yes" if figure.met else "NO"
        if figure.smaller:
            met = "smaller"
        rows.append((figure.what, shown(figure.value), figure.unit, figure.ratio_to, figure.goal, met))
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    lines = []
    for row, figure in zip(rows, [None, *figures]):
        cells = [row[0].ljust(widths[0]), row[1].rjust(widths[1])]
        cells += [row[i].ljust(widths[i]) for i in range(2, 6)]
        note = f"  {figure.note}" if figure and figure.note else ""
        lines.append(("  ".join(cells) + note).rstrip())
    lines.insert(1, "-" * len(lines[0]))
    return lines


def write(path, figures, machine, seconds, scale):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "figures": [dataclasses.asdict(figure) for figure in figures],
        "machine": machine,
        "seconds": round(seconds, 1),
        "scale": scale,
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
