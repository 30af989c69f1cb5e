"""A fuzz target, NAME_fuzz.cc: with libFuzzer as NAME_fuzz, and as a test of some seconds over its corpus."""

load("//build:defs.bzl", "lapse_cc_binary", "lapse_cc_test")

def lapse_fuzz_target(name, deps = []):
    """Makes NAME_fuzz, which --config=fuzz alone can link, and NAME_fuzz_test.

    Args:
      name: the source is NAME_fuzz.cc, the corpus the folder corpus/NAME.
      deps: besides the target's header.
    """
    lapse_cc_binary(
        name = name + "_fuzz",
        testonly = True,
        srcs = [name + "_fuzz.cc"],
        linkopts = ["-fsanitize=fuzzer"],
        # Built by ./dev fuzz, with clang.
        tags = ["manual"],
        deps = [":fuzz_target"] + deps,
    )
    lapse_cc_test(
        name = name + "_fuzz_test",
        srcs = [name + "_fuzz.cc"],
        args = ["--seconds=3"] + ["$(location %s)" % file for file in native.glob(["corpus/%s/*" % name])],
        data = native.glob(["corpus/%s/*" % name]),
        main = False,
        deps = [":fuzz_target", ":fuzz_driver"] + deps,
    )
