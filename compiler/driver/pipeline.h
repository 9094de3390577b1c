// From a command line's options to a compiled policy: the passes, in order.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "backends/backend.h"
#include "diagnostics/reporter.h"
#include "driver/device_changes.h"
#include "driver/environment.h"
#include "driver/options.h"
#include "flow/effective.h"
#include "flow/flow.h"
#include "policy/build.h"
#include "policy/model.h"
#include "report/show.h"
#include "sema/evaluator.h"
#include "sema/lockfile.h"
#include "support/source.h"
#include "verify/invariants.h"
#include "verify/lints.h"

namespace hcipol::driver {

/// Everything that compiling one policy makes. It does not move: its parts point at each other.
struct Compilation {
  SourceMap sources;
  Reporter reporter;
  std::optional<sema::Program> program;
  std::optional<sema::Lock> lock;  ///< of the policy's directory, if there is one
  policy::Policy policy;
  std::deque<sema::ClusterScope> scopes;
  std::vector<std::deque<sema::FeatureScope>> features;
  std::unique_ptr<sema::Evaluator> evaluator;
  /// The flows of each cluster, in the order of policy.clusters.
  std::vector<std::vector<flow::Flow>> flows;
  std::vector<flow::Meeting> meeting;  ///< by cluster, as far as they were asked for
  bool optimise = true;                ///< devices get fewer flows with the same meaning
  /// Whether emit() reads each device's files back and proves that they mean its flows.
  bool prove = false;
  /// What the environment has in place of the program's own backends.
  std::span<const backends::Backend> backends;
  /// The invariants that exceptions break, and may.
  std::vector<verify::Waived> waived;

  /// What the passes of the policy room share; the program must have been loaded.
  policy::BuildContext context();
  std::vector<report::ClusterFlows> cluster_flows() const;
  /// Of the flows of a cluster; works out those of the clusters before it, too.
  const flow::Meeting& meeting_in(std::size_t cluster);
};

/// One file of a build.
struct BuiltFile {
  std::string cluster;
  std::string target;  ///< folder of the target
  std::string path;    ///< below the output directory: "prod/iptables/rules.v4"
  std::string text;
  std::vector<std::pair<std::string, const policy::Rule*>> rules;
  const policy::Node* node = nullptr;  ///< the server whose firewall the file is for
};

/// What a device says less exactly than the policy.
struct BuiltRemark {
  std::string cluster;
  std::string target;
  std::string code;
  std::vector<const policy::Rule*> rules;  ///< none if it concerns the whole device
  std::string text;
  std::vector<backends::Wider> wider;
};

struct Built {
  std::vector<BuiltFile> files;  ///< sorted by path
  std::vector<BuiltRemark> remarks;
  DeviceRecords devices;  ///< those that have budgets or make something
};

/// Passes 1 to 5: reads the policy's texts. Stops after the first pass that reported an error;
/// false then. `tests` says whether to read its `*.test.hcipol` files as well.
bool load(const Options& options, Environment& environment, Compilation& compilation,
          bool tests = false);

/// Passes 6 to 14: what a loaded policy means, and whether it holds; as load(). `targets` are the
/// backends named on the command line. `given` is that of a test, or null.
bool analyse(const Options& options, const std::vector<std::string>& targets,
             Environment& environment, Compilation& compilation,
             const syntax::Expr* given = nullptr);

/// load() and analyse().
bool compile(const Options& options, const std::vector<std::string>& targets,
             Environment& environment, Compilation& compilation);

/// What looks wrong about a policy without errors: warnings, reported into the compilation. Must
/// come before forget_trees().
verify::LintReport lint(Environment& environment, Compilation& compilation);

/// What passes 15 to 19 make of a cluster for one of the targets.
using TakeEmission =
    std::function<void(const policy::Cluster&, const policy::Target&, backends::Emission&)>;

/// Passes 15 to 19: every cluster for every target, or those of the backends that are `wanted`.
/// Reports into the compilation; what was taken is only good if it has no errors then.
void emit(Compilation& compilation, const TakeEmission& take,
          const std::function<bool(const backends::Backend&)>& wanted = {});
/// The same, all of it kept: what a build writes.
Built emit(Compilation& compilation);
/// The rules of the policy that a device's rule stands for: itself, or all that it carries; null
/// stands for the whole device.
std::vector<const policy::Rule*> written(const policy::Rule* rule);

/// Frees the trees, which nothing asks for once the policy is analysed and nothing is compiled from
/// them again.
void forget_trees(Compilation& compilation);
/// The same, and all else that only led to `policy` and `flows`.
void keep_flows_only(Compilation& compilation);

/// Today, as the policy sees it: `--as-of`, else SOURCE_DATE_EPOCH, else the environment's day.
/// `given` tells whether it was asked for.
Date as_of(const Options& options, const Environment& environment, bool& given);

}  // namespace hcipol::driver
