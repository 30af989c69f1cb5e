# shellcheck shell=bash
# Builds and runs every benchmark of //bench. Arguments go to each.

source build/dev/install.sh
lapse_bazel build //bench/...
bin=$(lapse_bazel_bin)
LAPSE_BAZEL_FLAGS='' lapse_bazel query --noshow_progress 'kind(cc_binary, //bench/...)' |
  while read -r label; do
    path=${label#//}
    "$bin/${path/://}" "$@" </dev/null
  done
