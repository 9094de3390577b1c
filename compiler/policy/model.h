// What a policy means, per cluster: names are resolved, conditions decided, features expanded.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/service.h"
#include "sema/named_set.h"
#include "sema/option.h"
#include "sema/value.h"
#include "support/date.h"
#include "support/span.h"

namespace hcipol::policy {

using sema::NamedSet;
using sema::Peers;

struct Node {
  std::string name;
  std::string site;  ///< empty in a cluster without sites
  const NamedSet* set = nullptr;
  Span span;
};

struct Site {
  std::string name;
  const NamedSet* set = nullptr;  ///< its nodes' addresses, and its own `address` if it says one
  std::vector<const Node*> nodes;
  Span span;
};

struct Proxy {
  std::string name;
  const NamedSet* set = nullptr;
  net::ServiceSet service;
  std::vector<const NamedSet*> bypass;
  Span span;
};

/// Where a rule comes from, so that every artefact can say it.
struct Origin {
  std::string module;   ///< "hci", "main"
  std::string feature;  ///< the feature's or the exception's name
  std::string rule;
  std::string feature_title;
  std::string source;  ///< the document, "" if the policy names none
  Span span;           ///< the rule
  Span enabled_at;     ///< the `enable` (or the feature that requires it), or the exception
};

/// An allow or deny of one cluster. `a <-> b` is still one rule here.
struct Rule {
  enum class Kind { allow, deny, exception };

  Kind kind = Kind::allow;
  std::string address;  ///< "hci/failover-clustering.rpc": unique in the cluster
  Origin origin;
  Peers from;
  Peers to;
  net::ServiceSet service;
  bool both_ways = false;
  bool log = false;
  std::string title;
  std::string note;
  /// Only of exceptions.
  std::optional<Date> expires;
  std::string owner;
  std::string reason;
  /// The rules of the policy that the optimiser put into this one, sorted by address; empty for a
  /// rule of the policy itself.
  std::vector<const Rule*> carries;
};

struct EnabledFeature {
  std::string module;
  std::string name;
  std::string title;
  std::string source;
  std::string because;  ///< "enabled", "required by x", "automatic"
  Span span;            ///< the feature
  Span enabled_at;
};

struct Cluster {
  std::string name;
  std::string cloud;
  Span span;
  std::vector<const Node*> nodes;
  std::vector<const Site*> sites;
  std::vector<const Proxy*> proxies;
  const NamedSet* servers = nullptr;
  /// Every set with a name of its own (roles, sites, nodes, proxies, `servers`), by name: what
  /// clipped sets are named back to.
  std::map<std::string, const NamedSet*> named;
  std::vector<EnabledFeature> features;  ///< in order of dependency
  std::deque<Rule> rules;                ///< sorted by address; never moved once here
};

/// A question about the flows of one cluster: is all of `flow` allowed, or none of it? `always
/// allow` of an invariant and `expect allow` of a test ask the first, `never allow` and `expect
/// deny` the second.
struct Check {
  bool allow = true;
  std::size_t cluster = 0;  ///< index into Policy::clusters
  sema::Flow flow;
  Span span;       ///< the whole check
  Span flow_span;  ///< its flow
};

struct Invariant {
  std::string address;  ///< "main/smb-stays-inside": unique
  std::string why;
  Span span;
  std::vector<Check> checks;  ///< one for each check and cluster that it is for
};

/// An entry of `waives` in an exception.
struct Waiver {
  std::string exception;
  std::string invariant;  ///< its address
  Span span;
};

/// A `target` block, or a backend named on the command line without one (span.file == no_file).
struct Target {
  std::string backend;
  std::string instance;  ///< "" without a second label
  Span span;

  /// "palo-alto", "palo-alto-dc-core": the folder below the cluster's.
  std::string folder() const { return instance.empty() ? backend : backend + "-" + instance; }
};

/// A text of the policy's directory that a target's option names.
struct OptionText {
  FileId file = FileId::no_file;
  std::string path;       ///< as the option says it
  std::string_view text;  ///< of the SourceMap
};

/// A target as one cluster sees it.
struct TargetView {
  const Target* target = nullptr;
  std::optional<sema::Flow> sees;
  /// Whose firewall it is, if it stands on a machine and not between machines: it decides on what
  /// that machine itself sends and receives.
  std::optional<sema::Peers> machine;
  sema::Options options;
  std::map<std::string_view, OptionText> texts;  ///< by the option's name
};

struct Policy {
  std::string name;  ///< of the `policy` block; "" without one
  std::string owner;
  Date as_of;
  std::deque<Cluster> clusters;  ///< sorted by name
  std::deque<Target> targets;    ///< sorted by folder
  /// views[c][t]: target t in cluster c.
  std::vector<std::vector<TargetView>> views;
  /// "std/hci/21h2" → its `revision`, for the manifest.
  std::map<std::string, std::string> library_revisions;

  // Owners of what the pointers above point to.
  std::deque<NamedSet> sets;
  std::deque<Node> nodes;
  std::deque<Site> sites;
  std::deque<Proxy> proxies;

  std::deque<Invariant> invariants;  ///< sorted by address
  std::vector<Waiver> waivers;
};

}  // namespace hcipol::policy
