// The whole program on the disk: CPU time and memory of `hcipolc`, as ratios to two floors measured
// in the same run: tree-sitter parsing the same text, and writing the same bytes. usage:
// program_bench HCIPOLC [RUNS]
#include <sys/resource.h>
#include <sys/wait.h>
#include <tree_sitter/api.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/bench/policies.h"

extern "C" const TSLanguage* tree_sitter_hcipol();

namespace {

namespace fs = std::filesystem;
namespace bench = hcipol::bench;

double seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}
double cpu(const rusage& usage) {
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double own_cpu() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return cpu(usage);
}

struct Cost {
  double cpu = 0;   ///< seconds, user and system
  long memory = 0;  ///< KiB, largest resident set
};

Cost run(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::fflush(stdout);  // or the child would print it again
  const pid_t child = fork();
  if (child == 0) {
    if (std::freopen("/dev/null", "w", stdout) == nullptr) _exit(127);
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(127);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) < 0 || status != 0) {
    fmt::print(stderr, "{} failed\n", words[0]);
    std::exit(1);
  }
  return {cpu(usage), usage.ru_maxrss};
}

template <class F>
double median(unsigned runs, F&& measure) {
  std::vector<double> values;
  for (unsigned i = 0; i < runs; ++i) values.push_back(measure());
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double parse_floor(const std::string& text) {
  const double before = own_cpu();
  TSParser* parser = ts_parser_new();
  ts_parser_set_language(parser, tree_sitter_hcipol());
  ts_tree_delete(ts_parser_parse_string(parser, nullptr, text.data(),
                                        static_cast<std::uint32_t>(text.size())));
  ts_parser_delete(parser);
  return own_cpu() - before;
}

double write_floor(const std::vector<std::string>& texts, const fs::path& folder) {
  const double before = own_cpu();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::ofstream(folder / fmt::format("floor-{}", i), std::ios::binary) << texts[i];
  }
  return own_cpu() - before;
}

void measure(const std::string& program, unsigned rules, unsigned runs, const fs::path& folder) {
  const std::string text = bench::policy_of(rules);
  const fs::path policy = folder / "policy";
  fs::create_directories(policy);
  std::ofstream(policy / "main.hcipol", std::ios::binary) << text;
  const fs::path out = folder / "out";
  Cost cost;
  const std::vector<std::string> build{
      program, "build", policy, "-o",
      out,     "-q",    "-t",   "azure-firewall,iptables,nftables,palo-alto,windows-firewall"};
  std::vector<std::string> unproved = build;
  unproved.emplace_back("--no-verify");
  const double no_verify = median(runs, [&] {
    fs::remove_all(out);
    return run(unproved).cpu;
  });
  const double total = median(runs, [&] {
    fs::remove_all(out);
    cost = run(build);
    return cost.cpu;
  });
  std::vector<std::string> texts;
  std::size_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(out)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    texts.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    bytes += texts.back().size();
  }
  const double parse = median(runs, [&] { return parse_floor(text); });
  const double write = median(runs, [&] { return write_floor(texts, folder); });
  fmt::print(
      "{:>6} {:>8.1f} {:>8.1f} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f} {:>8.1f} {:>8.1f}\n",
      rules, static_cast<double>(text.size()) / 1e3, static_cast<double>(bytes) / 1e6, total,
      total - no_verify, parse, write, total - parse, total / (parse + write),
      static_cast<double>(cost.memory) / 1024);
}

void write_policy(const fs::path& folder, const std::string& text) {
  fs::create_directories(folder);
  std::ofstream(folder / "main.hcipol", std::ios::binary) << text;
}

/// `check` with all lints, and `plan` of one rule in a hundred, of clusters in the product's shape.
void measure_company(const std::string& program, unsigned clusters, bool devices, unsigned runs,
                     const fs::path& folder) {
  std::string targets;
  if (devices) {
    for (const auto* target : {"azure-firewall", "iptables", "nftables", "palo-alto"}) {
      targets += fmt::format("\ntarget \"{}\" {{}}\n", target);
    }
    targets += "\ntarget \"windows-firewall\" { names = \"dynamic-keywords\" }\n";
  }
  const fs::path base = folder / "base", head = folder / "head";
  write_policy(base, bench::clusters_of(clusters) + targets);
  write_policy(head, bench::clusters_of(clusters, true) + targets);
  Cost check, plan;
  const double check_cpu = median(runs, [&] {
    check = run({program, "check", "-q", head});
    return check.cpu;
  });
  const double plan_cpu = median(runs, [&] {
    plan = run({program, "plan", "--base", base, head});
    return plan.cpu;
  });
  fmt::print("{:>6} {:>7} {:>9.3f} {:>8.1f} {:>9.3f} {:>8.1f}\n", clusters * 150,
             devices ? "every" : "none", check_cpu, static_cast<double>(check.memory) / 1024,
             plan_cpu, static_cast<double>(plan.memory) / 1024);
}

/// One device of each cluster: written, read back and proved.
void measure_proof(const std::string& program, unsigned clusters, const std::string& target,
                   unsigned runs, const fs::path& folder) {
  const bench::Company company = bench::company_of(clusters);
  write_policy(folder / "company", company.text);
  const fs::path out = folder / "out";
  const std::vector<std::string> build{program, "build", folder / "company", "-o", out, "-q",
                                       "-t",    target};
  std::vector<std::string> unproved = build;
  unproved.emplace_back("--no-verify");
  Cost cost;
  const auto cpu = [&](const std::vector<std::string>& words) {
    return median(runs, [&] {
      fs::remove_all(out);
      cost = run(words);
      return cost.cpu;
    });
  };
  const double no_verify = cpu(unproved);
  const double total = cpu(build);
  const double parse = median(runs, [&] { return parse_floor(company.text); });
  const double millions = static_cast<double>(company.elementary_rules) / 1e6;
  const double proof = std::max(total - no_verify, 1e-3);
  fmt::print("{:>6} {:>17} {:>10.2f} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.1f} {:>8.1f}\n",
             clusters * 150, target, millions, total, total - parse, proof, millions / proof,
             static_cast<double>(cost.memory) / 1024);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: program_bench HCIPOLC [RUNS]\n");
    return 3;
  }
  const unsigned runs = argc > 2 ? static_cast<unsigned>(std::max(1, std::atoi(argv[2]))) : 5;
  const fs::path folder = fs::temp_directory_path() / fmt::format("hcipol-bench-{}", getpid());
  fmt::print("CPU seconds (user + system), median of {}; every target, two servers\n", runs);
  fmt::print("{:>6} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8} {:>8}\n", "rules", "kB in",
             "MB out", "build", "proof", "parse", "write", "beyond", "ratio", "MiB");
  for (const unsigned rules : {100u, 1000u, 2500u, 5000u, 10000u, 20000u}) {
    measure(argv[1], rules, runs, folder);
  }
  const double start = median(4 * runs, [&] { return run({argv[1], "version"}).cpu; });
  fmt::print("cold start of `version`: {:.1f} ms of CPU\n", start * 1e3);
  fmt::print(
      "proof = build - build with --no-verify; ratio = build / (parse + write); parse: tree-sitter "
      "on the same text; write: the same "
      "bytes;\n"
      "beyond = build - parse\n");
  fmt::print("\nclusters of 150 rules; plan: one rule in a hundred asks for another port\n");
  fmt::print("{:>6} {:>7} {:>9} {:>8} {:>9} {:>8}\n", "rules", "targets", "check", "MiB", "plan",
             "MiB");
  for (const unsigned clusters : {300u, 1000u}) {
    for (const bool devices : {false, true}) {
      measure_company(argv[1], clusters, devices, runs, folder);
    }
  }
  fmt::print(
      "\nclusters of 150 rules with long lists; elementary: millions of rules without sets\n");
  fmt::print("{:>6} {:>17} {:>10} {:>9} {:>9} {:>9} {:>9} {:>8}\n", "rules", "target", "elementary",
             "build", "beyond", "proof", "M/s", "MiB");
  for (const unsigned clusters : {18u, 50u}) {
    for (const auto* target :
         {"azure-firewall", "iptables", "nftables", "palo-alto", "windows-firewall"}) {
      measure_proof(argv[1], clusters, target, runs, folder);
    }
  }
  fs::remove_all(folder);
}
