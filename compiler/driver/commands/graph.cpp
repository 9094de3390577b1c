// `hcipolc graph`: modules, features or roles in DOT.
#include "report/graph.h"

#include "driver/commands.h"

namespace hcipol::driver {

int run_graph(const Options& options, Environment& environment) {
  Compilation compilation;
  const bool good = compile(options, {}, environment, compilation);
  const int code = finish(options, environment, compilation.reporter, compilation.sources);
  if (!good) return code;
  if (options.graph_of == "modules") {
    environment.out(report::graph_of_modules(*compilation.program));
  } else if (options.graph_of == "roles") {
    environment.out(report::graph_of_roles(compilation.cluster_flows()));
  } else {
    environment.out(report::graph_of_features(compilation.cluster_flows()));
  }
  return code;
}

}  // namespace hcipol::driver
