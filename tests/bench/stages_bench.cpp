// What each stage costs in one process, beside the floor that it stands on: tree-sitter's own
// parsing.
#include <benchmark/benchmark.h>
#include <tree_sitter/api.h>

#include <map>

#include "driver/pipeline.h"
#include "flow/diff.h"
#include "flow/effective.h"
#include "net/cover.h"
#include "tests/bench/boxes.h"
#include "tests/bench/elementary.h"
#include "tests/bench/memory.h"
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

/// Reading a gateway's files back and proving what they mean; by flows of a thousand lines.
void read_back(benchmark::State& state) {
  const hcipol::bench::ElementaryRules device(static_cast<unsigned>(state.range(0)));
  for (auto _ : state) {
    const std::string difference = device.difference();
    if (!difference.empty()) state.SkipWithError(difference.c_str());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(device.lines()));
}

using Lists = std::vector<std::vector<hcipol::net::Box>>;

/// 150 rules a cluster.
Lists product(std::int64_t clusters) {
  return hcipol::bench::BoxShapes().product(static_cast<std::size_t>(clusters));
}
Lists access_list(std::int64_t rules) {
  return {hcipol::bench::BoxShapes().access_list(static_cast<std::size_t>(rules))};
}
Lists crossing(std::int64_t rules) {
  return {hcipol::bench::BoxShapes().crossing(static_cast<std::size_t>(rules))};
}

/// Covered rules of each list, by unions too.
template <Lists (*lists_of)(std::int64_t)>
void covers(benchmark::State& state) {
  const Lists lists = lists_of(state.range(0));
  std::size_t rules = 0, covered = 0, by_several = 0;
  for (auto _ : state) {
    rules = covered = by_several = 0;
    for (const auto& boxes : lists) {
      rules += boxes.size();
      for (const auto& by : hcipol::net::covers(boxes)) {
        covered += by.empty() ? 0 : 1;
        by_several += by.size() > 1 ? 1 : 0;
      }
    }
  }
  state.counters["rules"] = static_cast<double>(rules);
  state.counters["covered"] = static_cast<double>(covered);
  state.counters["by_several"] = static_cast<double>(by_several);
}

/// The same as far as comparing two rules at a time goes: covered by one other.
template <Lists (*lists_of)(std::int64_t)>
void pairwise(benchmark::State& state) {
  const Lists lists = lists_of(state.range(0));
  const auto contains = [](const hcipol::net::Box& a, const hcipol::net::Box& b) {
    return a.service.contains(b.service) && a.from.contains(b.from) && a.to.contains(b.to);
  };
  std::size_t covered = 0;
  for (auto _ : state) {
    covered = 0;
    for (const auto& boxes : lists) {
      for (std::size_t i = 0; i < boxes.size(); ++i) {
        for (std::size_t j = 0; j < boxes.size(); ++j) {
          if (i == j || !contains(boxes[j], boxes[i])) continue;
          if (j > i && contains(boxes[i], boxes[j])) continue;
          ++covered;
          break;
        }
      }
    }
  }
  state.counters["covered"] = static_cast<double>(covered);
}

void count(benchmark::State& state, const hcipol::bench::Memory& memory) {
  state.counters["inputs_MiB"] = memory.before();
  state.counters["stage_MiB"] = memory.added();
}

/// All lints, without what comes before them; by clusters of 150 rules.
void lints(benchmark::State& state) {
  MemoryFileSystem files(
      {{"main.hcipol", hcipol::bench::clusters_of(static_cast<unsigned>(state.range(0)))}});
  Environment environment;
  environment.files = &files;
  environment.today = *hcipol::parse_date("2022-06-01");
  Compilation compilation;
  if (!compile(Options{}, {}, environment, compilation)) state.SkipWithError("the policy is wrong");
  const hcipol::bench::Memory memory;
  for (auto _ : state) {
    const auto report = lint(environment, compilation);
    benchmark::DoNotOptimize(report.findings.data());
  }
  count(state, memory);
  state.SetComplexityN(state.range(0));
}

/// Clusters of 150 rules in the product's shape, one rule in twelve a deny. With `edited`, one
/// rule in a hundred asks for another port.
struct Company {
  Company(std::int64_t clusters, bool edited) {
    const auto boxes = hcipol::bench::BoxShapes().product(static_cast<std::size_t>(clusters));
    std::size_t number = 0;
    for (std::size_t c = 0; c < boxes.size(); ++c) {
      auto& cluster = policy.clusters.emplace_back();
      cluster.name = fmt::format("c{:03}", c);
      auto& list = flows.emplace_back();
      known_.clear();
      for (const hcipol::net::Box& box : boxes[c]) {
        auto& rule = cluster.rules.emplace_back();
        rule.address = fmt::format("main/f.r{:03}", cluster.rules.size());
        const bool deny = number % 12 == 0;
        rule.kind = deny ? hcipol::policy::Rule::Kind::deny : hcipol::policy::Rule::Kind::allow;
        const bool other = edited && number % 100 == 7;
        ++number;
        list.push_back({rule.kind,
                        {set(box.from)},
                        {set(box.to)},
                        other ? hcipol::net::ServiceSet::ports(6, 20001, 20001) : box.service,
                        &rule,
                        rule.address});
      }
    }
    policy.views.resize(policy.clusters.size());
  }
  hcipol::flow::PolicyFlows both() const { return {&policy, &flows}; }

  hcipol::policy::Policy policy;
  std::vector<std::vector<hcipol::flow::Flow>> flows;

 private:
  /// One for a cluster, however many rules name it.
  const hcipol::policy::NamedSet* set(const hcipol::net::PeerSet& members) {
    const hcipol::policy::NamedSet*& known = known_[members];
    if (known != nullptr) return known;
    auto& made = policy.sets.emplace_back();
    made.name = fmt::format("set-{}", policy.sets.size());
    made.set = members;
    return known = &made;
  }

  std::map<hcipol::net::PeerSet, const hcipol::policy::NamedSet*> known_;
};

/// What `plan` adds to compiling both sides, up to the rows with their names.
void plan(benchmark::State& state) {
  const Company base(state.range(0), false), head(state.range(0), true);
  const hcipol::bench::Memory memory;
  for (auto _ : state) {
    hcipol::Reporter reporter;
    const auto diff = hcipol::flow::diff(base.both(), head.both(), reporter);
    if (diff.empty()) state.SkipWithError("no change");
    benchmark::DoNotOptimize(diff.clusters.data());
  }
  count(state, memory);
  state.SetComplexityN(state.range(0));
}

/// Beside it: the same differences from all flows, without rows.
void full_difference(benchmark::State& state) {
  const Company base(state.range(0), false), head(state.range(0), true);
  for (auto _ : state) {
    bool changed = false;
    for (std::size_t i = 0; i < base.flows.size(); ++i) {
      auto boxes = hcipol::flow::boxes(base.flows[i]);
      for (auto& box : hcipol::flow::boxes(head.flows[i])) boxes.push_back(std::move(box));
      hcipol::net::PacketUniverse universe(boxes);
      const auto before = hcipol::flow::effective(universe, base.flows[i]);
      const auto after = hcipol::flow::effective(universe, head.flows[i]);
      changed = changed || !(after - before).empty();
    }
    if (!changed) state.SkipWithError("no change");
  }
  state.SetComplexityN(state.range(0));
}

constexpr std::int64_t smallest = 1000;
constexpr std::int64_t largest = 16000;

}  // namespace

BENCHMARK(tree_sitter)->RangeMultiplier(4)->Range(smallest, largest)->Complexity();
BENCHMARK(check)->RangeMultiplier(4)->Range(smallest, largest)->Complexity();
BENCHMARK(lints)->Arg(75)->Arg(300)->Arg(1000)->Complexity()->Unit(benchmark::kMillisecond);
BENCHMARK(azure_firewall)->RangeMultiplier(4)->Range(smallest, largest)->Complexity();
BENCHMARK(iptables)->RangeMultiplier(4)->Range(smallest, largest)->Complexity();
BENCHMARK(palo_alto)->RangeMultiplier(4)->Range(smallest, largest)->Complexity();
BENCHMARK(windows_firewall)->RangeMultiplier(4)->Range(smallest, largest)->Complexity();
BENCHMARK(read_back)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK_TEMPLATE(covers, product)->Arg(300)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK_TEMPLATE(pairwise, product)->Arg(300)->Unit(benchmark::kMillisecond);
BENCHMARK_TEMPLATE(covers, access_list)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);
BENCHMARK_TEMPLATE(pairwise, access_list)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);
BENCHMARK_TEMPLATE(covers, crossing)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);
BENCHMARK_TEMPLATE(pairwise, crossing)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

BENCHMARK(plan)->Arg(30)->Arg(300)->Complexity()->Unit(benchmark::kMillisecond);
BENCHMARK(full_difference)->Arg(30)->Arg(300)->Complexity()->Unit(benchmark::kMillisecond);

BENCHMARK_MAIN();
