# shellcheck shell=bash
# The long runs: ./dev soak [STEP...], all steps or those named. Each step is a function soak_NAME that tells what it did
# and ends with a line "N passed, N failed" of its own. Goes on after a failure, so that one run shows all; the last line sums
# up.
#   LAPSE_SOAK_SEEDS    the simulation's seeds (1..10000)
#   LAPSE_KILL_CYCLES   how often the real server is killed (200)
#   LAPSE_CRASH_SEED    with which chance (from the clock)

source build/dev/install.sh

# Simulated lives: crashes, failing disks and clocks, each held against an oracle.
soak_simulation() {
  lapse_bazel build //test/simulation || return 1
  "$(lapse_bazel_bin)/test/simulation/simulation" --seeds "${LAPSE_SOAK_SEEDS:-1..10000}" --jobs "$(nproc)"
}

# kill -9 of the real server at random instants under load.
soak_kill() {
  if lapse_bazel test //test/crash:kill_test --test_output=streamed --test_timeout=7200 --nocache_test_results \
    --test_env=LAPSE_KILL_CYCLES="${LAPSE_KILL_CYCLES:-200}" \
    --test_env=LAPSE_CRASH_SEED="${LAPSE_CRASH_SEED:-$(date +%s)}"; then
    echo "1 passed, 0 failed"
  else
    echo "0 passed, 1 failed"
  fi
}

all_steps=(simulation kill)
steps=("$@")
(( ${#steps[@]} )) || steps=("${all_steps[@]}")
passed=0
failed=0
for step in "${steps[@]}"; do
  if ! declare -F "soak_$step" >/dev/null; then
    echo "./dev soak: no step \"$step\"; there is: ${all_steps[*]}" >&2
    exit 2
  fi
  echo "== $step"
  began=$SECONDS
  out=$(mktemp)
  code=0
  "soak_$step" 2>&1 | tee "$out" || code=$?
  counts=$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$out" | tail -1)
  rm -f "$out"
  passed=$((passed + ${counts% *} + 0))
  failed=$((failed + ${counts#* } + 0))
  # A step that broke off tells no failure.
  if (( code != 0 )) && [[ -z $counts || ${counts#* } == 0 ]]; then
    failed=$((failed + 1))
  fi
  echo "== $step took $((SECONDS - began)) s"
done
echo "$passed passed, $failed failed"
(( failed == 0 )) || exit 1
