# What examples/run.sh and tests/run.sh share: where the repository is, which packages it needs, how it is built.
# It is sourced. It lies here because the examples are what a newcomer runs first; the tests need all of it and more.
set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
repository=$PWD

# What the compiler is built from and with (see the find_package lines of CMakeLists.txt).
build_packages=(g++ cmake ninja-build libtree-sitter-dev libfmt-dev nlohmann-json3-dev libboost-dev
  libpugixml-dev libcli11-dev libre2-dev libssl-dev libdtl-dev libmimalloc-dev)
# Every example for these devices, and for what else its `target` blocks name.
targets=azure-firewall,iptables,nftables,palo-alto,windows-firewall
targets_of() { printf '%s' "$targets"; grep -qs '^target "azure-nsg"' "$1"/*.hcipol && printf ',azure-nsg'; true; }

say() { printf '\n== %s\n' "$*"; }

# install PACKAGE...: installs what is missing of these Debian packages; without a word if nothing is.
install() {
  local package missing=()
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  local as_root=()
  ((EUID == 0)) || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# build PRESET [ARGUMENT...]: configures and builds below .build/PRESET.
build() {
  say "building .build/$1"
  cmake --preset "$1" --log-level=WARNING
  cmake --build --preset "$@"
}
