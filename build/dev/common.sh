# shellcheck shell=bash
# Shared by the commands of ./dev, which sources this from the root of the tree.

# The Java that Bazel runs on, where .bazelrc does not name it rightly.
bazel_java_flag() {
  local pinned
  pinned=$(sed -n 's/^startup --server_javabase=//p' .bazelrc)
  [[ -x $pinned/bin/java ]] && return
  local home
  for home in /usr/lib/jvm/java-17-openjdk-*; do
    if [[ -x $home/bin/java ]]; then
      echo "--server_javabase=$home"
      return
    fi
  done
}

# lapse_bazel COMMAND ARGS...: Bazel with what the environment asks for.
lapse_bazel() {
  local startup=() flags=() java
  [[ -z ${LAPSE_BAZEL_OUTPUT_BASE:-} ]] || startup+=("--output_base=$LAPSE_BAZEL_OUTPUT_BASE")
  java=$(bazel_java_flag)
  [[ -z $java ]] || startup+=("$java")
  # Flags are words; LAPSE_BAZEL_FLAGS has no quoting of its own.
  read -r -a flags <<<"${LAPSE_BAZEL_FLAGS:-}"
  local command=$1
  shift
  bazel "${startup[@]}" "$command" "${flags[@]}" "$@"
}

# The directory of built files, for the flags in use.
lapse_bazel_bin() {
  lapse_bazel info bazel-bin 2>/dev/null
}
