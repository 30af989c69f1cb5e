"""Measures every figure of Lapse against its goal, on real servers in a temporary folder, and prints one table.

    run.py --binaries FOLDER [--folder FOLDER] [--out FILE] [--scale N] [ROW...]
"""

import argparse
import pathlib
import shutil
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).absolute().parents[1]
sys.path[:0] = [str(ROOT / "test"), str(ROOT / "bench")]

from runner import figures, machine, rows_alerts, rows_ingest, rows_postgres, rows_storage  # noqa: E402
from runner.bench import Bench  # noqa: E402
from runner.world import World  # noqa: E402

# In the order they run: first what needs a server as it was prepared, last what stops it or fills it. Each row with
# the figures it gives.
ROWS = {
    "rss": (rows_storage.rss, ["rss_per_open_expectation"]),
    "stream": (rows_ingest.stream, ["stream_ingest_of_echo"]),
    "postgres": (rows_postgres.postgres, ["stream_ingest_of_postgres"]),
    "unary": (rows_ingest.unary, ["unary_of_bare_grpc"]),
    "lone": (rows_ingest.lone, ["lone_unary_of_fdatasync"]),
    "subscriber": (rows_alerts.subscriber, ["due_to_subscriber_idle_p99", "due_to_subscriber_half_rate_p50",
                                            "due_to_subscriber_half_rate_p99", "batch_ack_half_rate_p99"]),
    "mail": (rows_alerts.mail, []),
    "subscribers": (rows_alerts.subscribers, ["subscribers_1000_of_10_p99", "subscribers_1000_memory"]),
    "monitors": (rows_ingest.monitors, ["ingest_1000_monitors_of_10"]),
    "start": (rows_storage.start, ["start_clean", "start_after_kill"]),
    "timeline": (rows_storage.timeline, ["timeline_warm_p99", "timeline_cold_p99"]),
    "deadlines": (rows_alerts.deadlines, ["million_deadlines_last_alert", "million_deadlines_longest_ack"]),
    "reader": (rows_storage.reader, ["reader_open_wal"]),
    "disk": (rows_storage.disk, ["disk_per_event_uuid4", "disk_per_event_uuid7", "disk_per_event_short"]),
}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help="only these: " + ", ".join(ROWS))
    parser.add_argument("--binaries", required=True, help="the folder of built files")
    parser.add_argument("--folder", default="/var/tmp", help="where the servers' data lie; on a real disk (%(default)s)")
    parser.add_argument("--out", default=str(ROOT / "bench/out/latest.json"))
    parser.add_argument("--scale", type=float, default=1,
                        help="sizes are multiplied by it; what ran smaller than asked is never met")
    args = parser.parse_args()
    unknown = [row for row in args.rows if row not in ROWS]
    if unknown:
        parser.error(f"no row {unknown[0]}; there are {', '.join(ROWS)}")
    if not 0 < args.scale <= 1:
        parser.error("--scale is over 0 and at most 1")
    return args


def run_row(bench, world, name):
    """Its figures. A row that fails gives its figures without values, and why; the others go on."""
    function, names = ROWS[name]
    bench.row = name
    began = time.monotonic()
    try:
        found = function(bench, world)
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc()
        why = (str(error).strip() or type(error).__name__).splitlines()[-1]
        found = [figures.judged(figure, None, f"failed: {why}") for figure in names]
        if not names:
            found = [figures.beside(name, name, None, "", f"failed: {why}")]
        revive(bench, world)
    bench.say(f"took {time.monotonic() - began:.0f} s")
    return found


def revive(bench, world):
    """Starts the server again where a row left it dead, so that the next row has one."""
    if world.server is None or world.server.process.poll() is None:
        return
    try:
        world.server.kill()
        world.server.start()
    except Exception as error:  # pylint: disable=broad-except
        bench.say(f"the server does not start again: {error}")
        world.server = None


def run(args, folder):
    began = time.monotonic()
    found = []
    bench = Bench(args.binaries, folder, args.scale)
    world = World(bench)
    facts = machine.facts(folder)
    syncs = machine.fdatasync_ms(folder, bench.seconds(2))
    facts["fdatasync_4k_per_second"] = round(1000 * len(syncs) / sum(syncs))
    try:
        for name in args.rows or ROWS:
            found += run_row(bench, world, name)
    finally:
        world.close()
    facts["load_average_at_end"] = machine.facts(folder)["load_average"]
    return found, facts, time.monotonic() - began


def main():
    args = parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lapse-bench-", dir=args.folder))
    folder.chmod(0o755)
    try:
        found, facts, seconds = run(args, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    # Those with a goal first.
    found.sort(key=lambda figure: figure.met is None)
    print(*figures.table(found), sep="\n")
    print(f"\n{facts['cores']} cores, {facts['cpu']}, {facts['memory_gb']} GB, Linux {facts['kernel']}, "
          f"{facts['file_system']}, {facts['fdatasync_4k_per_second']:,} fdatasync of 4 KiB a second; "
          f"load average {facts['load_average'][0]} to {facts['load_average_at_end'][0]}; {seconds:.0f} s")
    if args.scale < 1:
        print(f"scale {args.scale:g}: sizes are smaller than the goals ask for, and so none of them is met")
    figures.write(pathlib.Path(args.out), found, facts, seconds, args.scale)
    return 0


if __name__ == "__main__":
    sys.exit(main())
