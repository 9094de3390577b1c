// `hcipolc explain CODE`: the long form of a diagnostic.
#include "diagnostics/explain.h"

#include <fmt/format.h>

#include "driver/commands.h"
#include "support/text.h"

namespace hcipol::driver {

int run_explain(const Options& options, Environment& environment) {
  if (const auto page = explain(options.code)) {
    environment.out(*page);
    return exit_fine;
  }
  std::vector<std::string> codes;
  for (const CatalogueEntry& known : catalogue) codes.emplace_back(known.code);
  Reporter reporter;
  reporter
      .report<Diag::bad_command_line>(
          Span{}, fmt::format("there is no diagnostic `{}`", one_line(options.code, 40)))
      .suggest(did_you_mean(options.code, codes));
  return finish(options, environment, reporter, SourceMap());
}

}  // namespace hcipol::driver
