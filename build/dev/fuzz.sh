# shellcheck shell=bash
# ./dev fuzz [NAME|all] [SECONDS]: builds the fuzzers of test/fuzz with clang's libFuzzer and runs one, or each, for so long
# (all, 60 s). New inputs go to fuzz/corpus/NAME (not committed), findings to fuzz/crashes/NAME; how to replay one is printed.

source build/dev/install.sh
name=${1:-all}
seconds=${2:-60}
names=()
for file in test/fuzz/*_fuzz.cc; do
  file=${file##*/}
  names+=("${file%_fuzz.cc}")
done
if [[ $name != all ]]; then
  if [[ ! -f test/fuzz/${name}_fuzz.cc ]]; then
    echo "./dev fuzz: no fuzzer \"$name\"; there are: ${names[*]}" >&2
    exit 2
  fi
  names=("$name")
fi

targets=()
for name in "${names[@]}"; do targets+=("//test/fuzz:${name}_fuzz"); done
lapse_bazel build --config=fuzz "${targets[@]}"
bin=$(lapse_bazel info --config=fuzz bazel-bin 2>/dev/null)

failed=()
for name in "${names[@]}"; do
  crashes=fuzz/crashes/$name
  mkdir -p "fuzz/corpus/$name" "$crashes"
  echo "== $name for $seconds s"
  # The first folder takes what is new.
  "$bin/test/fuzz/${name}_fuzz" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=25 -print_final_stats=1 \
    -artifact_prefix="$crashes/" "fuzz/corpus/$name" "test/fuzz/corpus/$name" || failed+=("$name")
done

if (( ${#failed[@]} )); then
  for name in "${failed[@]}"; do
    echo "finding in $name; replay:"
    printf '  %s %s\n' "$bin/test/fuzz/${name}_fuzz" fuzz/crashes/"$name"/*
  done
  exit 1
fi
echo "no finding in ${names[*]}"
