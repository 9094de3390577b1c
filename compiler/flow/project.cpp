// Flows stay boxes of named sets: a set that is seen whole keeps its name, and what is left of one
// is named back to a site, a node or a role where it is exactly that.
#include "flow/project.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "flow/effective.h"
#include "flow/lower.h"
#include "flow/too_complex.h"
#include "net/id_table.h"
#include "support/bug.h"

namespace hcipol::flow {

namespace {

using Sets = std::vector<const NamedSet*>;
using Kind = policy::Rule::Kind;

/// Restricts sets to others, remembering each result.
class Clipper {
 public:
  Clipper(const policy::Policy& policy, const policy::Cluster& cluster, std::deque<NamedSet>& sets)
      : sets_(sets) {
    for (const auto& [name, set] : cluster.named) by_content_.emplace(set->set, set);
    for (const NamedSet& set : policy.sets) {
      const bool builtin = set.kind == NamedSet::Kind::any ||
                           set.kind == NamedSet::Kind::internet ||
                           set.kind == NamedSet::Kind::private_;
      if (builtin) by_content_.emplace(set.set, &set);
    }
  }

  /// The members of `parts` that `allowed` has too. `key` names `allowed`: one key, one set.
  Sets clip(const Sets& parts, const net::PeerSet& allowed, const void* key) {
    const auto [place, added] = clipped_.try_emplace(key);
    Known& known = place->second;
    if (added) known.everything = allowed == net::PeerSet::all();
    Sets out;
    for (const NamedSet* part : parts) {
      const NamedSet* left = known.everything && !part->set.empty() ? part : nullptr;
      if (!known.everything) left = clipped(known, part, allowed);
      if (left != nullptr) out.push_back(left);
    }
    return out;
  }

  /// Sets whose union is exactly `wanted`, a subset of the union of `parts`.
  Sets name(const Sets& parts, const net::PeerSet& wanted) {
    Sets out;
    for (const NamedSet* part : parts) {
      if (const NamedSet* named = part_of(*part, wanted)) out.push_back(named);
    }
    return out;
  }

 private:
  /// What of each set is left, if that is not all of every set.
  struct Known {
    bool everything = false;
    net::IdTable numbers;  ///< by address of the set
    std::vector<const NamedSet*> left;
  };

  const NamedSet* clipped(Known& known, const NamedSet* part, const net::PeerSet& allowed) {
    const auto fresh = static_cast<std::uint32_t>(known.left.size());
    const auto number = known.numbers.find_or_add(reinterpret_cast<std::uintptr_t>(part), fresh);
    if (number == fresh) known.left.push_back(part_of(*part, allowed));
    return known.left[number];
  }

  const NamedSet* part_of(const NamedSet& part, const net::PeerSet& allowed) {
    if (!part.set.intersects(allowed)) return nullptr;
    if (allowed.contains(part.set)) return &part;
    net::PeerSet common = part.set & allowed;
    if (const auto known = by_content_.find(common); known != by_content_.end()) {
      return known->second;
    }
    NamedSet& made = sets_.emplace_back();
    made.name = common.names.empty() ? net::to_string(common.addresses)
                                     : fmt::format("part of {}", part.name);
    made.title = part.title;
    made.set = std::move(common);
    made.span = part.span;
    by_content_.emplace(made.set, &made);
    return &made;
  }

  std::deque<NamedSet>& sets_;
  std::map<net::PeerSet, const NamedSet*> by_content_;
  std::map<const void*, Known> clipped_;  ///< by what allowed it
};

class Projection {
 public:
  Projection(const policy::Policy& policy, std::size_t cluster, std::size_t target,
             const ProjectOptions& options)
      : device_(std::make_unique<DevicePolicy>()), options_(options) {
    device_->policy = &policy;
    device_->cluster = &policy.clusters[cluster];
    device_->view = &policy.views[cluster][target];
    clipper_ = std::make_unique<Clipper>(policy, *device_->cluster, device_->sets);
  }

  std::unique_ptr<DevicePolicy> run(const std::vector<Flow>& all) {
    // What the target sees whole is as it was, its names included.
    const bool clips = device_->view->sees.has_value();
    std::vector<Flow> clipped;
    if (clips) clipped = seen_of(all);
    if (options_.host) {
      for (const policy::Node* node : device_->cluster->nodes) {
        add_host(*node, clips ? clipped : all);
      }
    } else {
      name_flows(clipped);
      device_->flows = ordered(clips ? std::move(clipped) : all);
    }
    return std::move(device_);
  }

 private:
  std::vector<Flow> seen_of(const std::vector<Flow>& all) {
    const sema::Flow& sees = *device_->view->sees;
    const net::PeerSet from = peers(sees.from.parts);
    const net::PeerSet to = peers(sees.to.parts);
    std::vector<Flow> out;
    out.reserve(all.size());
    for (const Flow& flow : all) {
      see(flow, from, to, &sees.from, &sees.to, out);
      if (sees.both_ways) see(flow, to, from, &sees.to, &sees.from, out);
    }
    return out;
  }

  void see(const Flow& flow, const net::PeerSet& from, const net::PeerSet& to, const void* from_key,
           const void* to_key, std::vector<Flow>& out) {
    Flow clipped{flow.kind,
                 clipper_->clip(flow.from, from, from_key),
                 clipper_->clip(flow.to, to, to_key),
                 flow.service & device_->view->sees->service,
                 flow.rule,
                 {}};
    if (!clipped.from.empty() && !clipped.to.empty() && !clipped.service.empty()) {
      out.push_back(std::move(clipped));
    }
  }

  void add_host(const policy::Node& node, const std::vector<Flow>& seen) {
    HostFlows host{&node, {}, {}};
    // What is not used of it is never touched; a large list is not to be copied as it grows.
    host.inbound.reserve(seen.size());
    host.outbound.reserve(seen.size());
    for (const Flow& flow : seen) {
      Sets to = clipper_->clip(flow.to, node.set->set, node.set);
      Sets from = clipper_->clip(flow.from, node.set->set, node.set);
      if (!to.empty()) {
        host.inbound.push_back({flow.kind, flow.from, std::move(to), flow.service, flow.rule, {}});
      }
      if (!from.empty()) {
        host.outbound.push_back({flow.kind, std::move(from), flow.to, flow.service, flow.rule, {}});
      }
    }
    name_flows(host.inbound);
    name_flows(host.outbound);
    host.inbound = ordered(std::move(host.inbound));
    host.outbound = ordered(std::move(host.outbound));
    device_->hosts.push_back(std::move(host));
  }

  // ---- subtraction, for devices that cannot order

  std::vector<Flow> ordered(std::vector<Flow> flows) {
    if (options_.order == Order::first_match) return flows;
    const Kind cut = options_.order == Order::block_wins ? Kind::deny : Kind::allow;
    const Kind away = options_.order == Order::block_wins ? Kind::exception : Kind::deny;
    std::vector<net::Box> blockers;
    for (const Flow& flow : flows) {
      if (flow.kind == away) blockers.push_back(box(flow));
    }
    if (blockers.empty()) return flows;

    std::vector<Flow> out;
    bool changed = false;
    for (const Flow& flow : flows) {
      if (flow.kind == cut) {
        changed = subtract(flow, blockers, out) || changed;
      } else if (options_.order != Order::allows_only || flow.kind != Kind::deny) {
        out.push_back(flow);
      }
    }
    name_flows(out);
    if (changed || options_.order == Order::allows_only) prove_equal(flows, out);
    return out;
  }

  bool subtract(const Flow& flow, const std::vector<net::Box>& blockers, std::vector<Flow>& out) {
    const net::Box whole = box(flow);
    std::vector<net::Box> meeting;
    std::copy_if(blockers.begin(), blockers.end(), std::back_inserter(meeting),
                 [&](const net::Box& other) { return intersects(other, whole); });
    if (meeting.empty()) {
      out.push_back(flow);
      return false;
    }
    std::vector<net::Box> known = meeting;
    known.push_back(whole);
    net::PacketUniverse universe(known);
    for (net::Box& piece : (universe.of(whole) - universe.of(meeting)).boxes()) {
      out.push_back({flow.kind,
                     clipper_->name(flow.from, piece.from),
                     clipper_->name(flow.to, piece.to),
                     std::move(piece.service),
                     flow.rule,
                     {}});
    }
    return true;
  }

  // Under the device's own order, the flows that it gets must mean what the policy's flows mean.
  static void prove_equal(const std::vector<Flow>& before, const std::vector<Flow>& after) {
    std::vector<net::Box> all = boxes(before);
    for (net::Box& more : boxes(after)) all.push_back(std::move(more));
    net::PacketUniverse universe(all);
    std::vector<net::Box> allowed, denied;
    for (const Flow& flow : after)
      (flow.kind == Kind::deny ? denied : allowed).push_back(box(flow));
    const net::PacketSet device = universe.of(allowed) - universe.of(denied);
    if (device != effective(universe, before))
      bug("taking denies out of allows changed their meaning");
  }

  std::unique_ptr<DevicePolicy> device_;
  ProjectOptions options_;
  std::unique_ptr<Clipper> clipper_;
};

}  // namespace

std::unique_ptr<DevicePolicy> project(const policy::Policy& policy, std::size_t cluster,
                                      std::size_t target, const std::vector<Flow>& flows,
                                      const ProjectOptions& options, Reporter& reporter) {
  try {
    return Projection(policy, cluster, target, options).run(flows);
  } catch (const net::NodeLimitExceeded&) {
    report_too_complex(policy.clusters[cluster], reporter);
    return nullptr;
  }
}

}  // namespace hcipol::flow
