// `hcipolc graph`: modules, features or roles in DOT.
#include "report/graph.h"

#include "driver/commands.h"
#include "driver/lone_module.h"

namespace hcipol::driver {

namespace {

// Without clusters, what the features themselves say of each other.
int graph_of_module(const Options& options, Environment& environment) {
  LoneModule module(options, environment, "graph", options.path);
  Compilation& c = module.compilation();
  std::string text;
  if (module.load()) text = report::graph_of_features(module.catalogue());
  if (!c.reporter.has_errors()) environment.out(text);
  return finish(options, environment, c.reporter, c.sources);
}

}  // namespace

int run_graph(const Options& options, Environment& environment) {
  const bool features = options.graph_of == "features";
  const bool directory = environment.files->is_directory(options.path);
  if (features && !directory && options.path.starts_with("std/")) {
    return graph_of_module(options, environment);
  }
  Compilation compilation;
  bool good = load(options, environment, compilation);
  if (good && features && directory && compilation.program->root->source->clusters.empty()) {
    return graph_of_module(options, environment);
  }
  good = good && analyse(options, {}, environment, compilation);
  const int code = finish(options, environment, compilation.reporter, compilation.sources);
  if (!good) return code;
  if (options.graph_of == "modules") {
    environment.out(report::graph_of_modules(*compilation.program));
  } else if (features) {
    environment.out(report::graph_of_features(compilation.cluster_flows()));
  } else {
    environment.out(report::graph_of_roles(compilation.cluster_flows()));
  }
  return code;
}

}  // namespace hcipol::driver
