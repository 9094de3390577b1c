#!/bin/sh
# Builds tree-sitter's PowerShell grammar as OUTDIR/libtree_sitter_powershell.so, for the tests that parse scripts.
# usage: build_tree_sitter_powershell.sh OUTDIR     (needs npm and a C compiler; prints the library's path)
set -eu

version=0.25.9 # ABI 14, which libtree-sitter 0.20 can load
out=${1:?usage: $0 OUTDIR}
mkdir -p "$out"
out=$(cd "$out" && pwd)
library=$out/libtree_sitter_powershell.so

if [ ! -s "$library" ]; then
  work=$(mktemp -d "$out/work.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  (cd "$work" && npm pack --silent "tree-sitter-powershell@$version" >/dev/null && tar xzf ./*.tgz)
  "${CC:-cc}" -shared -fPIC -O1 -w -I "$work/package/src" -o "$library.new" "$work"/package/src/*.c
  mv "$library.new" "$library"
fi
echo "$library"
