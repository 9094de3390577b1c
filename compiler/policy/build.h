// From a program to what it means: clusters, features, rules, targets.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "diagnostics/reporter.h"
#include "policy/model.h"
#include "sema/evaluator.h"
#include "sema/option.h"

namespace hcipol::policy {

/// A backend that the command line asks for, with what it declares.
struct TargetRequest {
  sema::TargetSchema schema;
  std::string_view default_sees;  ///< a flow in the language
  bool requested = false;         ///< by `--target`; needs no `target` block then
  /// The option, of the type "address", that makes a target the firewall of one machine; "" if the
  /// backend has none.
  std::string_view machine_option = {};
};

/// What the passes of this room share.
struct BuildContext {
  const sema::Program& program;
  sema::Evaluator& evaluator;
  SourceMap& sources;
  Reporter& reporter;
  Policy& policy;
  /// One scope for each cluster of the policy, in the same order.
  std::deque<sema::ClusterScope>& scopes;
  /// The features of each cluster while their rules are read, in the same order.
  std::vector<std::deque<sema::FeatureScope>>& features;
};

// The passes, in the order in which the pipeline calls them. Each reports all that it finds.

/// Reads the `policy` block, and every cluster's sites, nodes, proxies and roles.
void bind_clusters(BuildContext& context);
/// Closes each cluster's enabled features under `requires`, adds automatic ones, refuses conflicts,
/// and reads their parameters.
void resolve_features(BuildContext& context);
/// Turns every rule of every enabled feature into a Rule.
void expand_rules(BuildContext& context);
/// Adds the rules of exceptions; an expired one is an error.
void apply_exceptions(BuildContext& context);
/// Reads invariants, those of used modules included, for every cluster that they are for; and what
/// exceptions say that they waive.
void read_invariants(BuildContext& context);
/// Sends what servers ask of named hosts through the cluster's proxy.
void route_proxies(BuildContext& context);
/// Reads `target` blocks and adds the requested backends that have none.
void bind_targets(BuildContext& context, std::span<const TargetRequest> requests);

/// The index of a cluster, or nothing: then it has been reported.
std::optional<std::size_t> find_cluster(BuildContext& context, const std::string& name, Span span);

/// Reads one rule into the cluster; used by features and exceptions.
void read_rule(BuildContext& context, Cluster& cluster, const syntax::Rule& written,
               const sema::Scope& scope, Origin origin, Rule defaults);

}  // namespace hcipol::policy
