"""Runs the real server binary in tests: start, stop, kill, and Python stubs made from the protos."""

import contextlib
import importlib
import os
import pathlib
import signal
import subprocess
import sys
import threading

from harness.waiting import eventually

READY_PREFIX = "lapsed: serving on "
START_SECONDS = 60


def stands_still(thread):
    """Whether a thread, by its folder in /proc, is stopped by a signal, or has ended meanwhile."""
    try:
        return "\nState:\tT" in (thread / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


class Lapsed:
    """One server process on a data folder. Use as a context manager, or start() and stop()."""

    def __init__(self, binary, data_folder, flags=(), env=None):
        self.binary = binary
        self.data_folder = str(data_folder)
        self.flags = list(flags)
        self.env = dict(os.environ, **(env or {}))
        self.process = None
        self.address = None
        self.log = []

    def start(self):
        """Starts it and waits until it serves. Raises, with its log, where it does not."""
        self.process = subprocess.Popen(
            [self.binary, "--data-folder", self.data_folder, "--listen", "127.0.0.1:0", *self.flags],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.env)
        ready = threading.Event()
        self.log = []
        self.address = None
        self.reader = threading.Thread(target=self._read_log, args=(self.process, ready), daemon=True)
        self.reader.start()
        if not ready.wait(START_SECONDS) or self.address is None:
            self.kill()
            raise RuntimeError("lapsed does not serve:\n" + "".join(self.log))
        return self

    def _read_log(self, process, ready):
        for line in process.stdout:
            self.log.append(line)
            if line.startswith(READY_PREFIX):
                self.address = line[len(READY_PREFIX):].strip()
                ready.set()
        ready.set()

    def stop(self, seconds=10):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def freeze(self):
        """SIGSTOP; returns when every thread stands still, which the signal alone does not await."""
        self.process.send_signal(signal.SIGSTOP)
        threads = pathlib.Path("/proc", str(self.process.pid), "task")
        eventually(lambda: all(stands_still(thread) for thread in threads.iterdir()))

    def thaw(self):
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        """SIGKILL."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.kill()


def stubs(folder):
    """Generates the Python stubs into `folder` with protoc; returns {name: module}, such as event_service_pb2_grpc."""
    names = [f"{kind}{suffix}" for kind in ("event", "monitor", "alert", "notifier") for suffix in ("", "_service")]
    google = googleapis()
    includes = ["-Iproto", f"-I{google}"]
    outputs = [f"--python_out={folder}", f"--grpc_python_out={folder}",
               "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin"]
    sources = [f"proto/lapse/v1/{name}.proto" for name in names]
    subprocess.run(["protoc", *includes, *outputs, *sources], check=True)
    subprocess.run(["protoc", *includes, f"--python_out={folder}",
                    *[str(google / "google/rpc" / f"{n}.proto") for n in ("status", "error_details", "code")]],
                   check=True)
    _make_error_info(folder)
    _extend_google_package(folder)
    sys.path.insert(0, str(folder))
    modules = {}
    for name in names:
        modules[f"{name}_pb2"] = importlib.import_module(f"lapse.v1.{name}_pb2")
        if name.endswith("_service"):
            modules[f"{name}_pb2_grpc"] = importlib.import_module(f"lapse.v1.{name}_pb2_grpc")
    return modules


def googleapis():
    """Where Debian keeps the google/rpc protos."""
    root = pathlib.Path("/usr/share/gocode/src/github.com/grpc-ecosystem/grpc-gateway/third_party/googleapis")
    if not root.is_dir():
        raise RuntimeError("the package golang-github-grpc-ecosystem-grpc-gateway-dev is not installed")
    return root


def _make_error_info(folder):
    """google.rpc.ErrorInfo, which Debian's copy of error_details.proto lacks."""
    path = pathlib.Path(folder, "google/rpc/error_info.proto")
    path.write_text('syntax = "proto3"; package google.rpc; message ErrorInfo '
                    '{ string reason = 1; string domain = 2; map<string, string> metadata = 3; }')
    subprocess.run(["protoc", f"-I{folder}", f"--python_out={folder}", str(path)], check=True)


def _extend_google_package(folder):
    """Lets google.rpc be found beside Debian's google.protobuf."""
    import google
    google.__path__.append(str(pathlib.Path(folder) / "google"))


def preload(library, **variables):
    """The environment of a server that loads `library` first; ASan would insist on being first itself."""
    return {"LD_PRELOAD": library, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
            **variables}


@contextlib.contextmanager
def serving(binary, data_folder, flags=(), env=None):
    """A server that is killed at the end."""
    with Lapsed(binary, data_folder, flags, env) as server:
        yield server
