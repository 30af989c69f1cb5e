"""The examples that the README names run as they stand, and what they send is there."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from harness import client as harness
from harness import lapsed


class ExamplesTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.server = lapsed.Lapsed(BINARY, cls.folder.name + "/data").start()
        cls.client = harness.Client(cls.server.address, harness.make_stubs(cls.folder.name))

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.kill()
        cls.folder.cleanup()

    def check(self, words, order, source, **environment):
        done = subprocess.run([*words, self.server.address, order], capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, GOOGLEAPIS=str(lapsed.googleapis()), **environment), check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("is on disk as number", done.stdout)
        events = self.client.list_events(filter=f'attributes.order_id = "{order}"')
        self.assertEqual([(e.source, e.type) for e in events], [(source, "order_created")])

    def test_python(self):
        # Debian's google package and the generated google.rpc are one package for Python only when joined.
        joined = pathlib.Path(self.folder.name, "stubs")
        (joined / "sitecustomize.py").write_text(
            f"import google\ngoogle.__path__.append({str(joined / 'google')!r})\n")
        self.check([sys.executable, "docs/examples/send.py"], "P-1", "example-python", PYTHONPATH=str(joined))

    def test_node(self):
        modules = pathlib.Path("test/clients/node/client.js").resolve().parent / "node_modules"
        self.check(["node", "docs/examples/send.js"], "N-1", "example-node", NODE_PATH=str(modules))

    def test_cpp(self):
        self.check(["docs/examples/send"], "C-1", "example-cpp")


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main()
