"""What the tests of the API have in common: a server and a client for each test, and words about errors."""

import sys
import tempfile
import unittest

import grpc

from harness import client as harness
from harness import lapsed

PATIENCE_SECONDS = 60


def details(error):
    """{short type name: message} of the google.rpc details of an RpcError."""
    # Made with the stubs, so not there when this file is read.
    from google.rpc import error_details_pb2, error_info_pb2, status_pb2
    blob = dict(error.trailing_metadata()).get("grpc-status-details-bin", b"")
    return unpacked(status_pb2.Status.FromString(blob), error_details_pb2, error_info_pb2)


def status_details(status):
    """The same of a google.rpc.Status."""
    from google.rpc import error_details_pb2, error_info_pb2
    return unpacked(status, error_details_pb2, error_info_pb2)


def unpacked(status, error_details_pb2, error_info_pb2):
    found = {}
    for packed in status.details:
        for kind in (error_details_pb2.BadRequest, error_info_pb2.ErrorInfo, error_details_pb2.RetryInfo):
            if packed.Is(kind.DESCRIPTOR):
                message = kind()
                packed.Unpack(message)
                found[kind.DESCRIPTOR.name] = message
    return found


def binary():
    """The server, named by the test's first argument."""
    return main.binary


def main():
    main.binary = sys.argv.pop(1)
    unittest.main()


class ApiCase(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.stubs_folder = tempfile.TemporaryDirectory()
        cls.stubs = harness.make_stubs(cls.stubs_folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.stubs_folder.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.server = self.client = None
        self.addCleanup(lambda: self.server and self.server.kill())
        self.addCleanup(lambda: self.client and self.client.close())

    def start(self, *flags, data=None, env=None, settle="0s"):
        """Starts the server, anew where one ran, on `data` or the test's folder."""
        if self.client:
            self.client.close()
        if self.server:
            self.server.kill()
        folder = data or self.folder.name + "/data"
        self.server = lapsed.Lapsed(binary(), folder, ["--settle", settle, *flags], env).start()
        self.client = harness.Client(self.server.address, self.stubs)

    def refused(self, code, reason, call):
        """`call` must fail with this code and reason; returns the message and the violated fields."""
        with self.assertRaises(grpc.RpcError) as raised:
            call()
        error = raised.exception
        self.assertEqual((error.code(), details(error)["ErrorInfo"].reason), (code, reason), error.details())
        violations = details(error)["BadRequest"].field_violations if "BadRequest" in details(error) else []
        return error.details(), [violation.field for violation in violations]

    def invalid(self, reason, call):
        return self.refused(grpc.StatusCode.INVALID_ARGUMENT, reason, call)
