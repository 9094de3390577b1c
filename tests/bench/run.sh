#!/usr/bin/env bash
# Measures speed and memory: stages in one process (Google Benchmark), then the whole program.
# usage: bash tests/bench/run.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../../examples/setup.sh"

install "${build_packages[@]}" libgtest-dev librapidcheck-dev libbdd-dev libbenchmark-dev
build ci --target hcipolc stages_bench program_bench
.build/ci/tests/stages_bench --benchmark_counters_tabular=true
.build/ci/tests/program_bench .build/ci/compiler/driver/hcipolc
