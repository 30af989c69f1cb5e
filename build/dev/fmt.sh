# shellcheck shell=bash
# Formats the C++ and protos of the tree; with --check says what would change.

mode=(-i)
[[ ${1:-} != --check ]] || mode=(--dry-run --Werror)
git ls-files -z --cached --others --exclude-standard -- '*.h' '*.cc' '*.proto' |
  while IFS= read -r -d '' file; do
    [[ ! -f $file ]] || printf '%s\0' "$file"
  done |
  xargs -0 -r -n 20 -P "$(nproc)" clang-format "${mode[@]}"
