"""Pages of large items pass the limit that clients of gRPC have where they set none, and lose nothing by being cut."""

from api import api_case
from harness.waiting import eventually

# Six megabytes in all.
ITEMS = 600
LABELS = {f"label-{i:02d}": "x" * 256 for i in range(32)}


class LargePagesTest(api_case.ApiCase):

    def pages(self, method, request, field, name="name"):
        """The names on each page."""
        found = []
        while True:
            page = method(request)
            found.append([getattr(item, name) for item in getattr(page, field)])
            request.page_token = page.next_page_token
            if not request.page_token:
                return found

    def test_monitors(self):
        self.start()
        for i in range(ITEMS):
            self.client.create_monitor(f"m-{i:03d}", self.client.follow_up("a", "b", 60_000, labels=LABELS))
        pages = self.pages(self.client.monitors.ListMonitors,
                           self.client.monitor_api.ListMonitorsRequest(page_size=1_000), "monitors")
        self.assertGreater(len(pages), 1)
        self.assertEqual([name for page in pages for name in page], [f"monitors/m-{i:03d}" for i in range(ITEMS)])

    def test_event_types(self):
        self.start()
        for i in range(0, ITEMS, 100):
            events = [self.client.event(f"{j}", f"type-{j:03d}", None) for j in range(i, i + 100)]
            for event in events:
                for name in range(64):
                    event.attributes[f"{'a' * 120}-{name:02d}"].bool_value = True
            self.client.ingest(*events)

        def all_pages():
            """Once all are counted, which is a moment after they are acknowledged."""
            request = self.client.event_api.ListEventTypesRequest(page_size=1_000)
            found = self.pages(self.client.events.ListEventTypes, request, "event_types", "type")
            return found if sum(map(len, found)) == ITEMS else None

        pages = eventually(all_pages)
        self.assertGreater(len(pages), 1)
        self.assertEqual([name for page in pages for name in page], [f"type-{i:03d}" for i in range(ITEMS)])

    def test_alerts(self):
        self.start()
        self.client.create_monitor("m", self.client.follow_up("a", "b", 1, labels=LABELS))
        self.client.ingest(*[self.client.event(f"{i}", "a", f"k-{i}") for i in range(ITEMS)])
        eventually(lambda: self.client.stats("monitors/m").missed == ITEMS)
        eventually(lambda: len(self.client.list_alerts(page_size=100)) == ITEMS)
        pages = self.pages(self.client.alerts.ListAlerts, self.client.alert_api.ListAlertsRequest(page_size=1_000), "alerts")
        self.assertGreater(len(pages), 1)
        names = [name for page in pages for name in page]
        self.assertEqual((len(names), len(set(names))), (ITEMS, ITEMS))


if __name__ == "__main__":
    api_case.main()
