# shellcheck shell=bash
# Runs every test and counts test cases. The last line is "N passed, N failed".
# The exit code is 1 if anything failed to build or to pass.

events=$(mktemp -d)
trap 'rm -rf "$events"' EXIT
failed=0

# run_tests NAME FLAGS...: one run of Bazel, its events kept for counting.
run_tests() {
  local name=$1
  shift
  lapse_bazel test --keep_going --build_event_json_file="$events/$name.json" "$@" || {
    # 4: there is no such test.
    local code=$?
    (( code == 4 )) || echo "bazel test ($name) exited with $code"
  }
}

if ! ./dev install; then
  echo "0 passed, 1 failed"
  exit 1
fi

if [[ ${1:-} == --ci ]]; then
  shift
  run_tests tsan --config=tsan --build_tests_only --test_tag_filters=tsan //...
fi
run_tests all "${@:-//...}"

python3 build/dev/count_tests.py "$events"/*.json || failed=1
exit "$failed"
