"""House rules that a compiler does not hold: time comes from the clock, SQL stays in storage, dependencies point one way."""

import pathlib
import re
import sys
import unittest

SOURCE_FOLDERS = ("base", "storage", "monitors", "notifiers", "server", "cli", "bench", "test")

# Who may include what, besides itself, proto and the libraries (design.md: dependencies point one way).
ALLOWED = {
    "base": set(),
    "storage": {"base"},
    "monitors": {"base", "storage"},
    "notifiers": {"base", "storage"},
    "server": {"base", "storage", "monitors", "notifiers"},
    "cli": {"base"},
}

# Concrete classes are named by the composition root alone.
COMPOSITION_ROOTS = {"server/lapse_server.cc"}

CLOCK = re.compile(
    r"(system_clock|steady_clock|high_resolution_clock)::now|absl::Now\(|absl::SleepFor|sleep_for|sleep_until"
    r"|\busleep\(|\bnanosleep\(|\bgettimeofday\(|\bclock_gettime\(|\btime\((NULL|nullptr|0)\)")
SQL = re.compile(r"\b(SELECT\s.*\bFROM|INSERT\s+(OR\s+\w+\s+)?INTO|DELETE\s+FROM|CREATE\s+TABLE|PRAGMA)\b")
INCLUDE = re.compile(r'^#include "(\w+)/([^"]+)"', re.MULTILINE)
MAX_FILE_LINES = 800


def sources(root, endings=(".h", ".cc")):
    for folder in SOURCE_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in endings and "node_modules" not in path.parts:
                yield path.relative_to(root), path.read_text()


def is_test(path):
    return path.parts[0] in ("test", "bench") or path.stem.endswith(("_test", "_contract", "_fixture")) or path.stem.startswith("test_")


class TidyTest(unittest.TestCase):

    def setUp(self):
        # The real tree: every file of it is looked at, also one that no target names.
        self.root = pathlib.Path(SCRIPT).resolve().parents[2]

    def offenders(self, finds):
        return [str(path) for path, text in sources(self.root) if finds(path, text)]

    def test_only_the_clock_reads_time_or_sleeps(self):
        self.assertEqual(self.offenders(
            lambda path, text: str(path) != "base/clock.cc" and CLOCK.search(text)), [])

    def test_sql_stays_in_storage(self):
        self.assertEqual(self.offenders(
            lambda path, text: path.parts[0] != "storage" and not is_test(path) and SQL.search(text)), [])

    def test_dependencies_point_one_way(self):
        wrong = []
        for path, text in sources(self.root):
            own = path.parts[0]
            if own not in ALLOWED or is_test(path):
                continue
            for folder, rest in INCLUDE.findall(text):
                if folder in ALLOWED and folder != own and folder not in ALLOWED[own]:
                    wrong.append(f"{path} includes {folder}/{rest}")
        self.assertEqual(wrong, [])

    def test_only_the_composition_root_names_concrete_storage(self):
        wrong = [f"{path} includes storage/{rest}"
                 for path, text in sources(self.root)
                 if path.parts[0] != "storage" and not is_test(path) and str(path) not in COMPOSITION_ROOTS
                 for folder, rest in INCLUDE.findall(text)
                 if folder == "storage" and rest.startswith(("sqlite/", "memory/"))]
        self.assertEqual(wrong, [])

    def test_no_file_holds_more_than_it_should(self):
        self.assertEqual(self.offenders(lambda path, text: text.count("\n") > MAX_FILE_LINES), [])

    def test_the_rules_find_what_they_look_for(self):
        for line in ("std::chrono::system_clock::now()", "absl::Now()", "std::this_thread::sleep_for(x)", "time(NULL)"):
            self.assertTrue(CLOCK.search(line), line)
        self.assertTrue(SQL.search("SELECT a FROM b"))


if __name__ == "__main__":
    SCRIPT = sys.argv[0]
    unittest.main()
