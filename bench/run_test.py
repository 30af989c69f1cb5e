"""The whole run at a tiny scale: every figure is there, in its form. What the values are is no part of it."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

# The root of the runfiles.
sys.path.insert(0, "bench")

from runner import figures  # noqa: E402

# Each line of the table of goals.
ASKED_FOR = {
    "stream_ingest_of_echo", "stream_ingest_of_postgres", "unary_of_bare_grpc", "lone_unary_of_fdatasync",
    "due_to_subscriber_idle_p99", "due_to_subscriber_half_rate_p50", "due_to_subscriber_half_rate_p99",
    "batch_ack_half_rate_p99", "rss_per_open_expectation", "million_deadlines_last_alert",
    "million_deadlines_longest_ack", "start_clean", "start_after_kill", "timeline_warm_p99", "timeline_cold_p99",
    "disk_per_event_uuid4", "disk_per_event_uuid7", "disk_per_event_short", "ingest_1000_monitors_of_10",
    "subscribers_1000_of_10_p99", "subscribers_1000_memory", "reader_open_wal",
}
# They need PostgreSQL, which a machine may lack.
MAY_BE_MISSING = {"stream_ingest_of_postgres"}
PATIENCE_SECONDS = 600


class RunTest(unittest.TestCase):

    def run_bench(self, *rows):
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as folder:
            out = pathlib.Path(folder, "out", "latest.json")
            result = subprocess.run(
                [sys.executable, "bench/run.py", "--binaries", ".", "--folder", folder, "--out", str(out),
                 "--scale", "0.0002", *rows],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_SECONDS, check=False)
            self.assertEqual(result.returncode, 0, result.stderr)
            return json.loads(out.read_text()), result

    def test_every_figure_is_measured_and_none_is_met_at_a_small_scale(self):
        written, result = self.run_bench()
        found = {figure["name"]: figure for figure in written["figures"]}
        self.assertEqual(ASKED_FOR - set(found), set(), result.stderr)
        for name in ASKED_FOR:
            figure = found[name]
            self.assertTrue(figure["goal"], name)
            self.assertIs(figure["met"], False, name)
            self.assertTrue(figure["unit"], name)
            self.assertIn(figure["what"], result.stdout)
            if name not in MAY_BE_MISSING:
                self.assertIsNotNone(figure["value"], f"{name}: {figure['note']}\n{result.stderr}")
                self.assertTrue(figure["smaller"], name)
        for fact in ("cores", "kernel", "file_system", "fdatasync_4k_per_second", "load_average"):
            self.assertTrue(written["machine"][fact], fact)

    def test_a_row_that_fails_says_why(self):
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as folder:
            out = pathlib.Path(folder, "latest.json")
            subprocess.run(
                [sys.executable, "bench/run.py", "--binaries", "no/such/folder", "--folder", folder, "--out", str(out),
                 "--scale", "0.0002", "lone", "mail"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_SECONDS, check=True)
            found = {figure["name"]: figure for figure in json.loads(out.read_text())["figures"]}
        self.assertIsNone(found["lone_unary_of_fdatasync"]["value"])
        self.assertIs(found["lone_unary_of_fdatasync"]["met"], False)
        self.assertIn("no/such/folder", found["lone_unary_of_fdatasync"]["note"])
        self.assertIn("no/such/folder", found["mail"]["note"])


class FiguresTest(unittest.TestCase):

    def test_a_figure_is_met_on_the_good_side_of_its_goal(self):
        self.assertTrue(figures.judged("stream_ingest_of_echo", 0.55).met)
        self.assertFalse(figures.judged("stream_ingest_of_echo", 0.549).met)
        self.assertTrue(figures.judged("start_clean", 6).met)
        self.assertFalse(figures.judged("start_clean", 6.1).met)

    def test_what_failed_or_ran_smaller_is_never_met(self):
        self.assertFalse(figures.judged("start_clean", None).met)
        self.assertFalse(figures.judged("start_clean", 1, smaller=True).met)

    def test_beside_a_load_that_was_refused_nothing_is_met(self):
        load = {"errors": {}, "unsent": 0}
        self.assertTrue(figures.judged("batch_ack_half_rate_p99", 1, "at 5 events/s", load=load).met)
        load = {"errors": {"RESOURCE_EXHAUSTED": 3}, "unsent": 2_000}
        figure = figures.judged("batch_ack_half_rate_p99", 1, "at 5 events/s", load=load)
        self.assertFalse(figure.met)
        for word in ("at 5 events/s", "3 requests", "2,000 events"):
            self.assertIn(word, figure.note)

    def test_there_is_a_goal_for_each_figure_that_is_asked_for(self):
        self.assertEqual(ASKED_FOR, set(figures.GOALS))


if __name__ == "__main__":
    unittest.main()
