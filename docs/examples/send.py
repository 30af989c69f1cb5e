"""Sends one event to Lapse: send.py HOST:PORT ORDER_ID [EVENT_TYPE].

Make the stubs once, beside this file, from the root of the tree:
  protoc -Iproto -I"$GOOGLEAPIS" --python_out=docs/examples --grpc_python_out=docs/examples \
    --plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin \
    proto/lapse/v1/event.proto proto/lapse/v1/event_service.proto "$GOOGLEAPIS"/google/rpc/status.proto
with GOOGLEAPIS the folder third_party/googleapis of Debian's golang-github-grpc-ecosystem-grpc-gateway-dev.
"""

import pathlib
import sys
import uuid

import google
import grpc

# Debian's google package and the generated google.rpc stand in two places: join them.
google.__path__.append(str(pathlib.Path(__file__).parent / "google"))

from lapse.v1 import event_pb2, event_service_pb2, event_service_pb2_grpc


def main(address, order_id, event_type="order_created"):
    event = event_pb2.Event(id=str(uuid.uuid4()), source="example-python", type=event_type)
    event.attributes["order_id"].string_value = order_id
    event.attributes["amount"].double_value = 99.5
    with grpc.insecure_channel(address) as channel:
        events = event_service_pb2_grpc.EventServiceStub(channel)
        answer = events.IngestEvent(event_service_pb2.IngestEventRequest(event=event), timeout=10)
    print(f"{event_type} {order_id} is on disk as number {answer.sequence}")


if __name__ == "__main__":
    main(*sys.argv[1:])
