"""EventService: taking events in, and what is known of their types."""

import queue

import grpc

from api import api_case
from harness.waiting import eventually


class Batches:
    """The client's side of one IngestEventStream."""

    def __init__(self, client):
        self.api = client.event_api
        self.out = queue.Queue()
        self.answers = client.events.IngestEventStream(iter(self.out.get, None), timeout=api_case.PATIENCE_SECONDS)

    def send(self, number, *events):
        self.out.put(self.api.IngestEventStreamRequest(batch_number=number, events=events))

    def end(self):
        self.out.put(None)
        return list(self.answers)


class EventApiTest(api_case.ApiCase):

    def setUp(self):
        super().setUp()
        self.start()

    def test_an_empty_batch_is_refused(self):
        _, fields = self.invalid("BATCH_EMPTY", lambda: self.client.ingest())
        self.assertEqual(fields, ["events"])

    def test_a_batch_tells_where_each_event_stands(self):
        event = self.client.event
        self.client.ingest(event("0", "t", "k"))
        answer = self.client.ingest(event("1", "t", "k"), event("", "", "k"), event("0", "t", "k"),
                                    event("2", "t", "k"), event("1", "t", "other"))
        self.assertEqual(list(answer.sequences), [2, 0, 1, 3, 2])
        self.assertEqual(answer.first_sequence, 2)
        self.assertEqual((answer.accepted_count, answer.duplicate_count, answer.conflicting_count), (2, 2, 1))
        self.assertEqual([(r.index, r.field) for r in answer.rejections], [(1, "type")])

    def test_a_batch_of_copies_has_no_first_sequence(self):
        copy = self.client.event("1", "t", "k")
        self.client.ingest(copy)
        answer = self.client.ingest(copy, copy)
        self.assertEqual((answer.accepted_count, answer.duplicate_count, answer.first_sequence), (0, 2, 0))
        self.assertEqual(answer.conflicting_count, 0)

    def test_a_single_copy_with_other_content_is_conflicting(self):
        first = self.client.send("1", "t", "k")
        same, other = self.client.send("1", "t", "k"), self.client.send("1", "t", "changed")
        self.assertEqual((first.sequence, first.duplicate, first.conflicting), (1, False, False))
        self.assertEqual((same.sequence, same.duplicate, same.conflicting), (1, True, False))
        self.assertEqual((other.sequence, other.duplicate, other.conflicting), (1, True, True))
        self.assertEqual([e.attributes["order_id"].string_value for e in self.client.list_events()], ["k"])

    def test_stream_answers_come_in_the_order_of_the_batches(self):
        batches = Batches(self.client)
        for number in range(1, 201):
            batches.send(number, *[self.client.event(f"{number}-{i}", "t", "k") for i in range(5)])
        answers = batches.end()
        self.assertEqual([a.batch_number for a in answers], list(range(1, 201)))
        self.assertEqual({a.status.code for a in answers}, {0})
        self.assertEqual([s for a in answers for s in a.result.sequences], list(range(1, 1001)))

    def test_a_batch_number_that_does_not_rise_is_refused_in_band_and_later_batches_go_on(self):
        batches = Batches(self.client)
        for event_id, number in enumerate((7, 7, 3, 8)):
            batches.send(number, self.client.event(str(event_id), "t", "k"))
        answers = batches.end()
        self.assertEqual([a.batch_number for a in answers], [7, 7, 3, 8])
        self.assertEqual([a.status.code for a in answers], [0, 3, 3, 0])
        for refused in answers[1:3]:
            self.assertEqual(self.reason(refused), "BATCH_NUMBER_NOT_RISING")
            self.assertIn("7", refused.status.message)
            self.assertFalse(refused.HasField("result"))
        self.assertEqual([e.id for e in self.client.list_events()], ["0", "3"])

    def reason(self, answer):
        return api_case.status_details(answer.status)["ErrorInfo"].reason

    def test_a_refused_batch_does_not_stop_later_ones(self):
        large = self.client.event("large", "t", "k")
        large.attributes["text"].string_value = "x" * 4_096
        batches = Batches(self.client)
        batches.send(1, self.client.event("1", "t", "k"))
        batches.send(2)
        batches.send(3, *[large] * 1_100)
        batches.send(4, *[self.client.event("", "t", "k")] * 10_001)
        batches.send(5, self.client.event("2", "", "k"))
        batches.send(6, self.client.event("3", "t", "k"))
        answers = batches.end()
        self.assertEqual([a.status.code for a in answers], [0, 3, 3, 3, 0, 0])
        self.assertEqual([self.reason(a) for a in answers[1:4]],
                         ["BATCH_EMPTY", "REQUEST_TOO_LARGE", "BATCH_TOO_MANY_EVENTS"])
        self.assertEqual([r.reason for r in answers[4].result.rejections], ["TYPE_MISSING"])
        self.assertEqual(answers[5].result.accepted_count, 1)
        self.assertEqual([e.id for e in self.client.list_events()], ["1", "3"])


class MalformedTest(api_case.ApiCase):
    """Bytes that are no message of the method are refused by name."""

    def refused(self, error):
        self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual(api_case.details(error)["ErrorInfo"].reason, "REQUEST_MALFORMED")

    def test_unary(self):
        self.start()
        for method in ("IngestEvent", "BatchIngestEvents"):
            call = self.client.channel.unary_unary(f"/lapse.v1.EventService/{method}")
            with self.assertRaises(grpc.RpcError) as caught:
                call(b"\x12\x7fshort")
            self.refused(caught.exception)

    def test_stream_answers_what_came_before(self):
        self.start()
        batch = self.client.event_api.IngestEventStreamRequest(
            batch_number=1, events=[self.client.event("1", "t", "k")])
        call = self.client.channel.stream_stream("/lapse.v1.EventService/IngestEventStream")
        answers = call(iter([batch.SerializeToString(), b"\xff"]))
        answer = self.client.event_api.IngestEventStreamResponse.FromString(next(answers))
        self.assertEqual((answer.batch_number, answer.result.accepted_count), (1, 1))
        with self.assertRaises(grpc.RpcError) as caught:
            next(answers)
        self.refused(caught.exception)


class EventTypesTest(api_case.ApiCase):

    def types(self, **fields):
        return self.client.events.ListEventTypes(self.client.event_api.ListEventTypesRequest(**fields))

    def counts(self):
        return {t.type: t.event_count for t in self.types().event_types}

    def fill(self):
        """Three types; `b` with attributes of every kind, one of them of two."""
        one, two = self.client.event("1", "b", "k"), self.client.event("2", "b", "k")
        one.attributes["mixed"].int64_value = 1
        one.attributes["flag"].bool_value = True
        two.attributes["mixed"].double_value = 0.5
        self.client.ingest(one, two, self.client.event("3", "c", None), self.client.event("4", "a", "k"))
        # A copy is no further event.
        self.client.ingest(one)
        eventually(lambda: self.counts() == {"a": 1, "b": 2, "c": 1})

    def test_types_are_listed_by_name_with_attributes_kinds_and_counts(self):
        self.start()
        self.fill()
        found = self.types().event_types
        self.assertEqual([t.type for t in found], ["a", "b", "c"])
        kind = self.client.event_api.AttributeType
        self.assertEqual([(a.name, list(a.kinds)) for a in found[1].attributes],
                         [("flag", [kind.KIND_BOOL]), ("mixed", [kind.KIND_INT64, kind.KIND_DOUBLE]),
                          ("order_id", [kind.KIND_STRING])])
        self.assertEqual(list(found[2].attributes), [])
        first_us, last_us = self.seen(found[1])
        self.client.send("5", "b", "k")
        eventually(lambda: self.counts()["b"] == 3)
        again_us, later_us = self.seen(self.types().event_types[1])
        self.assertEqual(again_us, first_us)
        self.assertGreater(later_us, last_us)
        stored = {e.id: e.ingest_time.ToMicroseconds() for e in self.client.list_events()}
        self.assertEqual((again_us, later_us), (stored["1"], stored["5"]))

    @staticmethod
    def seen(event_type):
        return event_type.first_seen_time.ToMicroseconds(), event_type.last_seen_time.ToMicroseconds()

    def test_types_are_listed_in_pages(self):
        self.start()
        self.fill()
        names, token = [], ""
        while True:
            page = self.types(page_size=2, page_token=token)
            self.assertLessEqual(len(page.event_types), 2)
            names += [t.type for t in page.event_types]
            token = page.next_page_token
            if not token:
                break
        self.assertEqual(names, ["a", "b", "c"])
        self.invalid("PAGE_TOKEN_INVALID", lambda: self.types(page_token="x"))

    def test_types_are_kept_through_kill_and_restart(self):
        self.start()
        self.fill()
        before = list(self.types().event_types)
        for _ in range(2):
            self.start()
            self.assertEqual(list(self.types().event_types), before)
        self.client.send("6", "c", None)
        eventually(lambda: self.counts() == {"a": 1, "b": 2, "c": 2})


if __name__ == "__main__":
    api_case.main()
