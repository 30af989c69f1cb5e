"""What tests of a bad disk have in common: a server whose I/O is slowed, held or failed by io_shim.c."""

import contextlib
import os
import pathlib
import sys
import time

from api import api_case
from harness import lapsed
from harness.waiting import eventually

STOP_SECONDS = 5
NOT_SERVING = b"\x08\x02"
SERVING = b"\x08\x01"


def main():
    """Runs the tests; the library is named by the second argument."""
    main.shim = os.path.abspath(sys.argv.pop(2))
    api_case.main()


class DiskCase(api_case.ApiCase):

    def setUp(self):
        super().setUp()
        self.command_file = pathlib.Path(self.folder.name, "command")
        self.trace_file = pathlib.Path(self.folder.name, "trace")
        self.env = lapsed.preload(main.shim, IO_COMMAND=str(self.command_file))

    def start_shimmed(self, *flags, **env):
        self.start(*flags, env={**self.env, **env})

    def command(self, text):
        """Written whole, since the server reads it at any time."""
        written = self.command_file.with_suffix(".new")
        written.write_text(text)
        written.rename(self.command_file)

    @contextlib.contextmanager
    def syncs_held(self, path):
        """Within it, syncs of the files with `path` in their path do not return."""
        self.command(f"hold sync {path}")
        try:
            yield
        finally:
            self.well_again()

    def well_again(self):
        self.command_file.unlink(missing_ok=True)

    def wait_until_held(self):
        eventually(lambda: self.command_file.with_suffix(".held").exists())

    def health(self, service=b"\x0a\x15lapse.v1.EventService"):
        return self.client.channel.unary_unary("/grpc.health.v1.Health/Check")(service, timeout=api_case.PATIENCE_SECONDS)

    def stops_in_time(self):
        began = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - began, STOP_SECONDS)

    def batch_request(self, name, count):
        return self.client.event_api.BatchIngestEventsRequest(
            events=[self.client.event(f"{name}-{i}", "t", None) for i in range(count)])
