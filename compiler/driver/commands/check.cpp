// `hcipolc check`: everything up to the artefacts; writes nothing.
#include <fmt/format.h>

#include <memory>

#include "driver/commands.h"
#include "report/invariants.h"
#include "support/text.h"

namespace hcipol::driver {

int run_check(const Options& options, Environment& environment) {
  const auto made = std::make_shared<Compilation>();
  environment.leftovers = made;
  Compilation& compilation = *made;
  if (compile(options, {}, environment, compilation)) {
    lint(environment, compilation);
    // A policy that no device could take is wrong too: the targets that it names are tried.
    forget_trees(compilation);
    emit(compilation, [](const auto&...) {});
  }
  const int code = finish(options, environment, compilation.reporter, compilation.sources);
  if (code == exit_fine && !options.quiet) {
    std::size_t rules = 0;
    for (const auto& cluster : compilation.policy.clusters) rules += cluster.rules.size();
    environment.out(fmt::format("{}, {}: no errors\n",
                                counted(compilation.policy.clusters.size(), "cluster"),
                                counted(rules, "rule")));
    environment.out(
        report::invariants_text(compilation.policy.invariants.size(), compilation.waived));
  }
  return code;
}

}  // namespace hcipol::driver
