# shellcheck shell=bash
# Takes the protos as they are as the baseline of the breaking-change check, without comments.

lapse_bazel build //proto:descriptor
python3 - "$(lapse_bazel info bazel-bin)/proto/lapse_proto.descriptor.bin" proto/baseline.binpb <<'PYTHON'
import sys
from google.protobuf import descriptor_pb2
files = descriptor_pb2.FileDescriptorSet.FromString(open(sys.argv[1], "rb").read())
for file in files.file:
    file.ClearField("source_code_info")
open(sys.argv[2], "wb").write(files.SerializeToString(deterministic=True))
PYTHON
echo "proto/baseline.binpb is the new baseline"
