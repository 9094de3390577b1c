// From a command line's options to a compiled policy: the passes, in order.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "diagnostics/reporter.h"
#include "driver/environment.h"
#include "driver/options.h"
#include "flow/flow.h"
#include "policy/model.h"
#include "report/show.h"
#include "sema/evaluator.h"
#include "support/source.h"

namespace hcipol::driver {

/// Everything that compiling one policy makes. It does not move: its parts point at each other.
struct Compilation {
  SourceMap sources;
  Reporter reporter;
  std::optional<sema::Program> program;
  policy::Policy policy;
  std::deque<sema::ClusterScope> scopes;
  std::vector<std::deque<sema::FeatureScope>> features;
  std::unique_ptr<sema::Evaluator> evaluator;
  /// The flows of each cluster, in the order of policy.clusters.
  std::vector<std::vector<flow::Flow>> flows;

  std::vector<report::ClusterFlows> cluster_flows() const;
};

/// One file of a build.
struct BuiltFile {
  std::string cluster;
  std::string target;  ///< folder of the target
  std::string path;    ///< below the output directory: "prod/iptables/rules.v4"
  std::string text;
  std::vector<std::pair<std::string, const policy::Rule*>> rules;
};

/// What a device says less exactly than the policy.
struct BuiltRemark {
  std::string cluster;
  std::string target;
  std::string code;
  const policy::Rule* rule = nullptr;
  std::string text;
};

struct Built {
  std::vector<BuiltFile> files;  ///< sorted by path
  std::vector<BuiltRemark> remarks;
};

/// Passes 1 to 13: reads and checks the policy. Stops after the first pass that reported an error;
/// false then. `targets` are the backends named on the command line.
bool compile(const Options& options, const std::vector<std::string>& targets,
             Environment& environment, Compilation& compilation);

/// Passes 14 to 16: every cluster for every target. Reports into the compilation; the result is
/// only good if it has no errors then.
Built emit(Compilation& compilation);

/// Today, as the policy sees it: `--as-of`, else SOURCE_DATE_EPOCH, else the environment's day.
/// `given` tells whether it was asked for.
Date as_of(const Options& options, const Environment& environment, bool& given);

}  // namespace hcipol::driver
