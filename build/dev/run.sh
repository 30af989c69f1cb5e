# shellcheck shell=bash
# Builds and starts the server. Arguments go to it.

source build/dev/install.sh
lapse_bazel build //server:lapsed
exec "$(lapse_bazel_bin)/server/lapsed" "$@"
