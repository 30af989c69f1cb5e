# shellcheck shell=bash
# ./dev soak [STEP...]: the long runs, each of the steps below or those named. Goes on after a failure, so that one run shows
# all. LAPSE_KILL_CYCLES (200) and LAPSE_CRASH_SEED (from the clock) tell how long and with which chance.

source build/dev/install.sh

# kill -9 of the real server at random instants.
soak_kill() {
  lapse_bazel test //test/crash:kill_test --test_output=streamed --test_timeout=7200 --nocache_test_results \
    --test_env=LAPSE_KILL_CYCLES="${LAPSE_KILL_CYCLES:-200}" --test_env=LAPSE_CRASH_SEED="${LAPSE_CRASH_SEED:-$(date +%s)}"
}

steps=("$@")
(( ${#steps[@]} )) || steps=(kill)
failed=()
for step in "${steps[@]}"; do
  if ! declare -F "soak_$step" >/dev/null; then
    echo "./dev soak: no step \"$step\"" >&2
    exit 2
  fi
  echo "== $step"
  began=$SECONDS
  "soak_$step" || failed+=("$step")
  echo "== $step took $((SECONDS - began)) s"
done
if (( ${#failed[@]} )); then
  echo "failed: ${failed[*]}" >&2
  exit 1
fi
echo "soaked: ${steps[*]}"
