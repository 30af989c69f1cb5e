"""A damaged part of the event log: refused where the start needs it, unless the loss is accepted; left out of listings."""

import pathlib
import random
import subprocess

from api import api_case
from harness.waiting import eventually

FLAGS = ("--log-file-mb", "1", "--checkpoint-interval", "1h")
BATCH = 500


class DamagedLogTest(api_case.ApiCase):

    def setUp(self):
        super().setUp()
        self.data = pathlib.Path(self.folder.name, "data")
        self.first = self.data / "log" / "000001.sealed"

    def fill(self):
        """A log whose first file is sealed, of a server that was killed before its first checkpoint."""
        self.start(*FLAGS)
        self.client.create_monitor("m", self.client.follow_up("begun", "ended", 3_600_000))
        chosen = random.Random(1)
        sent = 0

        def sealed():
            nonlocal sent
            events = [self.client.event(str(sent + i), "begun", f"k{chosen.getrandbits(400):x}") for i in range(BATCH)]
            self.client.ingest(*events)
            sent += BATCH
            return self.first.exists()

        eventually(sealed)
        self.server.kill()
        return sent

    def damage(self):
        spoiled = bytearray(self.first.read_bytes())
        spoiled[200] ^= 0xff
        self.first.write_bytes(spoiled)

    def listed(self):
        request = self.client.event_api.ListEventsRequest(page_size=1000)
        count = 0
        while True:
            page = self.client.events.ListEvents(request)
            count += len(page.events)
            if not page.next_page_token:
                return count
            request.page_token = page.next_page_token

    def test_loss_stops_the_start_unless_it_is_accepted(self):
        sent = self.fill()
        self.damage()
        done = subprocess.run([api_case.binary(), "--data-folder", str(self.data), "--listen", "127.0.0.1:0", *FLAGS],
                              capture_output=True, text=True, timeout=api_case.PATIENCE_SECONDS)
        said = done.stderr + done.stdout
        self.assertEqual(done.returncode, 1, said)
        for word in (str(self.first), "positions 1 to"):
            self.assertIn(word, said)
        self.start(*FLAGS, "--accept-loss")
        self.assertIn("accepted the loss of positions 1 to", "".join(self.server.log))
        self.assertGreater(self.listed(), 0)
        self.assertLess(self.listed(), sent)
        self.assertEqual(self.client.send("new", "begun", "k").sequence, sent + 1)
        self.assertEqual(self.server.stop(), 0)
        # What was accepted once is not asked for again.
        self.start(*FLAGS)
        self.assertEqual(self.client.send("newer", "begun", "k").sequence, sent + 2)


if __name__ == "__main__":
    api_case.main()
