"""Build macros: C++ with the project's warnings, and protos by Debian's protoc."""

load("//build:proto.bzl", _lapse_proto_library = "lapse_proto_library")

# -std=c++20 stands in .bazelrc, since generated code needs it too.
COPTS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    # GCC 12 reports these inside its own std::string and std::variant when
    # inlining at -O2 or under a sanitizer (GCC bugs 105651, 105562).
    "-Wno-array-bounds",
    "-Wno-maybe-uninitialized",
    "-Wno-restrict",
    "-Wno-stringop-overflow",
    "-Wno-stringop-overread",
    # Designated initializers that leave the rest at their defaults are wanted.
    "-Wno-missing-field-initializers",
]

# The warnings above are GCC's; what clang thinks of the code, clang-tidy tells.
_COMPILER_COPTS = select({
    "//build:fuzz": ["-w"],
    "//conditions:default": [],
})

lapse_proto_library = _lapse_proto_library

def lapse_cc_library(name, copts = [], linkstatic = True, **kwargs):
    """A cc_library with the project's warnings. Archive only: no .so beside it."""
    native.cc_library(
        name = name,
        copts = COPTS + copts + _COMPILER_COPTS,
        linkstatic = linkstatic,
        **kwargs
    )

def lapse_cc_binary(name, copts = [], **kwargs):
    """A cc_binary with the project's warnings."""
    native.cc_binary(
        name = name,
        copts = COPTS + copts + _COMPILER_COPTS,
        **kwargs
    )

def lapse_cc_test(name, copts = [], deps = [], size = "small", main = True, **kwargs):
    """A GoogleTest (with GoogleMock) test.

    Args:
      name: name of the test, as a rule the source file's without ".cc".
      copts: options after the project's.
      deps: besides gtest, which is added.
      size: Bazel's test size; "small" gives a test 60 seconds.
      main: whether to link gtest's main().
      **kwargs: passed on. Tag "tsan" has CI run the test under ThreadSanitizer
        too: only for tests that stay clear of gRPC and absl::Mutex.
    """
    native.cc_test(
        name = name,
        size = size,
        copts = COPTS + copts + _COMPILER_COPTS,
        linkstatic = True,
        deps = deps + ["@usr//:gtest_main" if main else "@usr//:gtest"],
        **kwargs
    )

def lapse_py_test(name, src, args = [], data = [], size = "small", **kwargs):
    """A test that is a Python script, run by Debian's python3.

    The working directory is the root of the runfiles, which is on sys.path.

    Args:
      name: name of the test.
      src: the script.
      args: its arguments; "$(location //a:b)" names something in data.
      data: what it reads or runs.
      size: Bazel's test size.
      **kwargs: passed on.
    """
    native.sh_test(
        name = name,
        size = size,
        srcs = ["//build:python_test.sh"],
        args = ["$(location %s)" % src] + args,
        data = [src] + data,
        **kwargs
    )
