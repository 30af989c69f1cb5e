"""./dev run: the walkthrough is played on a new folder, a second start finds all as it was left, Ctrl-C ends everything."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from harness.waiting import eventually

PATIENCE_SECONDS = 60
LAST_LINE = "The server goes on until Ctrl-C"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class DevRun:
    """One `./dev run` in a session of its own, as a terminal gives it."""

    def __init__(self, env, flags=()):
        self.process = subprocess.Popen(["./dev", "run", *flags], env=env, text=True, start_new_session=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(iter(self.process.stdout.readline, "")))
        self.reader.start()

    def said(self):
        return "".join(self.lines)

    def wait_for(self, text):
        eventually(lambda: text in self.said() or self.process.poll() is not None, text)
        if text not in self.said():
            raise AssertionError(f"ended without saying {text!r}:\n{self.said()}")

    def members(self):
        """The commands of the session that still run."""
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
                command = stat.with_name("cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            # State and session: proc(5).
            if int(fields[3]) == self.process.pid and fields[0] != "Z":
                found.append(command)
        return found

    def press_ctrl_c(self):
        """The terminal sends it to all; returns the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.end()

    def end(self):
        code = self.process.wait(PATIENCE_SECONDS)
        eventually(lambda: not self.members(), f"all ended, and not {self.members()}")
        self.reader.join()
        self.process.stdout.close()
        return code


class DevRunTest(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.env = {**os.environ, "LAPSE_BIN": os.getcwd(), "LAPSE_HOME": self.folder.name + "/home",
                    "LAPSE_SERVER": f"127.0.0.1:{free_port()}", "LAPSE_SMTP_PORT": str(free_port())}

    def start(self, *flags):
        run = DevRun(self.env, flags)
        self.addCleanup(lambda: run.process.poll() is None and os.killpg(run.process.pid, signal.SIGKILL))
        return run

    def alerts(self):
        return subprocess.run(["cli/lapsectl", "--server", self.env["LAPSE_SERVER"], "alerts", "list", "-o", "json"],
                              check=True, capture_output=True, text=True).stdout

    def mails(self):
        return sorted(path.name for path in pathlib.Path(self.env["LAPSE_HOME"], "mail").glob("*.eml"))

    def test_a_new_folder_plays_the_walkthrough_and_a_second_start_finds_all_as_it_was_left(self):
        run = self.start()
        run.wait_for(LAST_LINE)
        eventually(lambda: len(self.mails()) == 3, "three mails")
        told = run.said()
        for text in ("$ ./dev ctl apply -f", "order_delivered within 10 s of order_created", "$ ./dev ctl alerts watch",
                     "FIRING    order-delivered  A-17", "RESOLVED  order-delivered  A-16",
                     "MAIL  [Lapse] FIRING order delivered: A-17", "MAIL  [Lapse] RESOLVED order delivered: A-16"):
            self.assertIn(text, told)
        alerts, mails = self.alerts(), self.mails()
        self.assertEqual((alerts.count("STATE_FIRING"), alerts.count("STATE_RESOLVED")), (1, 1))
        self.assertEqual(run.press_ctrl_c(), 0)
        self.assertIn("Everything is kept in", run.said())

        again = self.start()
        again.wait_for("Everything is as it was left")
        again.wait_for("SERVING")
        self.assertEqual((self.alerts(), self.mails()), (alerts, mails))
        self.assertEqual(again.press_ctrl_c(), 0)
        self.assertNotIn("./dev ctl apply", again.said())

    def test_ctrl_c_in_the_midst_of_the_walkthrough_ends_everything(self):
        run = self.start()
        run.wait_for("$ ./dev ctl alerts watch")
        self.assertEqual(run.press_ctrl_c(), 0)

    def test_a_server_that_does_not_start_is_said_and_nothing_is_left_running(self):
        run = self.start("--shards", "many")
        run.wait_for("The server did not start")
        self.assertEqual(run.end(), 1)
        self.assertIn("--shards", run.said())

    def test_a_server_that_dies_ends_the_command_with_its_code(self):
        run = self.start()
        run.wait_for(LAST_LINE)
        server, = (pid for pid in self.servers(run))
        os.kill(server, signal.SIGKILL)
        self.assertEqual(run.end(), 128 + signal.SIGKILL)

    def servers(self, run):
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                fields = (path / "stat").read_text().rpartition(")")[2].split()
                command = (path / "cmdline").read_bytes().split(b"\0")[0]
            except OSError:
                continue
            if int(fields[3]) == run.process.pid and command.endswith(b"lapsed"):
                yield int(path.name)


if __name__ == "__main__":
    unittest.main()
