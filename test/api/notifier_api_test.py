"""NotifierService, with a real SMTP server to send to."""

import grpc

from api import api_case
from harness import mail_sink
from harness.waiting import eventually

NOT_FOUND = grpc.StatusCode.NOT_FOUND
OPS = "notifiers/ops"
SECRET = "Tr0ub4dor-and-3"


class NotifierApiTest(api_case.ApiCase):

    def setUp(self):
        super().setUp()
        self.api = self.stubs["notifier_service_pb2"]
        self.Delivery = self.stubs["notifier_pb2"].Delivery
        self.start()

    def sink(self, *flags):
        sink = mail_sink.MailSink(self.folder.name, flags).start()
        self.addCleanup(sink.stop)
        return sink

    def notifier(self, **fields):
        """One that is never sent to."""
        notifier = self.stubs["notifier_pb2"].Notifier(display_name="Operations", **fields)
        notifier.email.host = "mail.example.com"
        setattr(notifier.email, "from", "lapse@example.com")
        notifier.email.to.append("ops@example.com")
        return notifier

    def create(self, notifier_id="ops", notifier=None, request_id=""):
        return self.client.notifiers.CreateNotifier(self.api.CreateNotifierRequest(
            notifier_id=notifier_id, notifier=notifier or self.notifier(), request_id=request_id))

    def get(self, name=OPS):
        return self.client.notifiers.GetNotifier(self.api.GetNotifierRequest(name=name))

    def list(self, **fields):
        return self.client.notifiers.ListNotifiers(self.api.ListNotifiersRequest(**fields))

    def update(self, notifier, *paths, allow_missing=False):
        request = self.api.UpdateNotifierRequest(notifier=notifier, allow_missing=allow_missing)
        request.update_mask.paths.extend(paths)
        return self.client.notifiers.UpdateNotifier(request)

    def delete(self, name=OPS, **fields):
        return self.client.notifiers.DeleteNotifier(self.api.DeleteNotifierRequest(name=name, **fields))

    def try_out(self, name=OPS):
        return self.client.notifiers.TestNotifier(self.api.TestNotifierRequest(name=name)).result

    def test_created_with_defaults_and_found_again_after_a_restart(self):
        created = self.create()
        self.assertEqual((created.name, created.display_name), (OPS, "Operations"))
        self.assertEqual((created.email.port, created.email.timeout_seconds), (587, 30))
        self.assertEqual(created.email.security, self.stubs["notifier_pb2"].EmailNotifier.SECURITY_STARTTLS)
        self.assertTrue(created.uid and created.etag)
        self.assertEqual(self.get(), created)
        self.start()
        self.assertEqual(self.get(), created)

    def test_a_second_one_of_the_name_is_refused(self):
        created = self.create()
        with self.assertRaises(grpc.RpcError) as raised:
            self.create(notifier=self.notifier())
        self.assertEqual(raised.exception.code(), grpc.StatusCode.ALREADY_EXISTS)
        self.assertEqual(list(self.list().notifiers), [created])

    def test_a_repeated_create_returns_the_first_result(self):
        created = self.create(request_id="r1")
        self.assertEqual(self.create(request_id="r1"), created)
        self.start()
        self.assertEqual(self.create(request_id="r1"), created)
        with self.assertRaises(grpc.RpcError) as raised:
            self.create(request_id="r2")
        self.assertEqual(raised.exception.code(), grpc.StatusCode.ALREADY_EXISTS)
        self.invalid("REQUEST_ID_REUSED", lambda: self.create("other", request_id="r1"))
        self.invalid("REQUEST_ID_TOO_LONG", lambda: self.create("other", request_id="x" * 65))
        self.assertEqual([n.name for n in self.list().notifiers], [OPS])

    def test_listed_by_id_in_pages(self):
        for notifier_id in ("c", "a", "e", "b", "d"):
            self.create(notifier_id)
        found, token = [], ""
        while True:
            page = self.list(page_size=2, page_token=token)
            self.assertLessEqual(len(page.notifiers), 2)
            found += [n.name for n in page.notifiers]
            token = page.next_page_token
            if not token:
                break
        self.assertEqual(found, [f"notifiers/{notifier_id}" for notifier_id in "abcde"])

    def test_an_update_changes_what_its_mask_names(self):
        created = self.create()
        wanted = self.notifier(name=OPS)
        wanted.display_name, wanted.email.host = "Night shift", "ignored.example.com"
        updated = self.update(wanted, "display_name")
        self.assertEqual((updated.display_name, updated.email.host), ("Night shift", "mail.example.com"))
        self.assertNotEqual(updated.etag, created.etag)
        self.assertEqual((updated.uid, updated.create_time), (created.uid, created.create_time))
        self.assertEqual(self.update(wanted, "email.host").email.host, "ignored.example.com")
        self.assertEqual(self.get().display_name, "Night shift")
        with self.assertRaises(grpc.RpcError) as raised:
            self.update(wanted, "no_such_field")
        self.assertEqual(raised.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)

    def test_an_update_without_mask_changes_the_populated_fields(self):
        self.create()
        wanted = self.stubs["notifier_pb2"].Notifier(name=OPS)
        wanted.display_name = "Night shift"
        updated = self.update(wanted)
        self.assertEqual((updated.display_name, updated.email.host), ("Night shift", "mail.example.com"))

    def test_a_stale_etag_is_aborted(self):
        created = self.create()
        wanted = self.notifier(name=OPS, etag=created.etag)
        wanted.display_name = "First"
        current = self.update(wanted)
        wanted.display_name = "Second"
        aborted = grpc.StatusCode.ABORTED
        self.refused(aborted, "ETAG_STALE", lambda: self.update(wanted))
        self.refused(aborted, "ETAG_STALE", lambda: self.delete(etag=created.etag))
        self.assertEqual(self.get(), current)
        self.delete(etag=current.etag)
        self.refused(NOT_FOUND, "NOTIFIER_NOT_FOUND", self.get)

    def test_allow_missing_makes_an_update_create_and_a_delete_succeed(self):
        wanted = self.notifier(name=OPS)
        self.refused(NOT_FOUND, "NOTIFIER_NOT_FOUND", lambda: self.update(wanted))
        made = self.update(wanted, allow_missing=True)
        self.assertEqual(self.get(), made)
        self.delete()
        self.refused(NOT_FOUND, "NOTIFIER_NOT_FOUND", self.delete)
        self.delete(allow_missing=True)

    def test_one_that_a_monitor_names_cannot_be_deleted(self):
        created = self.create()
        monitor = self.client.follow_up("begun", "ended", 60_000, notifiers=[OPS])
        self.client.create_monitor("m", monitor)
        message, _ = self.refused(grpc.StatusCode.FAILED_PRECONDITION, "NOTIFIER_IN_USE", self.delete)
        self.assertIn("monitors/m", message)
        self.assertEqual(self.get(), created)
        self.client.monitors.DeleteMonitor(self.client.monitor_api.DeleteMonitorRequest(name="monitors/m"))
        self.delete()

    def test_a_monitor_with_an_unknown_notifier_is_refused(self):
        monitor = self.client.follow_up("begun", "ended", 60_000, notifiers=["notifiers/absent"])
        message = self.invalid("NOTIFIER_UNKNOWN", lambda: self.client.create_monitor("m", monitor))[0]
        self.assertIn("notifiers/absent", message)
        found = self.client.monitors.ListMonitors(self.client.monitor_api.ListMonitorsRequest())
        self.assertEqual(list(found.monitors), [])

    def test_a_test_message_is_sent_at_once(self):
        sink = self.sink()
        self.create(notifier=sink.notifier(self.stubs))
        result = self.try_out()
        self.assertEqual((result.error, result.status_code), ("", 250))
        self.assertGreaterEqual(result.end_time.ToMicroseconds(), result.start_time.ToMicroseconds())
        self.assertEqual([m["To"] for m in sink.wait_for(1)], ["ops@example.com"])

    def test_a_test_message_that_fails_is_a_result(self):
        sink = self.sink()
        password = self.folder.name + "/wrong"
        with open(password, "w") as file:
            file.write(SECRET)
        self.create(notifier=sink.notifier(self.stubs, password_ref=f"file:{password}"))
        result = self.try_out()
        self.assertEqual(result.status_code, 535)
        self.assertTrue(result.error)
        self.assertNotIn(SECRET, result.error)
        self.assertEqual(sink.mails(), [])
        self.refused(NOT_FOUND, "NOTIFIER_NOT_FOUND", lambda: self.try_out("notifiers/absent"))

    def test_a_password_itself_is_refused_and_told_to_nobody(self):
        notifier = self.notifier()
        notifier.email.username, notifier.email.password_ref = "lapse", SECRET
        with self.assertRaises(grpc.RpcError) as raised:
            self.create(notifier=notifier)
        error = raised.exception
        self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
        told = api_case.details(error)
        self.assertEqual(told["ErrorInfo"].reason, "SECRET_REF_INVALID")
        self.assertEqual(told["BadRequest"].field_violations[0].field, "notifier.email.password_ref")
        self.assertIn("file:/path or env:NAME", error.details())
        self.assertNotIn(SECRET, repr(error) + str(told))
        self.assertEqual(self.server.stop(), 0)
        self.assertNotIn(SECRET, "".join(self.server.log))

    def test_deliveries_are_listed_by_state_and_alert(self):
        sink = self.sink("--refuse", "gone@example.com")
        self.create("ok", sink.notifier(self.stubs))
        dead = sink.notifier(self.stubs)
        dead.email.to[:] = ["gone@example.com"]
        self.create("dead", dead)
        self.client.create_monitor(
            "m", self.client.follow_up("begun", "ended", 100, notifiers=["notifiers/ok", "notifiers/dead"]))
        self.client.ingest(self.client.event("1", "begun", "a"), self.client.event("2", "begun", "b"))
        every = self.Delivery.STATE_SENT, self.Delivery.STATE_DEAD
        eventually(lambda: len(self.deliveries(states=every)) == 4)
        for states, count in ((every[:1], 2), (every[1:], 2), ((self.Delivery.STATE_PENDING,), 0), ((), 4)):
            found = self.deliveries(states=states)
            self.assertEqual(len(found), count, states)
            self.assertLessEqual({d.state for d in found}, set(states or every))
        self.assertEqual({d.name.rpartition("/deliveries/")[0] for d in self.deliveries(states=every[:1])},
                         {"notifiers/ok"})
        self.assertEqual(len(self.deliveries(parent="notifiers/dead")), 2)
        alert = next(a.name for a in self.client.list_alerts() if a.key == "a")
        self.assertEqual({d.alert for d in self.deliveries(alert=alert)}, {alert})
        self.assertEqual([d.name for d in self.deliveries(page_size=1)], [d.name for d in self.deliveries()])
        self.invalid("STATE_INVALID", lambda: self.deliveries(states=[0]))

    def deliveries(self, parent="notifiers/-", **fields):
        return self.client.list_deliveries(parent=parent, **fields)


if __name__ == "__main__":
    api_case.main()
