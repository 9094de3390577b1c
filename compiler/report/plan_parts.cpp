// Words for rows, causes, risks and devices.
#include "report/plan_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "flow/effective.h"
#include "support/text.h"

namespace hcipol::report {

namespace {

using flow::Cause;
using flow::Effect;
using flow::Risk;
using Kind = policy::Rule::Kind;

constexpr std::size_t most_names = 4;  ///< of one side of a row

const PlanSide& side_of(const flow::Row& row, const Plan& plan) {
  return row.effect == Effect::opens ? plan.head : plan.base;
}

// A policy's author edits the `enable`, not the library.
Span reader_place(const policy::Origin& origin, const SourceMap& sources) {
  const bool enabled = origin.enabled_at.file != FileId::no_file;
  const bool library = origin.span.file != FileId::no_file &&
                       sources.file(origin.span.file).path.starts_with("std/");
  return library && enabled ? origin.enabled_at : origin.span;
}

// What brought the row: a server, or the rule.
Span place_of(const flow::Row& row, const flow::ClusterDiff& cluster, const SourceMap& sources) {
  const auto* here = row.effect == Effect::opens ? cluster.head : cluster.base;
  if (row.cause == Cause::server) {
    for (const policy::Node* node : here->nodes) {
      const net::PeerSet& set = node->set->set;
      const bool one = set.contains(row.around.from) || set.contains(row.around.to);
      if (one && node->span.file != FileId::no_file) return node->span;
    }
  }
  return reader_place(row.flow->rule->origin, sources);
}

// "service tag AzureMonitor".
std::string tag_of(const flow::Flow& flow) {
  for (const auto* sets : {&flow.from, &flow.to}) {
    for (const policy::NamedSet* set : *sets) {
      if (set->is_tag_only()) return "service tag " + set->tag;
    }
  }
  return "a service tag";
}

std::string why(const flow::Row& row, const flow::ClusterDiff& cluster, const Plan& plan) {
  const bool opens = row.effect == Effect::opens;
  const policy::Rule& rule = *row.flow->rule;
  if (cluster.base == nullptr) return "new cluster";
  if (cluster.head == nullptr) return "cluster gone";
  switch (row.cause) {
    case Cause::server: return opens ? "new server" : "server gone";
    case Cause::feature: return opens ? "feature now enabled" : "feature no longer enabled";
    case Cause::rule:
      if (rule.kind == Kind::exception) return opens ? "new exception" : "exception gone";
      return opens ? "new rule" : "rule gone";
    case Cause::source: return opens ? "wider source" : "narrower source";
    case Cause::destination: return opens ? "wider destination" : "narrower destination";
    case Cause::service: return opens ? "more services" : "fewer services";
    case Cause::several: return opens ? "wider rule" : "narrower rule";
    case Cause::tag:
      return (opens ? "new prefixes of " : "prefixes gone from ") + tag_of(*row.flow);
    case Cause::deny: break;
  }
  const PlanSide& other = opens ? plan.base : plan.head;
  const std::string place =
      place_text(reader_place(row.deny->origin, *other.sources), *other.sources);
  return fmt::format("{} {} ({})", opens ? "no longer denied by" : "now denied by",
                     row.deny->address, place);
}

std::string risk_text(Risk risk, const policy::Rule& rule) {
  if (risk == Risk::expiring) return "until " + to_string(rule.expires.value());
  return std::string(word(risk));
}

// ---- devices

bool seen(const net::Box& part, const policy::TargetView& view) {
  const auto boxes = flow::seen_by(view);
  return std::any_of(boxes.begin(), boxes.end(),
                     [&](const net::Box& box) { return flow::carried(part & box); });
}

// On the way to the server or from it.
bool at_node(const net::Box& part, const policy::Node& node) {
  return flow::carried({part.from, part.to & node.set->set, part.service}) ||
         flow::carried({part.from & node.set->set, part.to, part.service});
}

template <class Test>
Counts count_if(const flow::ClusterDiff& cluster, Test test) {
  Counts out;
  for (const flow::Row& row : cluster.rows) {
    if (!std::any_of(row.parts.begin(), row.parts.end(), test)) continue;
    ++(row.effect == Effect::opens ? out.opens : out.closes);
  }
  return out;
}

std::string changes(const Counts& counts) {
  if (counts.opens + counts.closes == 0) return "no change";
  std::string out;
  if (counts.opens > 0) out += fmt::format("+{}", counts.opens);
  if (counts.closes > 0) out += fmt::format("{}-{}", out.empty() ? "" : " ", counts.closes);
  return out;
}

const policy::TargetView* view_of(const policy::Policy& policy, const policy::Cluster* cluster,
                                  const std::string& folder) {
  for (std::size_t i = 0; i < policy.clusters.size(); ++i) {
    if (&policy.clusters[i] != cluster) continue;
    for (const policy::TargetView& view : policy.views[i]) {
      if (view.target->folder() == folder) return &view;
    }
  }
  return nullptr;
}

// By its names: a role that has another member is said by the rows.
bool same_view(const policy::TargetView& a, const policy::TargetView& b) {
  if (!a.sees || !b.sees) return a.sees.has_value() == b.sees.has_value();
  return flow::names(a.sees->from.parts) == flow::names(b.sees->from.parts) &&
         flow::names(a.sees->to.parts) == flow::names(b.sees->to.parts) &&
         a.sees->service == b.sees->service && a.sees->both_ways == b.sees->both_ways;
}

// Servers with the same figures are named together.
std::string by_server(const flow::ClusterDiff& cluster, const policy::TargetView& view) {
  std::map<std::string, std::vector<std::string>> servers;
  std::vector<std::string> order;
  for (const policy::Node* node : cluster.head->nodes) {
    const Counts counts = count_if(
        cluster, [&](const net::Box& part) { return seen(part, view) && at_node(part, *node); });
    auto& names = servers[changes(counts)];
    if (names.empty()) order.push_back(changes(counts));
    names.push_back(node->name);
  }
  if (order.size() == 1)
    return order.front() == "no change" ? order.front() : "each server: " + order.front();
  std::string out;
  for (const std::string& text : order) {
    if (!out.empty()) out += " · ";
    out += fmt::format("{}: {}", some_of(servers[text], 8), text);
  }
  return out;
}

DeviceWords device(const flow::ClusterDiff& cluster, const policy::TargetView& view,
                   const Plan& plan) {
  const std::string folder = view.target->folder();
  const Counts counts = count_if(cluster, [&](const net::Box& part) { return seen(part, view); });
  DeviceWords out{folder, changes(counts), counts.opens + counts.closes > 0};
  if (out.changed && plan.host_backends.contains(view.target->backend)) {
    out.changes = by_server(cluster, view);
  }
  if (cluster.base == nullptr) return out;
  const auto* before = view_of(*plan.base.policy.policy, cluster.base, folder);
  if (before == nullptr) {
    out.changes += " (new target: all of its rules are new there)";
  } else if (!same_view(*before, view)) {
    out.changes += " (and its `sees` changed: compare its build)";
  } else {
    return out;
  }
  out.changed = true;
  return out;
}

}  // namespace

std::string_view word(Effect effect) {
  return effect == Effect::opens ? "opens" : "closes";
}

std::string_view word(Cause cause) {
  switch (cause) {
    case Cause::server: return "server";
    case Cause::feature: return "feature";
    case Cause::rule: return "rule";
    case Cause::source: return "source";
    case Cause::destination: return "destination";
    case Cause::service: return "service";
    case Cause::several: return "several";
    case Cause::tag: return "tag";
    case Cause::deny: break;
  }
  return "deny";
}

std::string_view word(Risk risk) {
  switch (risk) {
    case Risk::any_source: return "any source";
    case Risk::internet: return "from the Internet";
    case Risk::management: return "management port";
    case Risk::many_ports: return "over 1,000 ports";
    case Risk::widened: return "wider on a device";
    case Risk::waived: return "invariant waived";
    case Risk::expiring: break;
  }
  return "expiring";
}

std::string_view change_of(const flow::ClusterDiff& cluster) {
  if (cluster.base == nullptr) return "new";
  if (cluster.head == nullptr) return "gone";
  return cluster.rows.empty() ? "unchanged" : "changed";
}

std::string place_text(Span span, const SourceMap& sources) {
  if (span.file == FileId::no_file) return {};
  return fmt::format("{}:{}", sources.file(span.file).path, sources.line_of(span.file, span.begin));
}

RowWords words(const flow::Row& row, const flow::ClusterDiff& cluster, const Plan& plan) {
  const policy::Rule& rule = *row.flow->rule;
  const SourceMap& sources = *side_of(row, plan).sources;
  RowWords out;
  out.from = some_of(row.from, most_names);
  out.to = some_of(row.to, most_names);
  out.service = net::to_string(row.around.service);
  out.rule = rule.kind == Kind::exception ? "exception " + rule.origin.feature : rule.address;
  out.place = place_text(place_of(row, cluster, sources), sources);
  out.because = why(row, cluster, plan);
  if (row.parts.size() > 1) {
    out.because +=
        fmt::format("; only {} of this, listed by --json", counted(row.parts.size(), "part"));
  }
  for (const Risk risk : row.risks) out.risks.push_back(risk_text(risk, rule));
  return out;
}

std::vector<DeviceWords> devices(const flow::ClusterDiff& cluster, const Plan& plan) {
  std::vector<DeviceWords> out;
  const auto views = [&](const PlanSide& side, const policy::Cluster* of) {
    const policy::Policy& policy = *side.policy.policy;
    for (std::size_t i = 0; i < policy.clusters.size(); ++i) {
      if (&policy.clusters[i] == of) return std::span(policy.views[i]);
    }
    return std::span<const policy::TargetView>();
  };
  if (cluster.head != nullptr) {
    for (const auto& view : views(plan.head, cluster.head))
      out.push_back(device(cluster, view, plan));
  }
  for (const auto& view : views(plan.base, cluster.base)) {
    const std::string folder = view.target->folder();
    if (view_of(*plan.head.policy.policy, cluster.head, folder) != nullptr) continue;
    out.push_back({folder, "no longer built", true});
  }
  return out;
}

std::vector<std::string> tags(const flow::ClusterDiff& cluster) {
  std::vector<std::string> out;
  for (const flow::TagChange& change : cluster.tags) {
    out.push_back(fmt::format(
        "service tag {} of {}: +{} -{} prefixes; it is known by its names, so only devices that "
        "use "
        "its addresses change",
        change.tag, change.endpoint, change.added.cidrs().size(), change.removed.cidrs().size()));
  }
  return out;
}

std::string exceptions(const Plan& plan) {
  std::set<std::string> active;
  for (const policy::Cluster& cluster : plan.head.policy.policy->clusters) {
    for (const policy::Rule& rule : cluster.rules) {
      if (!rule.expires) continue;
      active.insert(fmt::format("{} until {}", rule.origin.feature, to_string(*rule.expires)));
    }
  }
  return active.empty() ? "none"
                        : some_of(std::vector<std::string>(active.begin(), active.end()), 6);
}

std::string invariants(const Plan& plan) {
  if (!plan.invariants) return "not known: a policy that was written down has none";
  const InvariantTotals& totals = *plan.invariants;
  std::set<std::string> waived, by;
  for (const verify::Waived& one : totals.waived) {
    waived.insert(one.invariant);
    by.insert(fmt::format("{} by {}", one.invariant, one.exception));
  }
  if (totals.declared == 0) return "none";
  const std::size_t hold = totals.declared - waived.size();
  std::string out = fmt::format("{} {}", hold, hold == 1 ? "holds" : "hold");
  if (waived.empty()) return out;
  return out + fmt::format(", {} waived ({})", waived.size(),
                           some_of(std::vector<std::string>(by.begin(), by.end()), 6));
}

Counts count(const flow::ClusterDiff& cluster) {
  return count_if(cluster, [](const net::Box&) { return true; });
}

Counts count(const flow::PolicyDiff& diff) {
  Counts out;
  for (const flow::ClusterDiff& cluster : diff.clusters) {
    const Counts one = count(cluster);
    out.opens += one.opens;
    out.closes += one.closes;
  }
  return out;
}

std::string verdict(const Counts& counts) {
  if (counts.opens + counts.closes == 0) return "0 flows changed";
  std::string out;
  if (counts.opens > 0) out += fmt::format("{} opened", counts.opens);
  if (counts.closes > 0) out += fmt::format("{}{} closed", out.empty() ? "" : " · ", counts.closes);
  return out;
}

std::string rest(const flow::ClusterDiff& cluster) {
  std::string out = counted(cluster.unchanged, "rule") + " unchanged";
  if (cluster.without_effect == 0) return out;
  return fmt::format("{} · {} added or edited without effect", out,
                     counted(cluster.without_effect, "rule"));
}

}  // namespace hcipol::report
