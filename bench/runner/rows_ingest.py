"""Rows of ingest: by stream, unary, and beside many monitors."""

import statistics

from runner import figures, machine

PAIRS = 5
MANY_MONITORS = 1_000


def stream(bench, world):
    """Alternating pairs of echo and lapsed."""
    address = world.ready().address
    seconds, warm_up = bench.seconds(4), bench.seconds(1)
    rates = {"arena": [], "heap": [], "raw": [], "lapsed": []}
    for pair in range(bench.turns(PAIRS)):
        for mode in ("arena", "lapsed"):
            rates[mode].append(_stream_rate(bench, mode, address, seconds, warm_up))
        bench.say(f"pair {pair + 1} of {bench.turns(PAIRS)}: echo {rates['arena'][-1]:,.0f}/s, lapsed {rates['lapsed'][-1]:,.0f}/s")
    for mode in ("heap", "raw"):
        rates[mode].append(_stream_rate(bench, mode, address, seconds, warm_up))
    bench.max_rate = statistics.median(rates["lapsed"])
    ratio = statistics.median(lapsed / echo for lapsed, echo in zip(rates["lapsed"], rates["arena"]))
    return [
        figures.judged("stream_ingest_of_echo", ratio, smaller=bench.smaller),
        figures.beside("stream_ingest", "durable ingest by stream", bench.max_rate, "events/s"),
        figures.beside("echo_arena", "echo that parses, on an arena", statistics.median(rates["arena"]), "events/s"),
        figures.beside("echo_heap", "echo that parses, generated classes", rates["heap"][0], "events/s"),
        figures.beside("echo_raw", "echo of raw bytes", rates["raw"][0], "events/s"),
    ]


def _stream_rate(bench, mode, address, seconds, warm_up):
    options = {"seconds": seconds, "warm_up": warm_up}
    if mode == "lapsed":
        return bench.load(address, **options)["events_per_second"]
    if mode == "raw":
        options["opaque_answers"] = True
    with bench.echo(mode) as echo:
        return bench.load(echo, **options)["events_per_second"]


def unary(bench, world):
    address = world.ready().address
    options = {"mode": "unary", "in_flight": 64, "seconds": bench.seconds(3), "warm_up": bench.seconds(0.5)}
    bare, durable = [], []
    for pair in range(bench.turns(PAIRS)):
        with bench.echo("heap") as echo:
            bare.append(bench.load(echo, **options)["events_per_second"])
        durable.append(bench.load(address, **options)["events_per_second"])
        bench.say(f"pair {pair + 1} of {bench.turns(PAIRS)}: bare {bare[-1]:,.0f}/s, lapsed {durable[-1]:,.0f}/s")
    ratio = statistics.median(ours / theirs for ours, theirs in zip(durable, bare))
    return [
        figures.judged("unary_of_bare_grpc", ratio, smaller=bench.smaller),
        figures.beside("unary", "durable unary, 64 in flight", statistics.median(durable), "events/s"),
        figures.beside("bare_unary", "bare gRPC unary, 64 in flight", statistics.median(bare), "events/s"),
    ]


def lone(bench, world):
    """Probe and lone events take turns, since a disk's speed wanders."""
    address = world.ready().address
    ratios, acks, syncs = [], [], []
    for _ in range(bench.turns(PAIRS)):
        syncs.append(machine.percentile(machine.fdatasync_ms(bench.folder, bench.seconds(1)), 0.5))
        result = bench.load(address, mode="unary", in_flight=1, streams=1, rate=100, seconds=bench.seconds(2))
        acks.append(result["ack_p50_ms"])
        ratios.append(acks[-1] / syncs[-1])
    return [
        figures.judged("lone_unary_of_fdatasync", statistics.median(ratios), smaller=bench.smaller),
        figures.beside("lone_unary_ack_p50", "lone unary event, ack p50", statistics.median(acks), "ms"),
        figures.beside("fdatasync_p50", "write and fdatasync of 4 KiB, p50", statistics.median(syncs), "ms"),
    ]


def monitors(bench, world):
    """10 and 1,000 monitors take turns on one server: the further ones are created and deleted again."""
    client = bench.client(world.ready().server)
    seconds, warm_up = bench.seconds(4), bench.seconds(1)
    more = max(10, bench.size(MANY_MONITORS - 10))
    few, many = [], []
    for turn in range(bench.turns(3)):
        few.append(bench.load(world.address, seconds=seconds, warm_up=warm_up)["events_per_second"])
        for i in range(more):
            client.create_monitor(f"many-{turn}-{i}", client.follow_up(f"many_{i}_opened", f"many_{i}_met", 60_000))
        many.append(bench.load(world.address, seconds=seconds, warm_up=warm_up)["events_per_second"])
        for i in range(more):
            client.monitors.DeleteMonitor(
                client.monitor_api.DeleteMonitorRequest(name=f"monitors/many-{turn}-{i}"))
        bench.say(f"turn {turn + 1} of {bench.turns(3)}: 10 monitors {few[-1]:,.0f}/s, {more + 10:,} monitors {many[-1]:,.0f}/s")
    client.close()
    ratio = statistics.median(b / a for a, b in zip(few, many))
    return [figures.judged("ingest_1000_monitors_of_10", ratio, smaller=bench.smaller)]


def half_rate(bench, world, seconds):
    """A load at half the maximum rate, as a process under way."""
    return bench.loading(world.address, rate=world.rate() / 2, seconds=seconds)
