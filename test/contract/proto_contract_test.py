"""The public protos pass buf's lint, and break nothing that proto/baseline.binpb holds.

Where a change is meant to break (before version 1.0), make the baseline anew: ./dev proto-baseline.
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

from google.protobuf import descriptor_pb2


def buf(*words):
    binary = pathlib.Path(CONFIG).resolve().parent / "node_modules/.bin/buf"
    return subprocess.run([str(binary), *words, "--config", CONFIG], capture_output=True, text=True, check=False)


class ProtoContractTest(unittest.TestCase):

    def image(self, path):
        """`path` under an ending that buf knows."""
        copy = pathlib.Path(self.folder.name, pathlib.Path(path).name + ".binpb")
        copy.write_bytes(pathlib.Path(path).read_bytes())
        return copy

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.current = self.image(CURRENT)
        self.baseline = self.image(BASELINE)

    def tearDown(self):
        self.folder.cleanup()

    def changed(self, change):
        """The protos as they are after `change` of their descriptors."""
        files = descriptor_pb2.FileDescriptorSet.FromString(self.current.read_bytes())
        change({file.name: file for file in files.file})
        path = pathlib.Path(self.folder.name, "changed.binpb")
        path.write_bytes(files.SerializeToString())
        return path

    def test_lint_is_clean(self):
        done = buf("lint", str(self.current))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_lint_finds_a_bad_name(self):
        def rename(files):
            files["lapse/v1/event.proto"].message_type[1].field[0].name = "BadName"
        self.assertIn("BadName", buf("lint", str(self.changed(rename))).stdout)

    def test_nothing_in_the_baseline_is_broken(self):
        done = buf("breaking", str(self.current), "--against", str(self.baseline))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_field_that_is_taken_away_is_found(self):
        def remove(files):
            del files["lapse/v1/event.proto"].message_type[1].field[0]
        done = buf("breaking", str(self.changed(remove)), "--against", str(self.baseline))
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    CONFIG, BASELINE, CURRENT = (sys.argv.pop() for _ in range(3))
    unittest.main()
