"""What all rows share: sizes, binaries, loads, and the servers they talk to."""

import contextlib
import json
import pathlib
import subprocess
import sys
import time

from harness import client as clients
from harness import lapsed

# A load's keys; each load takes a block of its own.
FIRST_KEY, LAST_KEY = 300_000_000, 999_999_999
KEYS_PER_LOAD = 12_000_000
LOAD_PATIENCE_SECONDS = 900
START_SECONDS = 120
# Below this the run only shows that all works: comparisons take one turn, and a load's messages are few, since making
# them would take longer than sending them.
TINY_SCALE = 0.002


class Bench:
    """One run. `scale` 1 is what the figures ask for; less makes sizes, and far less also times, smaller."""

    def __init__(self, binaries, folder, scale):
        self.binaries = pathlib.Path(binaries)
        self.folder = pathlib.Path(folder)
        self.scale = scale
        self.began = time.monotonic()
        self.loads = 0
        self.row = ""
        self.max_rate = None
        self.stubs = clients.make_stubs(self.folder)
        lapsed.START_SECONDS = START_SECONDS

    @property
    def smaller(self):
        return self.scale < 1

    def size(self, count):
        return max(1, int(count * min(1, self.scale)))

    def turns(self, turns):
        """How often a comparison is repeated."""
        return turns if self.scale >= TINY_SCALE else 1

    def seconds(self, seconds):
        return seconds * min(1, max(0.05, self.scale * 50))

    def say(self, text):
        print(f"[{time.monotonic() - self.began:6.1f} s] {self.row}: {text}", file=sys.stderr, flush=True)

    def binary(self, name):
        return str(self.binaries / name)

    def load(self, address, **options):
        """Runs the load client to its end; returns its JSON. `opaque_answers=True` is a flag, `warm_up=1` an option."""
        with self.loading(address, **options) as process:
            result = finished(process)
        result["first_key"] = self.first_key()
        return result

    def first_key(self):
        """Of the latest load."""
        return FIRST_KEY + KEYS_PER_LOAD * self.loads % (LAST_KEY - FIRST_KEY - KEYS_PER_LOAD)

    @contextlib.contextmanager
    def loading(self, address, **options):
        """The load client as a process under way; finished() waits for its JSON. Killed at the end."""
        self.loads += 1
        options = {"seed": self.loads, "first_key": self.first_key(), **options}
        if self.scale < TINY_SCALE:
            options["pool"] = 16
        command = [self.binary("bench/load/load"), "--server", address]
        for name, value in options.items():
            flag = "--" + name.replace("_", "-")
            command += [flag] if value is True else [flag, str(value)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            end(process)

    @contextlib.contextmanager
    def echo(self, mode):
        """Its address."""
        process = subprocess.Popen([self.binary("bench/echo/echo"), mode], stdout=subprocess.PIPE, text=True)
        try:
            line = process.stdout.readline()
            if not line.startswith("echo: serving on "):
                raise RuntimeError(f"the echo does not serve: {line}")
            yield line.split()[-1]
        finally:
            end(process)

    @contextlib.contextmanager
    def subscribers(self, address, **options):
        """The subscribers client under way, up to date with the feed."""
        command = [self.binary("bench/subscribers/subscribers"), "--server", address]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            if process.stdout.readline().strip() != "subscribers: ready":
                raise RuntimeError("the subscribers are not up to date: " + process.communicate()[1])
            yield process
        finally:
            end(process)

    def server(self, name, **flags):
        """A lapsed, not started, on a folder of the run. `duplicate_window=5` is `--duplicate-window 5`."""
        arguments = [part for flag, value in {"log_level": "warning", **flags}.items()
                     for part in ("--" + flag.replace("_", "-"), str(value))]
        return lapsed.Lapsed(self.binary("server/lapsed"), self.folder / name, arguments)

    def client(self, server):
        return clients.Client(server.address, self.stubs)


def finished(process):
    """The JSON a client prints at its end. Raises, with what it said, where it failed."""
    out, err = process.communicate(timeout=LOAD_PATIENCE_SECONDS)
    if process.returncode != 0:
        raise RuntimeError((err or out).strip().splitlines()[-1] if (err or out).strip() else
                           f"{process.args[0]} exited with {process.returncode}")
    result = json.loads(out.splitlines()[-1])
    refused = {code: count for code, count in result.get("errors", {}).items() if code != "RESOURCE_EXHAUSTED"}
    if refused or result.get("rejected"):
        raise RuntimeError(f"the server refused events: {refused} {result['first_error']}")
    return result


def end(process):
    if process.poll() is None:
        process.kill()
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()


def stop(server, seconds=120):
    """SIGTERM, and waits. Raises where it does not end well."""
    code = server.stop(seconds)
    server.kill()
    if code != 0:
        raise RuntimeError(f"lapsed exited with {code}: " + "".join(server.log[-3:]))


