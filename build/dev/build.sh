# shellcheck shell=bash
# Builds every target, or those named.

source build/dev/install.sh
(( $# )) || set -- //...
lapse_bazel build "$@"
