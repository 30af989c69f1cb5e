# shellcheck shell=bash
# Runs the command line client, built where it is not up to date.

lapse_bazel build --ui_event_filters=-info --noshow_progress //cli:lapsectl 1>&2 || exit 1
exec "$(lapse_bazel_bin)/cli/lapsectl" "$@"
