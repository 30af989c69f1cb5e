"""Makes the seeds of the binary fuzzers from what a real server writes; the texts (filters, YAML) are written by hand.

  PYTHONPATH=test python3 test/fuzz/make_corpus.py PATH-OF-LAPSED

Run it when a format changes, and commit what it wrote.
"""

import ctypes
import pathlib
import sqlite3
import sys
import tempfile
import time

from harness import client as harness
from harness import lapsed

CORPUS = pathlib.Path("test/fuzz/corpus")
CHECKPOINT_HEADER_BYTES = 40
# Of a partition's state, version 2.
PARTITION_HEADER_BYTES = 9
# base/filter and the matcher's partitions hold much the same: a few of each are enough.
MOST_SEEDS = 12
zstd = ctypes.CDLL("libzstd.so.1")
zstd.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
zstd.ZSTD_decompress.restype = ctypes.c_size_t


def decompress(data):
    if not data:
        return b""
    size = zstd.ZSTD_getFrameContentSize(data, ctypes.c_size_t(len(data)))
    out = ctypes.create_string_buffer(size)
    got = zstd.ZSTD_decompress(out, ctypes.c_size_t(size), data, ctypes.c_size_t(len(data)))
    return out.raw[:got]


def part(data):
    return len(data).to_bytes(2, "big") + data


def write(name, seeds):
    """Replaces the numbered seeds by `seeds`, without repetitions, shortest first. Those with a name, such as what an
    earlier version wrote, stay."""
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("[0-9][0-9]"):
        old.unlink()
    for i, seed in enumerate(sorted(set(seeds), key=len)[:MOST_SEEDS]):
        (folder / f"{i:02d}").write_bytes(seed)


def fill(client):
    """Events that leave keys in every condition, and controls of every kind in the log."""
    def rule(primary, on_repeat):
        monitor = client.follow_up(primary, "ended", 500, cancel="cancelled", grace_ms=100)
        monitor.follow_up.on_repeat = on_repeat
        return monitor
    for i in (1, 2, 3):
        client.create_monitor(f"m{i}", rule(f"begun{i}", i))
    client.create_monitor("long", client.follow_up("begun1", "finished", 600_000))
    events = []
    for i in (1, 2, 3):
        for key in range(6):
            for repeat in range(1 + key % 3):
                events.append(client.event(f"b{i}-{key}-{repeat}", f"begun{i}", f"k{key}"))
            if key % 2:
                events.append(client.event(f"e{i}-{key}", ("ended", "cancelled")[key % 4 // 2], f"k{key}"))
    for number, event in enumerate(events):
        event.attributes["amount"].double_value = number / 2
        event.attributes["count"].int64_value = -number
        event.attributes["express"].bool_value = True
    client.ingest(*events)
    client.ingest(client.event("", "other", None), *events[:3])
    client.send("late-first", "ended", "k5")
    while len(client.list_alerts()) < 9:
        time.sleep(0.05)
    client.send("late", "ended", "k0")
    client.alerts.CloseAlert(client.alert_api.CloseAlertRequest(name=client.list_alerts()[0].name, note="known"))
    client.monitors.DisableMonitor(client.monitor_api.DisableMonitorRequest(name="monitors/m3"))
    return events


def chunk_seeds(data):
    for path in sorted(data.glob("log/*.db")):
        database = sqlite3.connect(path)
        for header, body in database.execute("SELECT header, body FROM chunks"):
            yield b"\0" + part(header) + body
            yield b"\2" + part(header) + decompress(body)
        database.close()


def sealed_seeds(data):
    yield b"\0" + bytes(range(60))
    for seed in chunk_seeds(data):
        if seed[:1] == b"\2":
            for changes in (b"", b"\0\x05\xff\0\x20\1"):
                yield b"\2" + part(changes) + seed[1:]


def checkpoint_seeds(data):
    """Of partitions of version 2; those of version 1 are kept by name, as are the keys' states in them."""
    for path in sorted(data.glob("checkpoints/*")):
        state = path.read_bytes()[CHECKPOINT_HEADER_BYTES:]
        if state[:1] == b"\2":
            yield b"\0" + path.read_bytes()
            yield b"\1" + state
            yield b"\3" + state[PARTITION_HEADER_BYTES:]


def request_seeds(client, events):
    batch = client.event_api.BatchIngestEventsRequest(events=events[:5]).SerializeToString()
    yield b"\0" + batch
    for monitor in client.monitors.ListMonitors(client.monitor_api.ListMonitorsRequest()).monitors:
        monitor.follow_up.primary.filter = 'attributes.amount > 10 AND source = "test"'
        yield b"\1" + monitor.SerializeToString()


def token_seeds(client):
    yield b"\0" + client.events.ListEvents(client.event_api.ListEventsRequest(page_size=1)).next_page_token.encode()
    yield b"\0" + client.alerts.ListAlerts(client.alert_api.ListAlertsRequest(page_size=1)).next_page_token.encode()
    yield b"\0" + next(i.synced.cursor for i in client.stream() if i.WhichOneof("item") == "synced").encode()
    yield b"\1\2" + part(b"ListEvents") + part(b"desc") + b"\1" + part(b"17") + part(b"-3") + part(b"feed") + bytes(8)


def main():
    folder = tempfile.TemporaryDirectory()
    data = pathlib.Path(folder.name, "data")
    stubs = harness.make_stubs(folder.name)
    with lapsed.serving(sys.argv[1], data, ["--settle", "0s", "--duplicate-window", "1000"]) as server:
        client = harness.Client(server.address, stubs)
        events = fill(client)
        write("request", request_seeds(client, events))
        write("wire", [event.SerializeToString(deterministic=True) for event in events])
        write("page_token", token_seeds(client))
        assert server.stop() == 0
    write("chunk", chunk_seeds(data))
    write("sealed", sealed_seeds(data))
    write("checkpoint", checkpoint_seeds(data))
    window = (data / "duplicates").read_bytes()
    # The fuzzer's seed of the window in place of the store's.
    window = window[:8] + (42).to_bytes(8, "little") + window[16:]
    write("duplicate_window", [b"\0" + window, b"\1" + window[:-8]])


if __name__ == "__main__":
    main()
