"""Rows of memory, restarts and files."""

import contextlib
import random
import sqlite3
import threading
import time

import grpc

from runner import figures, machine, world as worlds
from runner.bench import finished, stop
from runner.rows_ingest import half_rate

MB = 2**20
TIMELINES = 100
TIMELINE_SECONDS = 40
DISK_EVENTS = 4_500_000
# Enough for a file of 1 MB to be full.
FEW_DISK_EVENTS = 30_000
LOG_FILE_MB = 128
# Batches of the load: as many as hold its memory in bounds, since attributes come again in the next round.
DISK_POOL = 512
READER_SECONDS = 60


def rss(bench, world):
    """The peak while 10 M were opened, less what the process held just before, with its duplicate window full."""
    world.ready()
    value = (world.peak_rss_after - world.rss_before) / world.opened
    note = f"{world.peak_rss_after / MB:,.0f} MB at the peak, less {world.rss_before / MB:,.0f} MB before; {world.opened:,} open"
    return [figures.judged("rss_per_open_expectation", value, note, bench.smaller)]


def start(bench, world):
    server = world.ready().server
    began = time.monotonic()
    stop(server)
    bench.say(f"stopped in {time.monotonic() - began:.1f} s")
    clean = _start_seconds(server)
    bench.say(f"clean start: {clean:.1f} s")
    world.rate()
    with half_rate(bench, world, bench.seconds(60)) as load:
        time.sleep(bench.seconds(30))
        if load.poll() is not None:
            finished(load)
            raise RuntimeError("the load ended before the kill")
        server.kill()
    killed = _start_seconds(server)
    bench.say(f"start after kill -9: {killed:.1f} s")
    return [
        figures.judged("start_clean", clean, smaller=bench.smaller),
        figures.judged("start_after_kill", killed, f"after 30 s at {world.rate() / 2:,.0f} events/s", bench.smaller),
    ]


def _start_seconds(server):
    """Until it serves and a call is answered."""
    began = time.monotonic()
    server.start()
    with grpc.insecure_channel(server.address) as channel:
        grpc.channel_ready_future(channel).result(timeout=30)
    return time.monotonic() - began


def timeline(bench, world):
    """Events of one order each, by its key; cold: a server just started, and no page of its files cached."""
    world.ready()
    keys = _keys(world)
    client = bench.client(world.server)
    for key in keys[:10]:
        _timeline_ms(client, key)
    warm = _timelines(bench, client, keys, lambda: None)
    client.close()
    stop(world.server)
    world.server.start()
    client = bench.client(world.server)
    _timeline_ms(client, "A-000000000")
    cold = _timelines(bench, client, keys, lambda: machine.forget_pages(bench.folder / "world"))
    client.close()
    if not warm or not cold:
        raise RuntimeError("no timeline has an event")
    smaller = world.events < worlds.EVENTS
    return [
        figures.judged("timeline_warm_p99", machine.percentile(warm, 0.99),
                       f"{len(warm)} keys among {world.events:,} events", smaller),
        figures.judged("timeline_cold_p99", machine.percentile(cold, 0.99),
                       f"{len(cold)} keys among {world.events:,} events", smaller),
    ]


def _timelines(bench, client, keys, before):
    """Milliseconds of each timeline that has events; as many as there is time for."""
    until = time.monotonic() + bench.seconds(TIMELINE_SECONDS)
    found = []
    for key in keys:
        if time.monotonic() > until and found:
            break
        before()
        ms, events = _timeline_ms(client, key)
        if events:
            found.append(ms)
    return found


def _keys(world):
    """Of orders, from all over the log. About one number in 13 events is taken, a few of them by no order."""
    chosen = random.Random(1)
    loads = chosen.choices(world.unwatched, weights=[events for _, events in world.unwatched], k=TIMELINES)
    return [f"A-{first_key + chosen.randrange(max(1, events // 13)):09d}" for first_key, events in loads]


def _timeline_ms(client, key):
    request = client.event_api.ListEventsRequest(filter=f'attributes.order_id = "{key}"', page_size=1000)
    began = time.perf_counter()
    events = 0
    while True:
        page = client.events.ListEvents(request, timeout=120)
        events += len(page.events)
        if not page.next_page_token:
            return (time.perf_counter() - began) * 1000, events
        request.page_token = page.next_page_token


def disk(bench, world):
    """Each form of ids in a folder of its own, with the 10 monitors."""
    del world
    return [_disk_of(bench, form) for form in ("uuid4", "uuid7", "short")]


def _disk_of(bench, form):
    name = f"disk-{form}"
    count = max(FEW_DISK_EVENTS, bench.size(DISK_EVENTS))
    # So that more than one file is full at a smaller scale too.
    log_file_mb = max(1, count * LOG_FILE_MB // DISK_EVENTS)
    with bench.server(name, duplicate_window=bench.size(worlds.DUPLICATE_WINDOW),
                      log_file_mb=log_file_mb) as server:
        client = bench.client(server)
        worlds.make_others(bench, client)
        worlds.make_matching(client)
        client.close()
        bench.load(server.address, events=count, seconds=0, ids=form, pool=min(DISK_POOL, max(16, count // 1000)))
        _wait_sealed(bench.folder / name / "log", bench.seconds(90))
        stop(server)
        size, events = _sealed(bench.folder / name / "log")
    bench.say(f"{form}: {size / MB:,.0f} MB of {events:,} sealed events")
    note = f"{events:,} events in sealed files"
    return figures.judged(f"disk_per_event_{form}", size / events, note, bench.smaller)


def _wait_sealed(folder, seconds):
    """Until the folder has not changed for a while."""
    until = time.monotonic() + seconds
    size, since = -1, time.monotonic()
    while time.monotonic() < until and time.monotonic() - since < seconds / 15:
        now = machine.folder_bytes(folder)
        if now != size:
            size, since = now, time.monotonic()
        time.sleep(0.2)


def _sealed(folder):
    """Bytes of the sealed files, and the events in them: those before the oldest file that is still a database."""
    name, first = _oldest_database(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.name.split(".")[0] < name)
    if not size:
        raise RuntimeError(f"no file is sealed; {name}.db is the oldest")
    return size, first - 1


def _oldest_database(folder):
    """Its number as text, and its first event's sequence."""
    for path in sorted(folder.glob("*.db")):
        with contextlib.closing(sqlite3.connect(path)) as db:
            first = db.execute("SELECT MIN(first_sequence) FROM chunks WHERE last_sequence >= first_sequence").fetchone()
        if first[0]:
            return path.name.split(".")[0], first[0]
    raise RuntimeError("the log has no live file with events")


def reader(bench, world):
    """Full ingest while a client lists the whole log without pause, and another process holds a read transaction."""
    world.ready()
    log = bench.folder / "world" / "log"
    seconds = bench.seconds(READER_SECONDS)
    most = 0
    with _held_transaction(log), _listing(bench, world) as pages:
        with bench.loading(world.address, seconds=seconds) as load:
            while load.poll() is None:
                most = max(most, machine.folder_bytes(log, "-wal"))
                time.sleep(0.2)
            finished(load)
    note = f"{pages[0]:,} pages read meanwhile"
    if pages[0] == 0:
        raise RuntimeError("the reader read nothing")
    return [figures.judged("reader_open_wal", most / MB, note, bench.smaller)]


@contextlib.contextmanager
def _held_transaction(log):
    """On every file with events that there is now."""
    with contextlib.ExitStack() as held:
        for path in sorted(log.glob("*.db"))[-2:]:
            db = held.enter_context(contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)))
            db.isolation_level = None
            db.execute("BEGIN")
            db.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
        yield


@contextlib.contextmanager
def _listing(bench, world):
    """Lists everything, page after page, again and again; yields a list with the count of pages. Raises what ended it early."""
    pages, ended, failures = [0], threading.Event(), []

    def read():
        client = bench.client(world.server)
        request = client.event_api.ListEventsRequest(page_size=1000)
        while not ended.is_set():
            page = client.events.ListEvents(request, timeout=120)
            request.page_token = page.next_page_token
            pages[0] += 1
        client.close()

    def read_or_tell():
        try:
            read()
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)

    thread = threading.Thread(target=read_or_tell, daemon=True)
    thread.start()
    try:
        yield pages
    finally:
        ended.set()
        thread.join()
    if failures:
        raise RuntimeError("the reader failed") from failures[0]
