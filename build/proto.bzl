"""lapse_proto_library: C++ from .proto files by /usr/bin/protoc."""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

_PROTOC = "/usr/bin/protoc"
_GRPC_PLUGIN = "/usr/bin/grpc_cpp_plugin"

LapseProtoInfo = provider(
    doc = "The .proto files that a target's own may import.",
    fields = {
        "files": "depset of .proto files, transitive",
        "mappings": "depset of 'import/path.proto=disk/path.proto', transitive",
    },
)

def _root_of(ctx):
    """The directory of ctx's repository that imports are relative to, as in an exec path."""
    parts = [ctx.label.workspace_root, ctx.attr.import_root]
    return "/".join([part for part in parts if part])

def _import_path(root, file):
    # A generated .proto stands under bazel-out/<configuration>/bin.
    path = file.path
    if file.root.path:
        path = path[len(file.root.path) + 1:]
    if root and not path.startswith(root + "/"):
        fail("%s is not under the import root %s" % (path, root))
    return path[len(root) + 1:] if root else path

def _declare_generated(ctx, import_path, root, suffix):
    below_repository = ctx.attr.import_root + "/" if ctx.attr.import_root else ""
    path = below_repository + import_path[:-len(".proto")] + suffix
    package = ctx.label.package + "/" if ctx.label.package else ""
    if not path.startswith(package):
        fail("%s: %s is outside package %s" % (ctx.label, path, package))
    return ctx.actions.declare_file(path[len(package):])

def _lapse_proto_library_impl(ctx):
    root = _root_of(ctx)
    imports = [_import_path(root, src) for src in ctx.files.srcs]
    files = depset(
        ctx.files.srcs,
        transitive = [dep[LapseProtoInfo].files for dep in ctx.attr.deps],
    )
    mappings = depset(
        ["%s=%s" % (i, src.path) for i, src in zip(imports, ctx.files.srcs)],
        transitive = [dep[LapseProtoInfo].mappings for dep in ctx.attr.deps],
    )

    suffixes = ([".pb"] if ctx.attr.messages else []) + ([".grpc.pb"] if ctx.attr.grpc else [])
    headers = [_declare_generated(ctx, i, root, s + ".h") for i in imports for s in suffixes]
    sources = [_declare_generated(ctx, i, root, s + ".cc") for i in imports for s in suffixes]
    descriptor = ctx.actions.declare_file(ctx.label.name + ".descriptor.bin")

    out = "/".join([part for part in [ctx.bin_dir.path, root] if part])
    args = ctx.actions.args()

    # Each importable file by name, and nothing else: a missing dep fails.
    args.add_all(mappings, format_each = "-I%s")
    if ctx.attr.messages:
        args.add("--cpp_out=" + out)
    args.add("--descriptor_set_out=" + descriptor.path)
    args.add("--include_imports")
    args.add("--include_source_info")
    if ctx.attr.grpc:
        args.add("--plugin=protoc-gen-grpc=" + _GRPC_PLUGIN)
        args.add("--grpc_out=" + out)
    args.add_all(ctx.files.srcs)
    ctx.actions.run(
        executable = _PROTOC,
        arguments = [args],
        inputs = files,
        outputs = headers + sources + [descriptor],
        mnemonic = "LapseProtoc",
        progress_message = "Generating C++ from %s" % ctx.label,
    )

    compilation, linking = _compile(ctx, headers, sources, out)
    return [
        DefaultInfo(files = depset(headers + [descriptor])),
        CcInfo(compilation_context = compilation, linking_context = linking),
        LapseProtoInfo(files = files, mappings = mappings),
        OutputGroupInfo(
            cpp = depset(headers + sources),
            descriptor = depset([descriptor]),
        ),
    ]

def _compile(ctx, headers, sources, include):
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    deps = [dep[CcInfo] for dep in ctx.attr.deps + ctx.attr._runtime]
    if ctx.attr.grpc:
        deps += [dep[CcInfo] for dep in ctx.attr._grpc_runtime]
    compilation, outputs = cc_common.compile(
        actions = ctx.actions,
        cc_toolchain = toolchain,
        compilation_contexts = [dep.compilation_context for dep in deps],
        feature_configuration = features,
        name = ctx.label.name,
        public_hdrs = headers,
        srcs = sources,
        system_includes = [include],
        user_compile_flags = ["-w"],
    )
    linking, _ = cc_common.create_linking_context_from_compilation_outputs(
        actions = ctx.actions,
        cc_toolchain = toolchain,
        compilation_outputs = outputs,
        disallow_dynamic_library = True,
        feature_configuration = features,
        linking_contexts = [dep.linking_context for dep in deps],
        name = ctx.label.name,
    )
    return compilation, linking

lapse_proto_library = rule(
    implementation = _lapse_proto_library_impl,
    doc = """A C++ library of generated messages, and of gRPC stubs if grpc is set.

Builds <name>.descriptor.bin too: a FileDescriptorSet with all imports and
comments.""",
    attrs = {
        "srcs": attr.label_list(allow_files = [".proto"], mandatory = True),
        "deps": attr.label_list(providers = [LapseProtoInfo, CcInfo]),
        "grpc": attr.bool(doc = "Whether to generate the services' stubs."),
        "messages": attr.bool(
            default = True,
            doc = "Whether to generate the messages. Off, with grpc, where a dep has them.",
        ),
        "import_root": attr.string(
            default = "proto",
            doc = "Directory of the repository that imports are relative to.",
        ),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
        "_grpc_runtime": attr.label_list(default = ["@usr//:grpc"]),
        "_runtime": attr.label_list(default = ["@usr//:protobuf"]),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)
