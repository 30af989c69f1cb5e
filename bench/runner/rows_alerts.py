"""Rows of alerts: how soon they come, to how many, and how a million of them at once are borne."""

import re
import statistics
import subprocess
import sys
import time

from runner import figures, machine, world as worlds
from runner.bench import finished
from runner.rows_ingest import half_rate

ALERTS = 200
ALERTS_PER_SECOND = 50
# A thousand subscribers read ten times so many messages a second as one.
MANY_ALERTS_PER_SECOND = 10
MANY_SUBSCRIBERS = 1_000
MANY_ALERTS = 100
TURNS = 3
MILLION = 1_000_000
MB = 2**20


def _alerts(bench, world, subscribers, never_reading, count, per_second):
    """Opens `count` expectations that nothing meets; returns what the subscribers say of their alerts."""
    with bench.subscribers(world.address, subscribers=subscribers, never_reading=never_reading, changes=count,
                           filter='monitor = "monitors/alert-row"') as process:
        bench.load(world.address, mode="unary", in_flight=8, streams=1, profile="open", open_type="bench_alert_opened",
                   rate=per_second, events=count, seconds=0)
        return finished(process)


def subscriber(bench, world):
    """Idle, then at half the maximum rate; the acks of that load are a figure too."""
    world.ready()
    count = max(20, min(ALERTS, bench.size(ALERTS * 50)))
    per_second = ALERTS_PER_SECOND
    idle = _alerts(bench, world, 1, 0, count, per_second)
    bench.say(f"idle: p50 {idle['p50_ms']:.1f} ms, p99 {idle['p99_ms']:.1f} ms")
    seconds = count / per_second + worlds.ALERT_WITHIN_SECONDS + 3
    world.rate()
    with half_rate(bench, world, seconds) as load:
        time.sleep(1)
        busy = _alerts(bench, world, 1, 0, count, per_second)
        acks = finished(load)
    bench.say(f"half rate: p50 {busy['p50_ms']:.1f} ms, p99 {busy['p99_ms']:.1f} ms; ack p99 {acks['ack_p99_ms']:.1f} ms")
    note = f"at {world.rate() / 2:,.0f} events/s"
    return [
        figures.judged("due_to_subscriber_idle_p99", idle["p99_ms"], smaller=bench.smaller),
        figures.judged("due_to_subscriber_half_rate_p50", busy["p50_ms"], note, bench.smaller, acks),
        figures.judged("due_to_subscriber_half_rate_p99", busy["p99_ms"], note, bench.smaller, acks),
        figures.judged("batch_ack_half_rate_p99", acks["ack_p99_ms"], note, bench.smaller, acks),
    ]


def mail(bench, world):
    """Due to mail accepted, on a server of its own that is idle."""
    del world
    sink = subprocess.Popen(
        [sys.executable, "test/mail/smtp_sink.py", "--folder", str(bench.folder / "mail"), "--quiet"],
        stdout=subprocess.PIPE, text=True)
    try:
        port = sink.stdout.readline().split()[-1]
        with bench.server("mail", settle="0s") as server:
            out = subprocess.run([bench.binary("bench/alert_latency"), server.address, port], check=True, timeout=120,
                                 stdout=subprocess.PIPE, text=True).stdout
    finally:
        sink.kill()
        sink.wait()
        sink.stdout.close()
    p99 = re.search(r"due -> mail accepted .*p99 +([\d.]+) ms", out)
    if not p99:
        raise RuntimeError("alert_latency says nothing of mails: " + out)
    return [figures.beside("due_to_mail_idle_p99", "due → mail accepted, idle, p99", float(p99.group(1)), "ms")]


def deadlines(bench, world):
    """A million deadlines due in one second, ingest at half the maximum rate meanwhile."""
    world.ready()
    rate = world.rate()
    count = bench.size(MILLION)
    client = bench.client(world.server)
    cursor = _feed_end(client)
    # Opened within the time that is left until they are due.
    second = int(time.time())
    count = bench.load(world.address, profile="open", open_type="bench_million_opened", open_second=second,
                       events=count, seconds=0)["accepted"]
    due = second + 1 + worlds.million_within_seconds(bench)
    bench.say(f"{count:,} opened, due in {due - time.time():.0f} s")
    if time.time() > due - 1:
        raise RuntimeError(f"opening {count:,} took until they were due: {time.time() - second:.0f} s")
    seconds = bench.seconds(15)
    time.sleep(max(0, due - 2 - time.time()))
    with bench.loading(world.address, rate=rate / 2, seconds=seconds + 2) as load:
        acks = finished(load)
    stats = _wait_fired(client, time.time() + 120)
    client.close()
    bench.say(f"{stats.missed:,} missed; longest ack {acks['ack_max_ms']:.0f} ms")
    # Read afterwards, so that reading is no part of what is measured.
    with bench.subscribers(world.address, cursor=cursor, changes=count, patience=120,
                           filter='monitor = "monitors/million-row"') as process:
        seen = finished(process)
    late = (seen["last_change_us"] - seen["last_due_us"]) / 1e6
    note = f"at {rate / 2:,.0f} events/s; ack p99 {acks['ack_p99_ms']:.0f} ms"
    return [
        figures.judged("million_deadlines_last_alert", late, note, bench.smaller, acks),
        figures.judged("million_deadlines_longest_ack", acks["ack_max_ms"], note, bench.smaller, acks),
    ]


def _feed_end(client):
    """A cursor at the end of the alert feed."""
    stream = client.stream(filter='monitor = "monitors/none"')
    for item in stream:
        if item.WhichOneof("item") == "synced":
            stream.cancel()
            return item.synced.cursor
    raise RuntimeError("the alert stream ended before it was synced")


def _wait_fired(client, until):
    while True:
        stats = client.stats("monitors/million-row")
        if stats.pending == 0:
            return stats
        if time.time() > until:
            raise RuntimeError(f"{stats.pending:,} of {stats.opened:,} deadlines have not fired")
        time.sleep(0.1)


def subscribers(bench, world):
    """10 subscribers and 1,000, of which one never reads, in turn, at the same rate of alerts."""
    world.ready()
    many = max(20, bench.size(MANY_SUBSCRIBERS))
    count = max(20, min(MANY_ALERTS, bench.size(MANY_ALERTS * 50)))
    few_ms, many_ms, growths = [], [], []
    for turn in range(bench.turns(TURNS)):
        few_ms.append(_alerts(bench, world, 10, 0, count, MANY_ALERTS_PER_SECOND)["p99_ms"])
        before = machine.process_bytes(world.pid, "VmRSS")
        machine.reset_peak(world.pid)
        many_ms.append(_alerts(bench, world, many, 1, count, MANY_ALERTS_PER_SECOND)["p99_ms"])
        growths.append((machine.process_bytes(world.pid, "VmHWM") - before) / MB)
        bench.say(f"turn {turn + 1} of {bench.turns(TURNS)}: 10: p99 {few_ms[-1]:.1f} ms; {many:,}: p99 "
                  f"{many_ms[-1]:.1f} ms, {growths[-1]:.0f} MB more")
    ratio = statistics.median(b / a for a, b in zip(few_ms, many_ms))
    note = f"p99 {statistics.median(many_ms):.1f} ms over {statistics.median(few_ms):.1f} ms"
    return [
        figures.judged("subscribers_1000_of_10_p99", ratio, note, bench.smaller),
        figures.judged("subscribers_1000_memory", max(growths), smaller=bench.smaller),
    ]
