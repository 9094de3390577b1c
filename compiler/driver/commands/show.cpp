// `hcipolc show`: the expanded rule table.
#include "report/show.h"

#include "driver/commands.h"

namespace hcipol::driver {

int run_show(const Options& options, Environment& environment) {
  Compilation compilation;
  const bool good = compile(options, {}, environment, compilation);
  const int code = finish(options, environment, compilation.reporter, compilation.sources);
  if (!good) return code;
  const auto clusters = compilation.cluster_flows();
  environment.out(options.json ? report::show_json(clusters, compilation.sources)
                               : report::show_table(clusters));
  return code;
}

}  // namespace hcipol::driver
