// Peers are told apart only where the policy tells them apart: what has the same cells shares a
// row.
#include "flow/matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "flow/effective.h"
#include "flow/reach.h"

namespace hcipol::flow {

namespace {

using SetKind = NamedSet::Kind;

Axis axis(const NamedSet& set) {
  return {set.name, {}, set.set};
}

class MatrixBuilder {
 public:
  MatrixBuilder(const policy::Cluster& cluster, std::span<const Flow> flows)
      : cluster_(cluster),
        peers_(peers_of(flows)),
        rest_(rest()),
        universe_(everything(flows)),
        impossible_(universe_.of(impossible_boxes())),
        effective_(effective(universe_, flows) - impossible_) {}

  Matrix build() {
    add_kind(SetKind::role);
    if (cluster_.servers != nullptr) matrix_.axes.push_back(axis(*cluster_.servers));
    const std::size_t place = matrix_.axes.size();
    add_kind(SetKind::proxy);
    std::vector<Axis> others = matrix_.axes;
    others.insert(others.end(), rest_.begin(), rest_.end());
    for (Axis& group : grouped(peers_, others)) matrix_.axes.push_back(std::move(group));
    matrix_.axes.insert(matrix_.axes.end(), rest_.begin(), rest_.end());
    const std::vector<Axis> servers = different_servers();
    matrix_.axes.insert(matrix_.axes.begin() + static_cast<std::ptrdiff_t>(place), servers.begin(),
                        servers.end());
    fill();
    return std::move(matrix_);
  }

 private:
  // Endpoints, names and addresses that rules mention; not what is defined by what it leaves out.
  static std::vector<const NamedSet*> peers_of(std::span<const Flow> flows) {
    std::map<std::string, const NamedSet*> found;
    for (const Flow& flow : flows) {
      if (flow.kind == policy::Rule::Kind::deny) continue;
      for (const auto* sets : {&flow.from, &flow.to}) {
        for (const NamedSet* set : *sets) {
          const bool own = set->kind == SetKind::endpoint || set->kind == SetKind::literal;
          if (own && !set->set.names.others()) found.emplace(set->name, set);
        }
      }
    }
    std::vector<const NamedSet*> out;
    for (const auto& [name, set] : found) out.push_back(set);
    return out;
  }

  std::vector<Axis> rest() const {
    net::PeerSet named;
    for (const auto& [name, set] : cluster_.named) named = named | set->set;
    for (const NamedSet* set : peers_) named = named | set->set;
    const net::PeerSet internet{net::internet_addresses(), net::DomainSet::all()};
    return {{"internet", {}, internet - named},
            {"other", {}, (net::PeerSet::all() - internet) - named}};
  }

  std::vector<net::Box> everything(std::span<const Flow> flows) const {
    std::vector<net::Box> out = boxes(flows);
    const auto add = [&](const net::PeerSet& set) {
      out.push_back({set, set, net::ServiceSet::any()});
    };
    for (const auto& [name, set] : cluster_.named) add(set->set);
    for (const NamedSet* set : peers_) add(set->set);
    for (const Axis& one : rest_) add(one.set);
    const auto impossible = impossible_boxes();
    out.insert(out.end(), impossible.begin(), impossible.end());
    return out;
  }

  void add_kind(SetKind kind) {
    for (const auto& [name, set] : cluster_.named) {
      if (set->kind == kind) matrix_.axes.push_back(axis(*set));
    }
  }

  Cell cell(const net::PeerSet& from, const net::PeerSet& to) {
    Cell out;
    if (from.empty() || to.empty()) return out;
    const auto services = [](const net::PacketSet& set) {
      net::ServiceSet all;
      for (const net::Box& box : set.boxes()) all = all | box.service;
      return all;
    };
    const net::ServiceSet some =
        services(effective_ & universe_.of({from, to, net::ServiceSet::any()}));
    if (some.empty()) return out;
    const net::PacketSet asked = universe_.of({from, to, some}) - impossible_;
    out.part = services(asked - effective_);
    out.whole = some - out.part;
    return out;
  }

  std::vector<Cell> profile(const net::PeerSet& set, const std::vector<Axis>& others) {
    std::vector<Cell> out;
    for (const Axis& other : others) {
      out.push_back(cell(set, other.set));
      out.push_back(cell(other.set, set));
    }
    return out;
  }

  std::vector<Axis> grouped(const std::vector<const NamedSet*>& sets,
                            const std::vector<Axis>& others) {
    std::vector<Axis> out;
    std::map<std::vector<Cell>, std::size_t> known;
    for (const NamedSet* set : sets) {
      const auto [place, added] = known.try_emplace(profile(set->set, others), out.size());
      if (added) out.emplace_back();
      Axis& group = out[place->second];
      group.members.push_back(set->name);
      group.set = group.set | set->set;
    }
    for (Axis& group : out) {
      const std::size_t more = group.members.size() - 1;
      group.label = group.members.front();
      if (more > 0) group.label += fmt::format(" and {} more", more);
      if (more == 0) group.members.clear();
    }
    return out;
  }

  // Nothing if every server is like every other; else sites, or nodes where a site is not of one
  // kind.
  std::vector<Axis> different_servers() {
    std::map<std::string, std::set<std::vector<Cell>>> by_site;
    std::set<std::vector<Cell>> kinds;
    for (const policy::Node* node : cluster_.nodes) {
      std::vector<Cell> own = profile(node->set->set, matrix_.axes);
      by_site[node->site].insert(own);
      kinds.insert(std::move(own));
    }
    std::vector<Axis> out;
    if (kinds.size() < 2) return out;
    const bool sites =
        !cluster_.sites.empty() && std::all_of(by_site.begin(), by_site.end(),
                                               [](const auto& s) { return s.second.size() == 1; });
    if (sites) {
      for (const policy::Site* site : cluster_.sites) out.push_back(axis(*site->set));
    } else {
      for (const policy::Node* node : cluster_.nodes) out.push_back(axis(*node->set));
    }
    return out;
  }

  void fill() {
    const std::size_t size = matrix_.axes.size();
    matrix_.cells.assign(size, std::vector<Cell>(size));
    std::set<std::size_t> rows, columns;
    for (std::size_t from = 0; from < size; ++from) {
      if (matrix_.axes[from].label == "internet") rows.insert(from);
      for (std::size_t to = 0; to < size; ++to) {
        Cell& here = matrix_.cells[from][to];
        here = cell(matrix_.axes[from].set, matrix_.axes[to].set);
        if (here.empty()) continue;
        rows.insert(from);
        columns.insert(to);
      }
    }
    matrix_.rows.assign(rows.begin(), rows.end());
    matrix_.columns.assign(columns.begin(), columns.end());
  }

  const policy::Cluster& cluster_;
  std::vector<const NamedSet*> peers_;
  std::vector<Axis> rest_;  ///< internet and other
  net::PacketUniverse universe_;
  net::PacketSet impossible_, effective_;
  Matrix matrix_;
};

}  // namespace

Matrix matrix(const policy::Cluster& cluster, std::span<const Flow> flows) {
  return MatrixBuilder(cluster, flows).build();
}

}  // namespace hcipol::flow
