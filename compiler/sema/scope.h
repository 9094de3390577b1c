// What names mean at a place: the module, the cluster, the feature, and the variables of `for`.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sema/module.h"
#include "sema/value.h"

namespace hcipol::sema {

/// A cluster as expressions see it; the policy room fills it.
struct ClusterScope {
  struct Node {
    std::string name;
    std::string site;
    const NamedSet* set = nullptr;
  };
  struct Site {
    std::string name;
    const NamedSet* set = nullptr;
    std::vector<std::string> nodes;
  };

  std::string name;
  std::string cloud;
  std::string region;  ///< "westeurope"; empty in a cluster that names none
  Span region_at;      ///< where it does
  Span span;
  std::vector<Node> nodes;
  std::vector<Site> sites;
  std::map<std::string, const NamedSet*, std::less<>> proxies;
  const NamedSet* servers = nullptr;
  /// Roles that the cluster binds, by declaration.
  std::map<Declared, const NamedSet*> roles;
  /// The features that the cluster has, once they are chosen.
  std::optional<std::set<Declared>> features;

  bool stretched() const { return sites.size() >= 2; }
};

/// A feature while its rules are read: its parameters have their values.
struct FeatureScope {
  Declared feature;
  /// Endpoints that stand in the feature itself.
  std::map<std::string_view, const syntax::Block*> endpoints;
  std::map<std::string, Value, std::less<>> parameters;
  /// While the parameters are read: reads one that another's default mentions, or reports why not.
  std::function<void(std::string_view name, Span used_at)> read_parameter;
  /// Where it is enabled, for "because this needs it".
  Span enabled_at;
  /// What it requires, in the order of the file: "hci/arc-servers".
  std::vector<std::string> needs;
};

/// A variable of a `for`, and the ones around it.
struct Bound {
  std::string_view name;
  const Value* value = nullptr;
  const Bound* outer = nullptr;
};

struct Scope {
  const Module* module = nullptr;
  const ClusterScope* cluster = nullptr;
  const FeatureScope* feature = nullptr;
  const Bound* bound = nullptr;
  /// The rule that is being read, for messages about what it needs.
  const syntax::Rule* rule = nullptr;
  /// Roles that the cluster does not bind and that are empty here instead of a mistake.
  const std::map<Declared, const NamedSet*>* unbound = nullptr;
};

/// Names that stand for namespaces or sets without being declared.
inline constexpr std::array<std::string_view, 6> builtin_names = {"any",      "icmp",    "icmpv6",
                                                                  "internet", "private", "servers"};

}  // namespace hcipol::sema
