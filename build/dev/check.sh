# shellcheck shell=bash
# The slow checks, cheapest first; the last line is "N passed, N failed" of the
# sanitized tests. Goes on after a failure, so that one run shows all.

source build/dev/install.sh

events=$(mktemp -d)
trap 'rm -rf "$events"' EXIT
failed=()

step() {
  local name=$1
  shift
  local began=$SECONDS
  echo "== $name"
  "$@" || failed+=("$name")
  echo "== $name took $((SECONDS - began)) s"
}

# The core, which ThreadSanitizer can follow: no gRPC, no absl::Mutex.
tsan_targets() {
  local dir
  for dir in base monitors; do
    [[ ! -d $dir ]] || echo "//$dir/..."
  done
}

sanitize() {
  local config=$1
  shift
  lapse_bazel test --config="$config" --keep_going \
    --build_event_json_file="$events/$config.json" "$@"
}

tidy() {
  lapse_bazel build --keep_going //proto/... || return 1
  local bin
  bin=$(lapse_bazel_bin)
  git ls-files -z --cached --others --exclude-standard -- '*.cc' |
    xargs -0 -r -n 1 -P "$(nproc)" sh -c '
      clang-tidy --quiet "$1" -- -std=c++20 -Wall -Wextra -iquote . \
        -isystem "$0/proto" -isystem "$0/external/googleapis" \
        -DSPDLOG_SHARED_LIB -DSPDLOG_COMPILED_LIB -DSPDLOG_FMT_EXTERNAL 2>/dev/null' "$bin"
}

step "formatting" bash build/dev/fmt.sh --check
step "AddressSanitizer" sanitize asan //...
targets=$(tsan_targets)
[[ -z $targets ]] || step "ThreadSanitizer" sanitize tsan --build_tests_only $targets
step "conformance, every combination" lapse_bazel test //test/conformance:conformance_full_test
step "clang-tidy" tidy
step "tests" python3 build/dev/count_tests.py "$events"/*.json

if (( ${#failed[@]} )); then
  echo "failed: ${failed[*]}" >&2
  exit 1
fi
