"""Google's API protos as Debian ships them, brought up to what Lapse uses."""

_SOURCE = "/usr/share/gocode/src/github.com/grpc-ecosystem/grpc-gateway/third_party/googleapis"

# Debian's copy is older than this message. Names and numbers are the public
# ones: on the wire and as a type URL it is google.rpc.ErrorInfo.
_ERROR_INFO = """
// Why a request failed, for a program to act on.
message ErrorInfo {
  // A constant in UPPER_SNAKE_CASE, unique within the domain.
  string reason = 1;

  // Who defines the reason.
  string domain = 2;

  // Further details; keys in lowerCamelCase.
  map<string, string> metadata = 3;
}
"""

_FIELD_BEHAVIOR = """syntax = "proto3";

package google.api;

import "google/protobuf/descriptor.proto";

extend google.protobuf.FieldOptions {
  repeated FieldBehavior field_behavior = 1052;
}

// What a field of a request or a resource may be used for (AIP-203).
enum FieldBehavior {
  FIELD_BEHAVIOR_UNSPECIFIED = 0;
  OPTIONAL = 1;
  REQUIRED = 2;
  OUTPUT_ONLY = 3;
  INPUT_ONLY = 4;
  IMMUTABLE = 5;
  UNORDERED_LIST = 6;
  NON_EMPTY_DEFAULT = 7;
  IDENTIFIER = 8;
}
"""

def _debian_googleapis_impl(ctx):
    result = ctx.execute(["cp", "-RL", _SOURCE + "/google", "."])
    if result.return_code != 0:
        fail("cannot copy %s (is golang-github-grpc-ecosystem-grpc-gateway-dev installed?): %s" %
             (_SOURCE, result.stderr))

    error_details = ctx.read("google/rpc/error_details.proto")
    if "message ErrorInfo " not in error_details:
        ctx.file("google/rpc/error_details.proto", error_details + _ERROR_INFO, executable = False)
    if not ctx.path("google/api/field_behavior.proto").exists:
        ctx.file("google/api/field_behavior.proto", _FIELD_BEHAVIOR, executable = False)
    ctx.symlink(Label("//build:googleapis.BUILD"), "BUILD")

debian_googleapis = repository_rule(
    implementation = _debian_googleapis_impl,
    local = True,
)
