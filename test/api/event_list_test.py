"""EventService.ListEvents: order, filters, pages and indexes."""

from api import api_case

# 2023; a second apart, so that every order is by time and not by arrival.
START_US = 1_700_000_000_000_000
SECOND_US = 1_000_000


class EventListTest(api_case.ApiCase):

    def page(self, **fields):
        return self.client.events.ListEvents(self.client.event_api.ListEventsRequest(**fields))

    def pages(self, **fields):
        """The ids of each page."""
        found, token = [], ""
        while True:
            page = self.page(page_token=token, **fields)
            found.append([e.id for e in page.events])
            token = page.next_page_token
            if not token:
                return found

    def send_at(self, *ids_and_seconds):
        self.client.ingest(*[self.client.event(event_id, "t", f"k{event_id}", at_us=START_US + at * SECOND_US)
                             for event_id, at in ids_and_seconds])

    def ids(self, **fields):
        return [e.id for e in self.client.list_events(**fields)]

    def test_order_is_by_occur_time_with_ties_by_sequence_either_way(self):
        self.start()
        self.send_at(("late", 9), ("tie1", 5), ("early", 1))
        self.send_at(("tie2", 5), ("tie3", 5))
        ascending = ["early", "tie1", "tie2", "tie3", "late"]
        self.assertEqual(self.ids(), ascending)
        self.assertEqual(self.ids(order_by="occur_time"), ascending)
        self.assertEqual(self.ids(order_by="occur_time desc"), ascending[::-1])
        # Pages cut the ties and still keep the order.
        for order in ("occur_time", "occur_time desc"):
            cut = [event_id for page in self.pages(order_by=order, page_size=1) for event_id in page]
            self.assertEqual(cut, self.ids(order_by=order))

    def test_a_page_of_large_events_passes_the_limit_that_clients_have_by_default(self):
        self.start()
        for i in range(60):
            event = self.client.event(f"{i:02d}", "t", "k", at_us=START_US + i // 2 * SECOND_US)
            for name in range(60):
                event.attributes[f"text{name}"].string_value = "x" * 4_096
            self.client.ingest(event)
        expected = [f"{i:02d}" for i in range(60)]
        pages = self.pages(page_size=1_000)
        self.assertEqual([event_id for page in pages for event_id in page], expected)
        self.assertGreater(len(pages), 1)
        self.assertEqual([i for page in self.pages(page_size=1_000, order_by="occur_time desc") for i in page], expected[::-1])

    def test_an_unknown_order_is_refused(self):
        self.start()
        for order in ("type", "occur_time down", "occur_time,type"):
            with self.subTest(order):
                message, fields = self.invalid("ORDER_UNKNOWN", lambda: self.page(order_by=order))
                self.assertEqual(fields, ["order_by"])
                self.assertIn(order, message)

    def test_a_bad_filter_points_at_its_column(self):
        self.start()
        for text, reason, column in (('type = "a" AND colour = 1', "FILTER_FIELD_UNKNOWN", 16),
                                     ('type = "a" AND source =', "FILTER_SYNTAX", 24),
                                     ('occur_time > "noon"', "FILTER_VALUE_INVALID", 14)):
            with self.subTest(text):
                message, fields = self.invalid(reason, lambda: self.page(filter=text))
                self.assertEqual(fields, ["filter"])
                self.assertIn(f"column {column}", message)

    def test_a_filter_selects(self):
        self.start()
        self.send_at(("1", 1), ("2", 2), ("3", 3))
        other = self.client.event("4", "u", None, at_us=START_US, source="shop")
        other.attributes["amount"].int64_value = 120
        self.client.ingest(other)
        for text, expected in (('source = "shop"', ["4"]), ('type = "t" AND attributes.order_id = "k2"', ["2"]),
                               ("attributes.amount > 100", ["4"]), ("attributes.amount > 120", []),
                               ('occur_time >= "2023-11-14T22:13:22Z"', ["2", "3"]),
                               ("sequence <= 2", ["1", "2"])):
            with self.subTest(text):
                self.assertEqual(self.ids(filter=text), expected)

    def test_pages_are_complete_without_repeats_and_fix_the_highest_sequence(self):
        self.start()
        for batch in range(10):
            # Falling times, so that the order is not that of arrival.
            self.send_at(*[(f"{batch}-{i}", 1_000 - batch * 10 - i) for i in range(10)])
        for order in ("occur_time", "occur_time desc"):
            with self.subTest(order):
                expected = self.ids(order_by=order)
                self.assertEqual(len(set(expected)), len(expected))
                first = self.page(page_size=7, order_by=order)
                found = [e.id for e in first.events]
                self.assertEqual(len(found), 7)
                token = first.next_page_token
                self.send_at((f"{order}-before", 0), (f"{order}-between", 950), (f"{order}-after", 2_000))
                while token:
                    page = self.page(page_size=7, order_by=order, page_token=token)
                    found += [e.id for e in page.events]
                    token = page.next_page_token
                self.assertEqual(found, expected)
                self.assertEqual(len(self.ids()), len(expected) + 3)

    def test_a_page_token_goes_on_after_a_restart(self):
        self.start()
        self.send_at(*[(str(i), i) for i in range(5)])
        first = self.page(page_size=2)
        self.start()
        second = self.page(page_size=2, page_token=first.next_page_token)
        self.assertEqual([e.id for e in [*first.events, *second.events]], ["0", "1", "2", "3"])

    def test_a_page_token_of_another_query_is_refused(self):
        self.start()
        self.send_at(("1", 1), ("2", 2))
        token = self.page(page_size=1, filter='type = "t"').next_page_token
        self.assertTrue(token)
        for fields in ({"filter": 'type = "u"'}, {}, {"filter": 'type = "t"', "order_by": "occur_time desc"}):
            with self.subTest(fields):
                _, named = self.invalid("PAGE_TOKEN_MISMATCH", lambda: self.page(page_token=token, **fields))
                self.assertEqual(named, ["page_token"])
        for damaged in ("x", token[:-4], token[:20] + ("A" if token[20] != "A" else "B") + token[21:], "y" * 9_000):
            with self.subTest(damaged[:30]):
                self.invalid("PAGE_TOKEN_INVALID", lambda: self.page(page_token=damaged, filter='type = "t"'))

    def test_an_index_finds_what_a_scan_finds(self):
        """By --index-attributes, by a monitor's key, and by neither."""
        self.start("--index-attributes", "city,shop")
        self.client.create_monitor("m", self.client.follow_up("t", "u", 3_600_000))
        for batch in range(5):
            self.client.ingest(*[self.event_in(f"{batch}-{i}", i) for i in range(40)])
        for name in ("city", "order_id", "plain"):
            for value in ("v3", "v39", "absent"):
                text = f'attributes.{name} = "{value}"'
                with self.subTest(text):
                    # OR with nothing that matches: no index can be used.
                    scanned = self.ids(filter=f'{text} OR id = "none"')
                    self.assertEqual(len(scanned), 0 if value == "absent" else 5)
                    self.assertEqual(self.ids(filter=text), scanned)
                    self.assertEqual(self.ids(filter=text, order_by="occur_time desc"), scanned[::-1])
                    self.assertEqual(self.pages(filter=text, page_size=2)[0], scanned[:2])
                    self.assertEqual([e for p in self.pages(filter=text, page_size=2) for e in p], scanned)

    def event_in(self, event_id, number):
        batch = int(event_id.split("-")[0])
        at_us = START_US + (number * 100 - batch) * SECOND_US
        event = self.client.event(event_id, "t", f"v{number}", at_us=at_us)
        for name in ("city", "plain"):
            event.attributes[name].string_value = f"v{number}"
        return event

    def test_an_index_added_later_finds_what_came_before_and_after(self):
        self.start()
        self.client.ingest(*[self.event_in(f"0-{i}", i) for i in range(10)])
        self.start("--index-attributes", "city")
        self.client.create_monitor("m", self.client.follow_up("t", "u", 3_600_000))
        self.client.ingest(*[self.event_in(f"1-{i}", i) for i in range(10)])
        for name in ("city", "order_id"):
            self.assertEqual(self.ids(filter=f'attributes.{name} = "v4"'), ["1-4", "0-4"])
        self.server.kill()
        self.start()
        self.assertEqual(self.ids(filter='attributes.city = "v4"'), ["1-4", "0-4"])


if __name__ == "__main__":
    api_case.main()
