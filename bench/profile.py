"""Where lapsed's time goes at full ingest: samples it with perf and prints the shares.

    profile.py --binaries FOLDER [--folder FOLDER] [--out FILE] [--seconds N]
"""

import argparse
import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).absolute().parents[1]
sys.path[:0] = [str(ROOT / "test"), str(ROOT / "bench")]

from runner import world as worlds  # noqa: E402
from runner.bench import Bench, finished  # noqa: E402

SAMPLES_PER_SECOND = 499
WARM_UP_SECONDS = 3

# Of a sample in the kernel, by the functions that led to it; the first that fits.
KERNEL = [
    ("kernel: disk, write and fsync", re.compile(r"fsync|fdatasync|ext4|xfs|btrfs|jbd2|blk_|submit_bio|vfs_write|pwrite|fallocate")),
    ("kernel: network", re.compile(r"tcp|sock|inet|skb|sendmsg|recvmsg|net_|ip_")),
    ("kernel: memory", re.compile(r"page_fault|handle_mm|madvise|mmap|munmap|brk|clear_page|alloc_pages")),
]
OTHER_KERNEL = "kernel: threads and the rest"
# Of a sample in user space, by its function and library; the first that fits.
USER = [
    ("SQLite", re.compile(r"libsqlite3")),
    ("compression (zstd)", re.compile(r"libzstd|ZSTD_|HUF_|FSE_")),
    ("hashing (XXH3)", re.compile(r"libxxhash|XXH")),
    ("protobuf", re.compile(r"libprotobuf|google::protobuf|lapse::v1::|lapse::internal::v1::")),
    ("malloc and free", re.compile(r"malloc|_int_free|cfree|operator new|operator delete|calloc|unlink_chunk|arena_get")),
    ("copying memory", re.compile(r"memcpy|memmove|memset|memcmp")),
    ("matching", re.compile(r"lapse::monitors::")),
    ("the log: duplicates, chunks, index", re.compile(r"lapse::storage::")),
    ("reading and checking requests", re.compile(r"lapse::server::|lapse::[A-Z]")),
    ("gRPC", re.compile(r"libgrpc|libgpr|libupb|libaddress_sorting|grpc")),
    ("abseil: hash tables, cords, locks", re.compile(r"libabsl|absl::")),
]
OTHER_USER = "the rest"


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binaries", required=True)
    parser.add_argument("--folder", default="/var/tmp")
    parser.add_argument("--out", default=str(ROOT / "bench/out/profile.json"))
    parser.add_argument("--seconds", type=float, default=10)
    return parser.parse_args()


def group_of(stack):
    """What a sample was spent on. `stack`: (function, library) of its frames, the innermost first."""
    function, library = stack[0]
    if "kernel" in library or library.startswith("["):
        functions = " ".join(name for name, place in stack if "kernel" in place or place.startswith("["))
        return next((group for group, pattern in KERNEL if pattern.search(functions)), OTHER_KERNEL)
    innermost = f"{function} {library}"
    return next((group for group, pattern in USER if pattern.search(innermost)), OTHER_USER)


def stacks(script):
    """The samples of `perf script`: a blank line ends each."""
    stack = []
    for line in script.splitlines():
        frame = re.match(r"\s+[0-9a-f]+ (.*) \((.*)\)$", line)
        if frame:
            stack.append((re.sub(r"\+0x[0-9a-f]+$", "", frame.group(1)), frame.group(2)))
        elif not line.strip() and stack:
            yield stack
            stack = []
    if stack:
        yield stack


def sample(bench, seconds):
    """The text of `perf script`, and the rate meanwhile."""
    with bench.server("profile") as server:
        client = bench.client(server)
        worlds.make_others(bench, client)
        worlds.make_matching(client)
        client.close()
        data = bench.folder / "perf.data"
        with bench.loading(server.address, seconds=seconds + 2, warm_up=WARM_UP_SECONDS) as load:
            time.sleep(WARM_UP_SECONDS + 1)
            subprocess.run(
                ["perf", "record", "--event", "cpu-clock", "--freq", str(SAMPLES_PER_SECOND), "-g", "--pid",
                 str(server.process.pid), "--output", str(data), "--", "sleep", str(seconds)],
                check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            rate = finished(load)["events_per_second"]
    script = subprocess.run(["perf", "script", "--input", str(data), "--fields", "ip,sym,dso"], check=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return script, rate


def main():
    args = parse_args()
    if not shutil.which("perf"):
        print("profile: perf is not installed: apt-get install linux-perf", file=sys.stderr)
        return 1
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lapse-profile-", dir=args.folder))
    try:
        bench = Bench(args.binaries, folder, 1)
        bench.row = "profile"
        script, rate = sample(bench, args.seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    groups, functions = collections.Counter(), collections.Counter()
    for stack in stacks(script):
        groups[group_of(stack)] += 1
        functions[stack[0]] += 1
    total = sum(groups.values())
    if not total:
        print("profile: perf took no samples", file=sys.stderr)
        return 1
    print(f"lapsed at {rate:,.0f} events/s, {total:,} samples of {SAMPLES_PER_SECOND} a second and core")
    for group, count in groups.most_common():
        print(f"{100 * count / total:6.1f} %  {group}")
    print("\nfunctions:")
    for (function, library), count in functions.most_common(40):
        print(f"{100 * count / total:6.1f} %  {function}  {pathlib.Path(library).name}")
    content = {"events_per_second": rate, "samples": total,
               "shares": {group: round(count / total, 4) for group, count in groups.most_common()}}
    out = pathlib.Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(content, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
