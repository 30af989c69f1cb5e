# shellcheck shell=bash
# Installs what is missing, and is done at once when nothing is.

NPM_DIRS=(test/clients/node build/npm)

missing_packages() {
  local wanted installed
  wanted=$(sort build/dev/packages.txt)
  # "ii" and a name, without the architecture that multi-arch packages carry.
  installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $wanted 2>/dev/null |
    sed -n 's/^ii *//p' | sort -u)
  comm -23 <(echo "$wanted") <(echo "$installed")
  # Node.js may come from elsewhere than Debian.
  if npm_dirs | grep -q . && ! { command -v node && command -v npm; } >/dev/null; then
    printf '%s\n' nodejs npm
  fi
}

npm_dirs() {
  local dir
  for dir in "${NPM_DIRS[@]}"; do
    [[ ! -f $dir/package.json ]] || echo "$dir"
  done
}

install_packages() {
  local packages sudo=()
  packages=$(missing_packages)
  [[ -n $packages ]] || return 0
  echo "installing:" $packages
  (( EUID == 0 )) || sudo=(sudo)
  "${sudo[@]}" apt-get update -q
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends $packages
}

install_npm() {
  local dir=$1 stamp=$1/node_modules/.lapse-installed how=install
  [[ ! -f $dir/package-lock.json ]] || how=ci
  if [[ -f $stamp && ! $dir/package.json -nt $stamp && ! $dir/package-lock.json -nt $stamp ]]; then
    return 0
  fi
  (cd "$dir" && npm "$how" --no-audit --no-fund --loglevel=error)
  mkdir -p "$dir/node_modules"
  touch "$stamp"
}

install_packages
for dir in $(npm_dirs); do
  install_npm "$dir"
done
