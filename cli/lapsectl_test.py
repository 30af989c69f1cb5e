"""Every command of lapsectl against the real server: lapsectl_test.py LAPSECTL LAPSED."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

from harness import mail_sink
from harness.waiting import eventually

READY = re.compile(r"^lapsed: serving on (\S+)$", re.MULTILINE)
WAIT_SECONDS = 60

MONITOR = """\
kind: Monitor
id: order-delivered
severity: critical
follow_up:
  primary: {event_type: order_created, key_attribute: order_id}
  secondary: {event_type: order_delivered, key_attribute: order_id}
  within: 1h
"""


class Server:
    """lapsed on a folder; listens on the same port again after a restart."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.address = "127.0.0.1:0"

    def start(self):
        self.log = self.folder / "lapsed.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [LAPSED, "--data-folder", str(self.folder / "data"), "--listen", self.address, "--settle", "0s"],
                stdout=log, stderr=log)
        self.address = eventually(lambda: READY.search(self.log.read_text())).group(1)
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()


class LapsectlTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.server = Server(folder.name).start()
        self.addCleanup(lambda: self.server.kill())

    def environment(self):
        return dict(os.environ, LAPSE_SERVER=self.server.address, TZ="UTC")

    def run_raw(self, *arguments, stdin=""):
        return subprocess.run([LAPSECTL, *arguments], input=stdin, capture_output=True, text=True,
                              env=self.environment(), timeout=WAIT_SECONDS)

    def ok(self, *arguments, stdin=""):
        """Standard output of a command that succeeds."""
        ran = self.run_raw(*arguments, stdin=stdin)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return ran.stdout

    def data(self, *arguments):
        return json.loads(self.ok(*arguments, "-o", "json"))

    def fails(self, code, *arguments, stdin=""):
        """Standard error of a command that fails with exit code `code`."""
        ran = self.run_raw(*arguments, stdin=stdin)
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return ran.stderr

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def create_monitor(self, within="1h", *flags):
        self.ok("monitors", "create", "order-delivered", "--primary", "order_created", "--secondary", "order_delivered",
                "--key", "order_id", "--within", within, *flags)

    def send(self, event_type, key):
        self.ok("send", "--type", event_type, "--key", f"order_id={key}")

    def firing(self):
        return eventually(lambda: self.data("alerts", "list", "--state", "firing"))

    # send, events, types

    def test_sends_one_event_and_tells_a_duplicate(self):
        once = ("send", "--type", "order_created", "--source", "shop", "--id", "1", "--key", "order_id=17")
        self.assertEqual(self.ok(*once, "amount=12.5", "paid=true", "count:double=3"),
                         "Accepted order_created as event 1.\n")
        self.assertEqual(self.ok(*once, "amount=12.5", "paid=true", "count:double=3"),
                         "A duplicate of event 1; nothing changed.\n")
        self.assertEqual(self.ok(*once), "A duplicate of event 1, with different content; nothing changed.\n")
        [event] = self.data("events")
        self.assertEqual(event["attributes"], {
            "order_id": {"stringValue": "17"}, "amount": {"doubleValue": 12.5}, "paid": {"boolValue": True},
            "count": {"doubleValue": 3}})

    def test_shows_why_an_event_is_refused(self):
        error = self.fails(1, "send", "--type", "a", "--time", "1969-12-31T00:00:00Z")
        self.assertIn("[OCCUR_TIME_BEFORE_1970]", error)
        self.assertIn("occur_time", error)

    def test_sends_a_file_and_names_rejected_lines(self):
        events = [json.dumps({"type": "ping", "id": str(i), "attributes": {"n": i}}) for i in range(5000)]
        events[1233] = '{"type": ""}'
        events[4321] = "no json"
        path = self.file("events.jsonl", "\n".join(events))
        ran = self.run_raw("send", "-f", path)
        self.assertEqual((ran.returncode, ran.stdout), (1, "4,998 accepted, 0 duplicates, 2 rejected.\n"))
        self.assertRegex(ran.stderr, r"line 1234: .*\[TYPE_MISSING\]\nline 4322: not an event in JSON")
        again = self.run_raw("send", "-f", path, "-o", "json", "--from-line", "4323", "--batch-size", "7")
        self.assertEqual(json.loads(again.stdout),
                         {"accepted": 0, "duplicates": 678, "conflicting": 0, "rejected": 0})

    def test_sends_what_comes_slowly_at_once(self):
        sender = subprocess.Popen([LAPSECTL, "send", "-f", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True, env=self.environment())
        for count in (1, 2):
            sender.stdin.write('{"type": "ping"}\n')
            sender.stdin.flush()
            eventually(lambda count=count: len(self.data("events")) == count)
        out, _ = sender.communicate(timeout=WAIT_SECONDS)
        self.assertEqual((sender.returncode, out), (0, "2 accepted, 0 duplicates, 0 rejected.\n"))

    def test_lists_events_by_filter_and_order(self):
        lines = "".join(f'{{"type":"ping","source":"s{i % 2}","id":"{i}","attributes":{{"n":{i}}},'
                        f'"occurTime":"2024-01-01T00:00:{i:02}Z"}}\n' for i in range(20))
        self.ok("send", "-f", "-", stdin=lines)

        def ids(*arguments):
            return [event["id"] for event in self.data("events", *arguments)]

        self.assertEqual(ids("-n", "3"), ["0", "1", "2"])
        self.assertEqual(ids("-n", "2", "--newest-first"), ["19", "18"])
        self.assertEqual(ids("--filter", "attributes.n > 15 OR attributes.n = 1", "--source", "s1"), ["1", "17", "19"])
        self.assertEqual(ids("--since", "2024-01-01T00:00:05Z", "--until", "2024-01-01T00:00:07Z"), ["5", "6"])
        self.assertEqual(len(ids("--all")), 20)
        self.assertEqual(ids("--type", "pong"), [])
        self.assertIn("There are more.", self.run_raw("events", "-n", "19").stderr)
        self.assertNotIn("There are more.", self.run_raw("events", "-n", "20").stderr)
        table = self.ok("events", "-n", "1").splitlines()
        self.assertEqual(table[0], "SEQUENCE  TIME                 TYPE  SOURCE  ID  ATTRIBUTES")
        self.assertEqual(table[1], "       1  2024-01-01 00:00:00  ping  s0      0   n=0")
        [event] = self.data("types")
        self.assertEqual((event["type"], event["eventCount"], event["attributes"]),
                         ("ping", "20", [{"name": "n", "kinds": ["KIND_INT64"]}]))

    def test_points_at_the_column_of_a_bad_filter(self):
        self.assertIn("filter, column 8: ", self.fails(1, "events", "--filter", "type = = x"))
        self.assertIn("unknown field \"typ\"", self.fails(1, "alerts", "list", "--filter", "typ = x"))

    # monitors, apply, expectations

    def test_creates_reads_changes_and_deletes_a_monitor(self):
        self.assertIn("There is no monitor yet.", self.run_raw("monitors", "list").stderr)
        self.create_monitor("45m", "--label", "team=fulfilment", "--severity", "critical", "--cancel", "order_cancelled",
                            "--secondary-filter", 'source = "courier"', "--on-repeat", "restart")
        monitor = self.data("monitors", "get", "order-delivered")
        rule = monitor["followUp"]
        self.assertEqual((rule["within"], rule["onRepeat"], rule["secondary"]["filter"], rule["cancel"]["keyAttribute"]),
                         ("2700s", "ON_REPEAT_RESTART", 'source = "courier"', "order_id"))
        self.assertEqual((monitor["labels"], monitor["severity"]), ({"team": "fulfilment"}, "SEVERITY_CRITICAL"))
        self.assertIn("[MONITOR_EXISTS]", self.fails(
            5, "monitors", "create", "order-delivered", "--primary", "a", "--secondary", "b", "--key", "k", "--within",
            "1s"))

        self.ok("monitors", "update", "monitors/order-delivered", "--within", "1h", "--label", "city=Pune",
                "--remove-label", "team", "--no-cancel")
        changed = self.data("monitors", "get", "order-delivered")
        self.assertEqual((changed["followUp"]["within"], changed["labels"], changed["revision"]),
                         ("3600s", {"city": "Pune"}, "2"))
        self.assertNotIn("cancel", changed["followUp"])
        self.assertEqual(changed["followUp"]["onRepeat"], "ON_REPEAT_RESTART")
        self.assertIn("[ETAG_STALE]", self.fails(
            5, "monitors", "update", "order-delivered", "--etag", monitor["etag"], "--within", "2h"))

        self.assertTrue(self.data("monitors", "disable", "order-delivered")["disabled"])
        self.assertFalse(self.data("monitors", "enable", "order-delivered")["disabled"])
        self.assertRegex(self.ok("monitors", "list"), r"order-delivered  enabled  critical  order_delivered within 1h of")
        self.ok("monitors", "delete", "order-delivered")
        self.assertIn("[MONITOR_NOT_FOUND]", self.fails(4, "monitors", "delete", "order-delivered"))
        self.ok("monitors", "delete", "order-delivered", "--allow-missing")
        self.assertEqual(self.data("monitors", "list"), [])

    def test_applies_files_and_tells_what_changed(self):
        path = self.file("m.yaml", MONITOR)
        self.assertEqual(self.ok("apply", "-f", path, "--dry-run"), "monitors/order-delivered would be created\n")
        self.assertEqual(self.data("monitors", "list"), [])
        self.assertEqual(self.ok("apply", "-f", path), "monitors/order-delivered created\n")
        self.assertEqual(self.ok("apply", "-f", path), "monitors/order-delivered unchanged\n")
        self.assertEqual(self.ok("apply", "-f", "-", stdin=MONITOR.replace("1h", "2h")),
                         "monitors/order-delivered updated\n")
        self.assertEqual(self.data("apply", "-f", path), [{"name": "monitors/order-delivered", "result": "updated"}])
        self.assertEqual(self.ok("apply", "-f", "-", stdin=MONITOR + "disabled: true\n"),
                         "monitors/order-delivered updated\n")
        # What a file does not say of `disabled` stays; what it leaves out otherwise goes back to its default.
        self.assertEqual(self.ok("apply", "-f", "-", stdin=MONITOR.replace("severity: critical\n", "")),
                         "monitors/order-delivered updated\n")
        monitor = self.data("monitors", "get", "order-delivered")
        self.assertEqual((monitor["disabled"], monitor["severity"]), (True, "SEVERITY_WARNING"))
        self.assertEqual(self.ok("apply", "-f", "-", stdin=self.ok("monitors", "list", "-o", "yaml")),
                         "monitors/order-delivered unchanged\n")

    def test_a_bad_file_has_no_partial_effect(self):
        second = MONITOR.replace("order-delivered", "second")
        self.ok("apply", "-f", "-", stdin=second)
        stale = self.data("monitors", "get", "second")["etag"] + "x"
        cases = [
            (2, second.replace("within", "withn"), 'm.yaml:15: unknown field "withn" in follow_up (did you mean "within"?)'),
            (2, second.replace("1h", "0s"), "m.yaml:15: follow_up.within must be over 0"),
            (2, second.replace("1h", "soon"), 'm.yaml:15: follow_up.within: "soon" is no duration'),
            (2, second + "labels: {a: b", "m.yaml:"),
            (2, MONITOR, "m.yaml:9: monitors/order-delivered is given already in line 1"),
            (1, second.replace("order_id}", "order_id, filter: 'type =='}", 1), "m.yaml:13: monitors/second: filter, column"),
            (4, second + "notifiers: [nobody]\n", "m.yaml:16: monitors/second names notifiers/nobody: "),
            (5, second + f"etag: {stale}\n", "m.yaml:16: monitors/second has changed since this file was read"),
        ]
        for code, document, message in cases:
            path = self.file("m.yaml", MONITOR + "---\n" + document)
            self.assertIn(message, self.fails(code, "apply", "-f", path))
        self.assertEqual([m["name"] for m in self.data("monitors", "list")], ["monitors/second"])

    def test_shows_expectations_and_books(self):
        self.create_monitor()
        for key in ("A-17", "A-18"):
            self.send("order_created", key)
        self.send("order_delivered", "A-17")

        def verdicts(*arguments):
            return [(e["key"], e["verdict"]) for e in self.data("expectations", "order-delivered", *arguments)]

        eventually(lambda: ("A-17", "VERDICT_MET") in verdicts())
        self.assertEqual(sorted(verdicts()), [("A-17", "VERDICT_MET"), ("A-18", "VERDICT_PENDING")])
        self.assertEqual(verdicts("--verdict", "pending"), [("A-18", "VERDICT_PENDING")])
        self.assertEqual(verdicts("--verdict", "met", "--verdict", "late"), [("A-17", "VERDICT_MET")])
        self.assertEqual(verdicts("--key", "A-18"), [("A-18", "VERDICT_PENDING")])
        [stats] = self.data("monitors", "stats", "order-delivered")
        self.assertEqual((stats["opened"], stats["met"], stats["pending"], stats["missed"]), ("2", "1", "1", "0"))
        self.assertRegex(self.ok("monitors", "stats"), r"order-delivered +2 +1 +0 +0 +0 +0 +0 +1 ")
        self.assertIn("[MONITOR_NOT_FOUND]", self.fails(4, "expectations", "nothing"))

    # alerts

    def test_lists_shows_and_closes_alerts(self):
        self.create_monitor("200ms")
        self.send("order_created", "A-17")
        [alert] = self.firing()
        self.assertRegex(self.ok("alerts", "list", "--monitor", "order-delivered", "--key", "A-17"),
                         r"FIRING  order-delivered  A-17  \S+  no order_delivered, due \d\d:\d\d:\d\d\n")
        self.assertEqual(self.data("alerts", "list", "--key", "other"), [])
        self.assertIn("state    ", self.ok("alerts", "get", alert["name"]))
        closed = self.data("alerts", "close", alert["name"].split("/")[1], "--note", "refunded")
        self.assertEqual((closed["state"], closed["reason"], closed["closeNote"]),
                         ("STATE_RESOLVED", "REASON_CLOSED_BY_HAND", "refunded"))
        self.assertIn("[ALERT_RESOLVED]", self.fails(1, "alerts", "close", alert["name"]))
        self.assertIn("[ALERT_NOT_FOUND]", self.fails(4, "alerts", "get", "nothing"))
        self.assertIn("No alert is firing.", self.ok("status"))

    def start_watch(self, *arguments):
        """A watch in JSON whose lines go to a file; returns the process and a function that reads the items."""
        path = self.folder / f"watch{len(arguments)}"
        with open(path, "wb") as out:
            watch = subprocess.Popen([LAPSECTL, "alerts", "watch", "-o", "json", *arguments], stdout=out,
                                     stderr=subprocess.DEVNULL, env=self.environment())
        self.addCleanup(lambda: (watch.kill(), watch.wait()))
        return watch, lambda: [json.loads(line) for line in path.read_text().splitlines()]

    def test_watches_over_a_killed_server(self):
        self.create_monitor("100ms")
        watch, items = self.start_watch()
        eventually(lambda: any("synced" in item for item in items()))
        self.send("order_created", "A-1")
        eventually(lambda: any("change" in item for item in items()))
        self.server.kill()
        self.server.start()
        self.send("order_delivered", "A-1")
        self.send("order_created", "A-2")
        changes = eventually(lambda: [c for c in ([i["change"] for i in items() if "change" in i],) if len(c) == 3])[0]
        self.assertEqual([(c["alert"]["key"], c["alert"]["reason"]) for c in changes], [
            ("A-1", "REASON_DEADLINE_PASSED"), ("A-1", "REASON_FOLLOWED_LATE"), ("A-2", "REASON_DEADLINE_PASSED")])
        watch.send_signal(signal.SIGINT)
        self.assertEqual(watch.wait(WAIT_SECONDS), 0)

        resumed = self.ok("alerts", "watch", "--since", changes[0]["cursor"], "-n", "2", "-o", "json").splitlines()
        self.assertEqual([json.loads(line) for line in resumed], [{"change": c} for c in changes[1:]])
        self.assertIn("[CURSOR_", self.fails(1, "alerts", "watch", "--since", "nonsense"))

    def test_watch_prints_a_line_for_people(self):
        self.create_monitor("100ms")
        self.send("order_created", "A-1")
        self.firing()
        ran = self.run_raw("alerts", "watch", "-n", "1")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertRegex(ran.stdout, r"^\d\d:\d\d:\d\d  FIRING    order-delivered  A-1  no order_delivered, due .*  alerts/")

    # notifiers

    def test_manages_and_tests_a_notifier(self):
        sink = mail_sink.MailSink(str(self.folder)).start()
        self.addCleanup(sink.stop)
        self.ok("notifiers", "create", "ops", "--host", "127.0.0.1", "--port", str(sink.port), "--username",
                mail_sink.USER, "--password-ref", f"file:{sink.password_file}", "--ca-file", str(sink.cert), "--from",
                "lapse@example.com", "--to", "a@example.com", "--to", "b@example.com")
        self.assertEqual(self.data("notifiers", "get", "ops")["email"]["to"], ["a@example.com", "b@example.com"])
        self.assertRegex(self.ok("notifiers", "test", "ops"), r"^Test message sent in .*\(250\)\n$")
        self.create_monitor("100ms", "--notifier", "ops")
        self.send("order_created", "A-1")
        [alert] = self.firing()
        sent = eventually(lambda: self.data("notifiers", "deliveries", "ops", "--state", "sent"))
        self.assertEqual([d["alert"] for d in sent], [alert["name"]])
        self.assertEqual(self.data("notifiers", "deliveries", "--alert", alert["name"]), sent)
        self.assertEqual(self.data("notifiers", "deliveries", "--state", "dead"), [])

        self.ok("notifiers", "update", "ops", "--to", "c@example.com", "--security", "none", "--display-name", "Ops")
        notifier = self.data("notifiers", "get", "ops")
        self.assertEqual((notifier["displayName"], notifier["email"]["to"], notifier["email"]["username"]),
                         ("Ops", ["c@example.com"], mail_sink.USER))
        self.assertRegex(self.fails(1, "notifiers", "test", "ops"), "The test message was not sent.")
        self.assertIn("[NOTIFIER_IN_USE]", self.fails(1, "notifiers", "delete", "ops"))
        self.assertEqual(self.ok("apply", "-f", "-", stdin=self.ok("notifiers", "get", "ops", "-o", "yaml")),
                         "notifiers/ops unchanged\n")
        self.ok("monitors", "update", "order-delivered", "--no-notifiers")
        self.ok("notifiers", "delete", "ops")
        self.assertEqual(self.data("notifiers", "list"), [])

    # status and the rest

    def test_status_shows_health_books_and_firing_alerts(self):
        self.assertIn("There is no monitor yet.", self.ok("status"))
        self.create_monitor("100ms")
        self.send("order_created", "A-1")
        self.firing()
        table = self.ok("status")
        self.assertRegex(table, r"lapse.v1.EventService +SERVING\n")
        self.assertRegex(table, r"order-delivered +1 +0 +0 +1 ")
        self.assertIn("1 alert is firing.", table)
        status = self.data("status")
        self.assertEqual((status["firingAlerts"], status["services"]["lapse.v1.AlertService"]), (1, "SERVING"))
        self.assertEqual(status["monitors"][0]["missed"], "1")
        self.assertIn("monitors:\n  - monitor: monitors/order-delivered\n    log_position: ", self.ok("status", "-o", "yaml"))

    def test_tells_that_the_server_is_gone(self):
        self.server.kill()
        error = self.fails(3, "status")
        self.assertEqual(error, f"No Lapse server answers at {self.server.address}. Start one with ./dev run, or name "
                                "another with --server.\n")
        self.assertEqual(self.run_raw("send", "-f", "-", stdin='{"type":"a"}\n').stdout, "")


if __name__ == "__main__":
    LAPSECTL, LAPSED = (os.path.abspath(path) for path in sys.argv[1:3])
    del sys.argv[1:3]
    unittest.main()
