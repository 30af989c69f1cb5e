"""The load of the kill test loses no batch of its plan when a stream ends."""

import random
import threading
import types
import unittest

import grpc

from crash import kill_load

# Longer than an end of the stream takes that waits for nothing.
PATIENCE_SECONDS = 0.5


class Gone(grpc.RpcError):

    def code(self):
        return grpc.StatusCode.UNAVAILABLE


class GoneServer:
    """Its stream ends while the client's thread makes a batch."""

    def __init__(self):
        self.making = threading.Event()
        self.thread = None
        self.events = self
        self.event_api = types.SimpleNamespace(IngestEventStreamRequest=lambda **fields: fields)

    def event(self, name, *_, **__):
        return types.SimpleNamespace(id=name)

    # As a stub calls it, and as the call that it returns.

    def IngestEventStream(self, requests):
        self.thread = threading.Thread(target=next, args=(requests, None))
        self.thread.start()
        return self

    def __iter__(self):
        self.making.wait()
        raise Gone()

    def cancel(self):
        pass


class SenderTest(unittest.TestCase):

    def test_a_batch_that_is_made_while_the_stream_ends_is_sent_again(self):
        server, sender = GoneServer(), kill_load.Sender(random.Random(1))
        make, returned = sender._next_batch, threading.Event()

        def make_slowly(client):
            server.making.set()
            returned.wait(PATIENCE_SECONDS)
            return make(client)

        sender._next_batch = make_slowly
        sender.run(server, threading.Event())
        returned.set()
        server.thread.join()
        waiting = {event.id for events in sender.unanswered for event in events}
        self.assertEqual(waiting, {f"b-{name}" for name in sender.keys})
        self.assertEqual(len(waiting), kill_load.KEYS_PER_BATCH)


if __name__ == "__main__":
    unittest.main()
