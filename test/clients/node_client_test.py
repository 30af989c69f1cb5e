"""Runs the Node.js client against the real server."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from harness import lapsed


class NodeClientTest(unittest.TestCase):

    def test_sends_events_and_streams_the_alert_and_its_resolution(self):
        client = pathlib.Path("test/clients/node/client.js").resolve()
        with tempfile.TemporaryDirectory() as folder, lapsed.serving(BINARY, folder, ["--settle", "0s"]) as server:
            done = subprocess.run(
                ["node", str(client), server.address, os.getcwd(), str(lapsed.googleapis())],
                capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main()
