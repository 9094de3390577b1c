#!/usr/bin/env bash
# Installs what is missing (Debian 12), builds hcipolc, and compiles every example for all targets.
# usage: bash examples/run.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/setup.sh"

install "${build_packages[@]}"
build release --target hcipolc

say "compiling the examples"
for example in examples/[0-9]*/; do
  example=${example%/}
  .build/release/compiler/driver/hcipolc build "$example" -t "$(targets_of "$example")" -o "$example/build"
done

say "done"
for example in examples/[0-9]*/; do
  printf '%-32s %s files in %s\n' "$(basename "$example")" \
    "$(find "$example/build" -type f | wc -l)" "$repository/${example}build"
done
echo "The compiler is $repository/.build/release/compiler/driver/hcipolc"
