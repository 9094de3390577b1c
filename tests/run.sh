#!/usr/bin/env bash
# Installs what is missing (Debian 12), builds hcipolc twice (optimised; with sanitizers), and runs every test.
# The last line says `N passed, N failed[, N skipped]`; the exit code is 1 if anything failed.
# usage: bash tests/run.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../examples/setup.sh"

# The tests themselves, and the tools that judge what hcipolc writes.
test_packages=(libgtest-dev librapidcheck-dev libbdd-dev git iptables ipset nftables dnsmasq-base iproute2 util-linux
  libxml2-utils python3 python3-jsonschema clang-format)

export GTEST_BRIEF=1
passed=0 failed=0 skipped=0
pass() { passed=$((passed + 1)); echo "passed: $1"; }
fail() { failed=$((failed + 1)); echo "FAILED: $1"; }
skip() { skipped=$((skipped + 1)); echo "skipped: $1"; }

# check NAME COMMAND...: one test of its own.
check() {
  local name=$1
  shift
  if "$@"; then pass "$name"; else fail "$name"; fi
}

# count_results FOLDER: adds what ctest and googletest wrote there. A program that died has no file of
# its own, or one without a failure, and counts as one failure.
count_results() {
  local name status p f s
  while read -r name status; do
    p=0 f=0 s=0
    if [[ -s $1/$name.xml ]]; then
      read -r p f s < <(awk -F'"' '/^  <testsuite name=/ {
          for (i = 1; i < NF; i += 2) value[$i] = $(i + 1)
          n += value[" tests="]; f += value[" failures="] + value[" errors="]
          s += value[" skipped="] + value[" disabled="]
        } END { print n - f - s, f + 0, s + 0 }' "$1/$name.xml")
    elif [[ $status == run ]]; then
      p=1
    fi
    if [[ $status != run && $f == 0 ]]; then f=1; fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if ((f)); then echo "FAILED: $name: $f"; fi
    if ((s)); then
      echo "skipped: $name: $s"
      sed -n 's/.*<skipped message="[^"]*&#x0A;\([^"]*\)".*/  \1/p' "$1/$name.xml" |
        sed 's/&quot;/"/g; s/&apos;/'"'"'/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g' | sort | uniq -c
    fi
  done < <(sed -n 's/.*<testcase name="\([^"]*\)".* status="\([^"]*\)".*/\1 \2/p' "$1/ctest.xml")
}

# run_tests PRESET [CTEST-ARGUMENT...]: builds and runs the programs of tests.
run_tests() {
  local preset=$1 results=$repository/.build/$1/results
  if ! build "$preset"; then
    fail "build $preset"
    return
  fi
  say "testing .build/$preset"
  rm -rf "$results"
  mkdir -p "$results"
  # Its exit code says no more than the results do, but for this.
  ctest --preset "$@" -j2 --output-junit "$results/ctest.xml" || true
  if [[ -s $results/ctest.xml ]]; then
    count_results "$results"
  else
    fail "ctest $preset"
  fi
}

# PowerShell, for the tests that run scripts, and its grammar, for those that parse them.
prepare_powershell() {
  local library tool=$HOME/.dotnet/tools/pwsh
  if ! command -v pwsh >/dev/null; then
    if ! [[ -x $tool ]] && command -v dotnet >/dev/null; then
      say "installing PowerShell"
      dotnet tool install --global PowerShell --version 7.6.9 || true
    fi
    if [[ -x $tool ]]; then
      export HCIPOL_PWSH=$tool
    else
      skip "PowerShell: there is no pwsh and no .NET SDK that installs it; the tests that need it are skipped below"
    fi
  fi
  if ! command -v npm >/dev/null; then
    install npm || true
  fi
  say "building tree-sitter's grammar of PowerShell"
  if library=$(sh tests/unit/backends/build_tree_sitter_powershell.sh .build/powershell); then
    export HCIPOL_TREE_SITTER_POWERSHELL=$library
  else
    skip "grammar of PowerShell: npm cannot fetch it; the tests that need it are skipped below"
  fi
}

# The pages that hcipolc writes, in a browser.
check_pages() {
  say "pages in a browser"
  if ! command -v chromium >/dev/null; then
    install chromium || true
  fi
  if command -v chromium >/dev/null; then
    check "pages in a browser" python3 tests/browser/check_pages.py .build/ci/compiler/driver/hcipolc
  else
    skip "pages in a browser: there is no chromium"
  fi
}

check_layout() {
  local sources
  mapfile -d '' sources < <(find compiler backends tests -name '*.h' -print0 -o -name '*.cpp' -print0)
  clang-format --dry-run -Werror "${sources[@]}"
}

check_format() {
  say "layout of the sources"
  if [[ $(clang-format --version 2>/dev/null) == *"version 14."* ]]; then
    check "clang-format" check_layout
  else
    skip "clang-format: its version is not 14"
  fi
}

# same_parser FOLDER: what was generated there is what is committed.
same_parser() {
  local file
  for file in parser.c grammar.json node-types.json; do
    diff -u "grammar/src/$file" "$1/src/$file" | head -n 40
    cmp -s "grammar/src/$file" "$1/src/$file" || return 1
  done
}

check_grammar() {
  say "grammar"
  local tool copy=$repository/.build/grammar
  tool=$(command -v tree-sitter) || tool=$repository/../shared/tools/tree-sitter
  if ! [[ -x $tool ]] || ! command -v node >/dev/null || ! "$tool" --version; then
    skip "parser.c is what grammar.js generates: no tree-sitter CLI or no node"
    skip "corpus of the grammar: no tree-sitter CLI or no node"
    return
  fi
  rm -rf "$copy"
  mkdir -p .build
  cp -r grammar "$copy"
  if (cd "$copy" && "$tool" generate --abi 14 --no-bindings); then
    check "parser.c is what grammar.js generates" same_parser "$copy"
    check "corpus of the grammar" run_in "$copy" "$tool" test
  else
    fail "grammar.js generates"
  fi
}
run_in() { (cd "$1" && shift && "$@"); }

install "${build_packages[@]}" "${test_packages[@]}"
prepare_powershell
run_tests ci
check_pages
run_tests asan-ubsan
check_format
check_grammar

say "results"
if ((skipped)); then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
((failed == 0))
