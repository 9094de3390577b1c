// What each stage costs in one process, beside the floor that it stands on: tree-sitter's own
// parsing.
#include <benchmark/benchmark.h>
#include <tree_sitter/api.h>

#include "driver/pipeline.h"
#include "tests/bench/policies.h"

extern "C" const TSLanguage* tree_sitter_hcipol();

namespace {

using hcipol::MemoryFileSystem;
using namespace hcipol::driver;

/// Floor: tree-sitter parsing the text, nothing else.
void tree_sitter(benchmark::State& state) {
  const std::string text = hcipol::bench::policy_of(static_cast<unsigned>(state.range(0)));
  TSParser* parser = ts_parser_new();
  ts_parser_set_language(parser, tree_sitter_hcipol());
  for (auto _ : state) {
    TSTree* tree = ts_parser_parse_string(parser, nullptr, text.data(),
                                          static_cast<std::uint32_t>(text.size()));
    benchmark::DoNotOptimize(tree);
    ts_tree_delete(tree);
  }
  ts_parser_delete(parser);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  state.SetComplexityN(state.range(0));
}

void run(benchmark::State& state, const std::vector<std::string>& targets) {
  MemoryFileSystem files(
      {{"main.hcipol", hcipol::bench::policy_of(static_cast<unsigned>(state.range(0)))}});
  Environment environment;
  environment.files = &files;
  environment.today = *hcipol::parse_date("2022-06-01");
  for (auto _ : state) {
    Compilation compilation;
    const bool good = compile(Options{}, targets, environment, compilation);
    const Built built = emit(compilation);
    if (!good || (built.files.empty() && !targets.empty()))
      state.SkipWithError("the policy is wrong");
    benchmark::DoNotOptimize(built.files.data());
  }
  state.SetComplexityN(state.range(0));
}

void check(benchmark::State& state) {
  run(state, {});
}
void azure_firewall(benchmark::State& state) {
  run(state, {"azure-firewall"});
}
void iptables(benchmark::State& state) {
  run(state, {"iptables"});
}
void palo_alto(benchmark::State& state) {
  run(state, {"palo-alto"});
}
void windows_firewall(benchmark::State& state) {
  run(state, {"windows-firewall"});
}

constexpr std::int64_t smallest = 1000;
constexpr std::int64_t largest = 16000;

}  // namespace

BENCHMARK(tree_sitter)->RangeMultiplier(4)->Range(smallest, largest)->Complexity();
BENCHMARK(check)->RangeMultiplier(4)->Range(smallest, largest)->Complexity();
BENCHMARK(azure_firewall)->RangeMultiplier(4)->Range(smallest, largest)->Complexity();
BENCHMARK(iptables)->RangeMultiplier(4)->Range(smallest, largest)->Complexity();
BENCHMARK(palo_alto)->RangeMultiplier(4)->Range(smallest, largest)->Complexity();
BENCHMARK(windows_firewall)->RangeMultiplier(4)->Range(smallest, largest)->Complexity();

BENCHMARK_MAIN();
