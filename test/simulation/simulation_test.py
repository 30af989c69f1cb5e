"""A share of the simulated lives; ./dev soak lives 10,000."""

import subprocess
import sys
import unittest

SHARE = "1..60"


def simulate(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, check=False)


class SimulationTest(unittest.TestCase):

    def test_every_promise_holds_through_crashes_and_failing_disks(self):
        result = simulate("--seeds", SHARE, "--jobs", "2")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        lines = result.stdout.splitlines()
        self.assertEqual(lines[-1], "60 passed, 0 failed")
        counts = {name: int(count) for count, name in (line.split(maxsplit=1) for line in lines[:-1])}
        # Lives that are empty would pass, too.
        for happened in ("power failures", "crashes at a start", "stopped by an error", "full disks", "clean stops",
                         "steps of the clock", "monitor changes", "requests refused"):
            self.assertGreater(counts[happened], 0, happened)
        self.assertGreater(counts["alerts"], 100)
        self.assertGreater(counts["requests accepted"], 1_000)

    def test_a_seed_gives_the_same_life_again(self):
        # One that differs from its first time fails.
        result = simulate("--seeds", "7..14", "--steps", "30", "--jobs", "2", "--twice")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(result.stdout.splitlines()[-1], "16 passed, 0 failed")

    def test_refuses_what_it_does_not_know(self):
        for arguments in (("--seed",), ("--seeds", "1-9"), ("--speed", "9"), ("--jobs", "0")):
            result = simulate(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn("usage: simulation", result.stderr)


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main()
