// A rule's share becomes one row a box while these are few, and one row around them when not.
#include "flow/diff_rows.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <optional>
#include <tuple>

#include "flow/naming.h"

namespace hcipol::flow {

namespace {

using Kind = policy::Rule::Kind;

constexpr std::size_t most_rows = 6;      ///< of one flow
constexpr std::size_t most_ports = 1000;  ///< of one row without a mark

bool is_deny(const Flow& flow) {
  return flow.kind == Kind::deny;
}

// The packets of one address family, a name being of either. Nothing if there are none.
std::optional<net::Box> of_family(const net::Box& box, net::Family family) {
  const std::uint8_t foreign =
      family == net::Family::ipv4 ? net::protocol::icmpv6 : net::protocol::icmp;
  net::Box out{{box.from.addresses.only(family), box.from.names},
               {box.to.addresses.only(family), box.to.names},
               box.service - net::ServiceSet::whole(foreign)};
  if (is_empty(out)) return std::nullopt;
  return out;
}

std::optional<net::Box> possible(const net::Box& box) {
  auto out = of_family(box, net::Family::ipv4);
  return out ? out : of_family(box, net::Family::ipv6);
}

bool has_many_ports(const net::ServiceSet& service) {
  return port_count(service, net::protocol::tcp) + port_count(service, net::protocol::udp) >
         most_ports;
}

/// SSH, RPC's endpoint mapper, SMB, Remote Desktop and WinRM: what a computer is taken over with.
const net::ServiceSet& management_ports() {
  static const net::ServiceSet ports = [] {
    net::ServiceSet all = net::ServiceSet::ports(net::protocol::tcp, 5985, 5986);
    for (const std::uint16_t port : std::initializer_list<std::uint16_t>{22, 135, 445, 3389}) {
      all = all | net::ServiceSet::ports(net::protocol::tcp, port, port);
    }
    return all;
  }();
  return ports;
}

net::PeerSet wire_peers(const std::vector<const NamedSet*>& sets) {
  net::PeerSet out = peers(sets);
  for (const NamedSet* set : sets) {
    if (set->is_tag_only()) out.addresses = out.addresses | set->tag_addresses;
  }
  return out;
}

class RowMaker {
 public:
  RowMaker(net::PacketUniverse& universe, Effect effect, const DiffSide& here,
           const DiffSide& there, std::vector<Row>& rows)
      : universe_(universe), effect_(effect), here_(here), there_(there), rows_(rows) {}

  void run(const net::PacketSet& delta) {
    std::vector<net::Box> denied;
    for (std::size_t i = 0; i < here_.flows.size(); ++i) {
      if (is_deny(*here_.flows[i])) denied.push_back(here_.boxes[i]);
    }
    // What a deny closes here is not the allow's doing but the exception's.
    const net::PacketSet allowed = delta - universe_.of(denied);
    for (std::size_t i = 0; i < here_.flows.size(); ++i) {
      const Flow& flow = *here_.flows[i];
      if (is_deny(flow)) continue;
      const net::PacketSet whole = universe_.of(here_.boxes[i]);
      const net::PacketSet share = whole & (flow.kind == Kind::allow ? allowed : delta);
      if (!share.empty()) add(flow, share.boxes());
    }
  }

 private:
  void add(const Flow& flow, std::vector<net::Box> parts) {
    std::erase_if(parts, [](const net::Box& box) { return !carried(box); });
    if (parts.empty()) return;
    if (parts.size() > most_rows) return add_row(flow, std::move(parts));
    for (net::Box& part : parts) add_row(flow, {std::move(part)});
  }

  void add_row(const Flow& flow, std::vector<net::Box> parts) {
    Row row;
    row.effect = effect_;
    row.flow = &flow;
    row.around = parts.front();
    for (const net::Box& part : parts) row.around = hull(row.around, part);
    row.parts = std::move(parts);
    row.from = names(row.around.from);
    row.to = names(row.around.to);
    find_cause(row);
    if (effect_ == Effect::opens) find_risks(row);
    row.witness = universe_.of(*possible(row.parts.front())).witness().value();
    rows_.push_back(std::move(row));
  }

  // What a service tag stands for needs no saying beside the tag.
  net::PeerSet without_prefixes(net::PeerSet set) const {
    for (const Flow* flow : here_.flows) {
      for (const auto* sets : {&flow->from, &flow->to}) {
        for (const NamedSet* tag : *sets) {
          if (!tag->is_tag_only() || !set.names.contains(tag->set.names)) continue;
          set.addresses = set.addresses - tag->tag_addresses;
        }
      }
    }
    return set;
  }

  const std::vector<std::string>& names(const net::PeerSet& set) {
    if (!naming_) {
      std::vector<Flow> flows;
      for (const Flow* flow : here_.flows) flows.push_back(*flow);
      naming_.emplace(*here_.cluster, flows);
    }
    const auto known = names_.find(set);
    return known != names_.end()
               ? known->second
               : names_.emplace(set, naming_->names(without_prefixes(set))).first->second;
  }

  // ---- why

  // Of the flows that the rule has on the other side, the most similar one tells.
  void find_cause(Row& row) const {
    const policy::Rule& rule = *row.flow->rule;
    if (is_new_server(row.around.from) || is_new_server(row.around.to)) {
      row.cause = Cause::server;
      return;
    }
    std::optional<std::vector<Cause>> fewest;
    for (std::size_t i = 0; i < there_.flows.size(); ++i) {
      const Flow& flow = *there_.flows[i];
      if (flow.rule->address != rule.address || is_deny(flow)) continue;
      auto differing = differences(row.around, there_.boxes[i]);
      if (!differing.empty() && box(flow) == box(*row.flow)) differing = {Cause::tag};
      if (!fewest || differing.size() < fewest->size()) fewest = std::move(differing);
    }
    if (!fewest) {
      row.cause = has_feature(rule) ? Cause::rule : Cause::feature;
    } else if (fewest->empty()) {
      find_deny(row);
    } else {
      row.cause = fewest->size() == 1 ? fewest->front() : Cause::several;
    }
  }

  bool is_new_server(const net::PeerSet& set) const {
    if (here_.cluster == nullptr || there_.cluster == nullptr) return false;
    const NamedSet* here = here_.cluster->servers;
    const NamedSet* there = there_.cluster->servers;
    return here != nullptr && there != nullptr && here->set.contains(set) &&
           !there->set.intersects(set);
  }

  static std::vector<Cause> differences(const net::Box& row, const net::Box& other) {
    std::vector<Cause> out;
    if (!other.from.contains(row.from)) out.push_back(Cause::source);
    if (!other.to.contains(row.to)) out.push_back(Cause::destination);
    if (!other.service.contains(row.service)) out.push_back(Cause::service);
    return out;
  }

  // The rule is as wide on the other side, so something there closes what it allows.
  void find_deny(Row& row) const {
    row.cause = Cause::several;
    for (std::size_t i = 0; i < there_.flows.size(); ++i) {
      const net::Box& box = there_.boxes[i];
      const bool meets = std::any_of(row.parts.begin(), row.parts.end(),
                                     [&](const net::Box& part) { return intersects(part, box); });
      if (!is_deny(*there_.flows[i]) || !meets) continue;
      row.cause = Cause::deny;
      row.deny = there_.flows[i]->rule;
      return;
    }
  }

  // Exceptions are not features: they come and go as rules.
  bool has_feature(const policy::Rule& rule) const {
    if (rule.kind == Kind::exception || there_.cluster == nullptr) return true;
    return std::any_of(there_.cluster->features.begin(), there_.cluster->features.end(),
                       [&](const policy::EnabledFeature& feature) {
                         return feature.module == rule.origin.module &&
                                feature.name == rule.origin.feature;
                       });
  }

  // ---- what to look at

  void find_risks(Row& row) const {
    const net::PeerSet& from = row.around.from;
    net::AddressSet strangers = net::internet_addresses();
    if (here_.cluster->servers != nullptr) {
      strangers = strangers - here_.cluster->servers->set.addresses;
    }
    if (has_whole_family(from.addresses)) {
      row.risks.push_back(Risk::any_source);
    } else if (from.addresses.intersects(strangers)) {
      row.risks.push_back(Risk::internet);
    }
    if (row.around.service.intersects(management_ports())) row.risks.push_back(Risk::management);
    if (has_many_ports(row.around.service)) row.risks.push_back(Risk::many_ports);
    if (row.flow->rule->expires) row.risks.push_back(Risk::expiring);
  }

  net::PacketUniverse& universe_;
  Effect effect_;
  const DiffSide& here_;
  const DiffSide& there_;
  std::vector<Row>& rows_;
  std::optional<Naming> naming_;
  std::map<net::PeerSet, std::vector<std::string>> names_;
};

}  // namespace

net::Box wire_box(const Flow& flow) {
  return {wire_peers(flow.from), wire_peers(flow.to), flow.service};
}

void add_rows(net::PacketUniverse& universe, Effect effect, const net::PacketSet& delta,
              const DiffSide& here, const DiffSide& there, std::vector<Row>& rows) {
  if (!delta.empty()) RowMaker(universe, effect, here, there, rows).run(delta);
}

bool carried(const net::Box& box) {
  return possible(box).has_value();
}

void sort_rows(std::vector<Row>& rows) {
  // Of two lists of risks the one with the graver first wins; having none comes last.
  const auto harmless = [](const Row& row) { return row.risks.empty(); };
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    return std::tuple(a.effect, harmless(a), a.risks, a.flow->id, a.from, a.to) <
           std::tuple(b.effect, harmless(b), b.risks, b.flow->id, b.from, b.to);
  });
}

void mark(PolicyDiff& diff, Risk risk, const std::set<const policy::Rule*>& rules) {
  for (ClusterDiff& cluster : diff.clusters) {
    for (Row& row : cluster.rows) {
      if (row.effect != Effect::opens || !rules.contains(row.flow->rule)) continue;
      const auto place = std::lower_bound(row.risks.begin(), row.risks.end(), risk);
      if (place == row.risks.end() || *place != risk) row.risks.insert(place, risk);
    }
    sort_rows(cluster.rows);
  }
}

}  // namespace hcipol::flow
