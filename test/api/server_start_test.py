"""What keeps the server from starting is said with what to do, and where its options come from."""

import os
import pathlib
import sqlite3
import subprocess

from api import api_case
from harness import client as harness
from harness import lapsed
from harness.waiting import eventually

DAMAGE = b"\xa5" * 4_096


class ServerStartTest(api_case.ApiCase):

    def setUp(self):
        super().setUp()
        self.data = pathlib.Path(self.folder.name, "data")

    def fails(self, code, *words, flags=(), env=None, data=None):
        """lapsed must exit with `code` without serving; its output, with every one of `words` in it."""
        env = {"LAPSE_LISTEN": "127.0.0.1:0", **os.environ, **(env or {})}
        done = subprocess.run([api_case.binary(), "--data-folder", str(data or self.data), *flags], env=env,
                              capture_output=True, text=True, timeout=api_case.PATIENCE_SECONDS)
        said = done.stderr + done.stdout
        self.assertEqual(done.returncode, code, said)
        self.assertNotIn(lapsed.READY_PREFIX, said)
        for word in words:
            self.assertIn(word, said)
        return said

    def fill(self):
        """A folder with events, a monitor and an alert, of a server that was stopped."""
        self.start()
        self.client.create_monitor("m", self.client.follow_up("begun", "ended", 100))
        self.client.ingest(*[self.client.event(str(i), "begun", f"k{i}") for i in range(500)])
        eventually(lambda: self.client.list_alerts())
        self.assertEqual(self.server.stop(), 0)

    def snapshot(self):
        """What is kept in the folder; opening a database makes an empty WAL and its index."""
        return {str(path): path.read_bytes() for path in self.data.rglob("*")
                if path.is_file() and path.stat().st_size and path.name != "LOCK" and path.suffix != ".db-shm"}

    def test_an_emptied_or_missing_state_database_beside_a_log(self):
        self.fill()
        state = self.data / "state.db"
        good = state.read_bytes()
        for what, spoil in (("empty", lambda: state.write_bytes(b"")), ("missing", state.unlink)):
            with self.subTest(what):
                spoil()
                self.fails(1, str(state), "damaged")
                state.write_bytes(good)
        self.start()
        self.assertEqual(len(self.client.list_alerts()), 500)

    def test_a_data_folder_in_use(self):
        self.start()
        self.fails(1, str(self.data), "in use by another server", f"process {self.server.process.pid}",
                   "choose another data folder")
        # The one that runs is not disturbed.
        self.assertEqual(self.client.send("1", "t", "k").sequence, 1)

    def test_an_address_in_use(self):
        self.start()
        self.fails(1, self.server.address, "in use", "--listen", data=self.folder.name + "/other",
                   flags=["--listen", self.server.address])

    def test_a_data_folder_that_is_a_file(self):
        self.data.write_text("")
        self.fails(1, str(self.data), "not a folder", "choose another data folder")

    def test_a_damaged_state_database(self):
        self.fill()
        state = self.data / "state.db"
        for where in (0, 4_096):
            with self.subTest(where):
                good = state.read_bytes()
                state.write_bytes(good[:where] + DAMAGE + good[where + len(DAMAGE):])
                self.fails(1, str(state), "damaged")
                state.write_bytes(good)
        self.start()
        self.assertEqual(len(self.client.list_events()), 500)

    def test_a_damaged_log_file(self):
        self.fill()
        log = self.log_files()[0]
        good = log.read_bytes()
        for what, damaged in (("head", DAMAGE + good[len(DAMAGE):]), ("cut", good[:len(good) // 2 + 100]),
                              ("rest", good[:4_096] + b"\xa5" * (len(good) - 4_096)), ("empty", b"")):
            with self.subTest(what):
                log.write_bytes(damaged)
                # Refused again and again: the first start must not make it look well.
                for _ in range(2):
                    self.fails(1, str(log), "damaged", "restore the data folder from a backup")
        log.write_bytes(good)
        self.start()
        self.assertEqual(len(self.client.list_events()), 500)

    def log_files(self):
        found = sorted(path for path in self.data.rglob("*")
                       if path.is_file() and path.name != "state.db" and path.read_bytes()[:15] == b"SQLite format 3")
        self.assertTrue(found)
        for path in found:
            # Everything into the file itself: what stands in the WAL would hide what is done to the file.
            database = sqlite3.connect(path)
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            database.close()
        return found

    def test_a_folder_of_a_newer_version(self):
        self.fill()
        for path in (self.data / "state.db", self.log_files()[0]):
            with self.subTest(path.name):
                self.set_version(path, 999_999)
                before = self.snapshot()
                self.fails(1, str(path), "newer")
                self.assertEqual(self.snapshot().keys(), before.keys())
                self.assertTrue(self.snapshot() == before)
                self.set_version(path, self.old_version)

    def set_version(self, path, version):
        with sqlite3.connect(path) as database:
            self.old_version = database.execute("PRAGMA user_version").fetchone()[0]
            database.execute(f"PRAGMA user_version={version}")
        database.close()

    def test_a_read_only_folder(self):
        self.data.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "none", str(self.data)],
                                 capture_output=True)
        if mounted.returncode != 0:
            if os.geteuid() == 0:
                self.skipTest("no file system may be mounted here, and root may write anywhere")
            self.data.chmod(0o500)
        else:
            self.addCleanup(subprocess.run, ["umount", "-l", str(self.data)], check=True)
        self.fails(1, str(self.data), "read-only")

    def test_an_open_address_must_be_meant(self):
        self.fails(2, "0.0.0.0:0", "loopback", "--insecure", flags=["--listen", "0.0.0.0:0"])
        self.assertFalse(self.data.exists())
        for env, flags in (({"LAPSE_LISTEN": "0.0.0.0:0"}, ["--insecure"]),
                           ({"LAPSE_LISTEN": "0.0.0.0:0", "LAPSE_INSECURE": "true"}, [])):
            with self.subTest(env):
                self.assertTrue(self.served(env, *flags).startswith("0.0.0.0:"))

    def served(self, env, *flags):
        """The address where lapsed says it serves, with this environment and these flags alone."""
        env = {**os.environ, "LAPSE_DATA_FOLDER": str(self.data), **env}
        process = subprocess.Popen([api_case.binary(), *flags], env=env, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        try:
            return next((line[len(lapsed.READY_PREFIX):] for line in process.stdout
                         if line.startswith(lapsed.READY_PREFIX)), "nothing")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def test_a_bad_option_names_itself_its_value_and_what_is_allowed(self):
        for name, value, allowed in (("shards", "0", "from 1 to 64"), ("shards", "many", "from 1 to 64"),
                                     ("settle", "5", "a duration such as"), ("settle", "-1s", "at least 0"),
                                     ("log-file-mb", "1025", "from 1 to 1024"), ("log-level", "loud", "trace, debug"),
                                     ("duplicate-window", "999", "from 1000"), ("listen", "7070", "HOST:PORT")):
            with self.subTest(name, value=value):
                self.fails(2, f"--{name}", f'"{value}"', allowed, flags=[f"--{name}={value}"])
                variable = "LAPSE_" + name.upper().replace("-", "_")
                self.fails(2, f"--{name}", f'"{value}"', allowed, env={variable: value})
        self.fails(2, "--shard", "lapsed --help", flags=["--shard", "2"])
        self.assertFalse(self.data.exists())

    def config(self, text):
        path = pathlib.Path(self.folder.name, "lapse.yaml")
        path.write_text(text)
        return ["--config", str(path)]

    def test_a_config_file_with_a_fault_points_at_its_line(self):
        for text, words in (("settle: 1s\n\nshard: 2\n", ("line 3", '"shard"', "shards")),
                            ("settle: 1s\nshards: {a: 1}\n", ("line 2", "shards")),
                            ("settle: 1s\nshards: [\n", ("line ",)),
                            ("settle: soon\n", ("settle", '"soon"')),
                            ("- settle\n", ("option: value",))):
            with self.subTest(text):
                self.fails(2, *words, flags=self.config(text))
        self.fails(2, "/no/such.yaml", "cannot be read", flags=["--config", "/no/such.yaml"])

    def test_an_option_by_environment_or_file_takes_effect(self):
        old_us = 1_000_000
        for case in ({"env": {"LAPSE_MAX_EVENT_AGE": "1h"}}, {"flags": self.config("max-event-age: 1h\n")}):
            with self.subTest(case), lapsed.serving(api_case.binary(), self.data, **case) as server:
                self.assertEqual([r.field for r in self.send_old(server, old_us)], ["occur_time"])
        overruled = {"env": {"LAPSE_MAX_EVENT_AGE": "0s"}, "flags": self.config("max-event-age: 1h\n")}
        with lapsed.serving(api_case.binary(), self.data, **overruled) as server:
            self.assertEqual(self.send_old(server, old_us), [])

    def send_old(self, server, at_us):
        client = harness.Client(server.address, self.stubs)
        self.addCleanup(client.close)
        return list(client.ingest(client.event("1", "t", "k", at_us=at_us)).rejections)

    def test_the_address_can_come_from_the_environment(self):
        self.assertTrue(self.served({"LAPSE_LISTEN": "127.0.0.1:0"}).startswith("127.0.0.1:"))
        self.assertTrue((self.data / "state.db").is_file())


if __name__ == "__main__":
    api_case.main()
