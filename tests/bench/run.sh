#!/usr/bin/env bash
# Measures speed and memory: stages in one process (Google Benchmark), the whole program, and packets through gateways.
# usage: bash tests/bench/run.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../../examples/setup.sh"

install "${build_packages[@]}" libgtest-dev librapidcheck-dev libbdd-dev libbenchmark-dev \
  iptables ipset nftables iproute2 util-linux
build ci --target hcipolc stages_bench program_bench packet_bench
.build/ci/tests/stages_bench --benchmark_counters_tabular=true
.build/ci/tests/program_bench .build/ci/compiler/driver/hcipolc
.build/ci/tests/packet_bench
