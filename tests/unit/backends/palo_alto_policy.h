// Builds small device policies by hand, for the tests of the Palo Alto backend.
#pragma once

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/palo_alto/palo_alto.h"
#include "tests/unit/backends/proved.h"

namespace hcipol::backends::palo_alto::testing {

using policy::Rule;
using sema::NamedSet;
using Kind = NamedSet::Kind;

inline net::Address ip(std::string_view text) {
  const auto address = net::parse_address(text);
  if (!address) throw std::invalid_argument(std::string(text));
  return *address;
}

/// "10.0.0.0/24", "10.0.0.1", "10.0.0.1-10.0.0.9", several separated by blanks.
inline net::AddressSet addresses(std::string_view text) {
  net::AddressSet out;
  while (!text.empty()) {
    const std::size_t blank = std::min(text.find(' '), text.size());
    const std::string_view one = text.substr(0, blank);
    text.remove_prefix(std::min(blank + 1, text.size()));
    if (one.empty()) continue;
    const std::size_t dash = one.find('-');
    const std::size_t slash = one.find('/');
    if (dash != std::string_view::npos) {
      out = out |
            net::AddressSet(net::AddressRange{ip(one.substr(0, dash)), ip(one.substr(dash + 1))});
    } else if (slash != std::string_view::npos) {
      const auto length = static_cast<unsigned>(std::stoul(std::string(one.substr(slash + 1))));
      out = out | net::AddressSet(net::Cidr{ip(one.substr(0, slash)), length});
    } else {
      out = out | net::AddressSet(ip(one));
    }
  }
  return out;
}

inline net::DomainSet names(const std::vector<std::string>& patterns) {
  std::vector<net::DomainPattern> out;
  for (const std::string& pattern : patterns) out.push_back(*net::parse_pattern(pattern));
  return net::DomainSet::of(std::move(out));
}

inline net::ServiceSet tcp(std::uint16_t first, std::uint16_t last) {
  return net::ServiceSet::ports(net::protocol::tcp, first, last);
}
inline net::ServiceSet tcp(std::uint16_t port) {
  return tcp(port, port);
}
inline net::ServiceSet udp(std::uint16_t port) {
  return net::ServiceSet::ports(net::protocol::udp, port, port);
}
inline net::ServiceSet icmp() {
  return net::ServiceSet::whole(net::protocol::icmp);
}
inline net::ServiceSet icmpv6() {
  return net::ServiceSet::whole(net::protocol::icmpv6);
}
inline net::ServiceSet icmp(std::uint8_t type) {
  return net::ServiceSet::icmp_type(net::protocol::icmp, type);
}
inline net::ServiceSet icmpv6(std::uint8_t type) {
  return net::ServiceSet::icmp_type(net::protocol::icmpv6, type);
}

/// One cluster, one target. Everything lives as long as the world.
class World {
 public:
  World() {
    cluster_.name = "prod";
    view_.target = &target_;
    target_.backend = "palo-alto";
    device_.policy = &policy_;
    device_.cluster = &cluster_;
    device_.view = &view_;
    any_ = &set(Kind::any, "any");
    any_->set = net::PeerSet::all();
    servers_ = &set(Kind::servers, "servers");
    cluster_.servers = servers_;
    cluster_.named["servers"] = servers_;
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  NamedSet& set(Kind kind, std::string name) {
    NamedSet& made = sets_.emplace_back();
    made.kind = kind;
    made.name = std::move(name);
    return made;
  }
  NamedSet* role(std::string name, std::string_view members, Kind kind = Kind::role) {
    NamedSet& made = set(kind, std::move(name));
    made.set.addresses = addresses(members);
    cluster_.named[made.name] = &made;
    return &made;
  }
  NamedSet* literal(std::string members) {
    NamedSet& made = set(Kind::literal, members);
    made.set.addresses = addresses(members);
    return &made;
  }
  NamedSet* endpoint(std::string name, const std::vector<std::string>& patterns) {
    NamedSet& made = set(Kind::endpoint, std::move(name));
    made.set.names = names(patterns);
    return &made;
  }
  void servers(std::string_view members) { servers_->set.addresses = addresses(members); }
  NamedSet* servers() { return servers_; }
  NamedSet* any() { return any_; }

  Rule& rule(Rule::Kind kind, std::string address, std::vector<const NamedSet*> from,
             std::vector<const NamedSet*> to, net::ServiceSet service) {
    Rule& made = cluster_.rules.emplace_back();
    made.kind = kind;
    made.address = std::move(address);
    made.title = "Title of " + made.address;
    made.origin.source = "https://learn.microsoft.com/azure-stack/hci";
    flow::Flow flow{kind, std::move(from), std::move(to), std::move(service), &made, made.address};
    device_.flows.push_back(std::move(flow));
    return made;
  }
  Rule& allow(std::string address, std::vector<const NamedSet*> from,
              std::vector<const NamedSet*> to, net::ServiceSet service) {
    return rule(Rule::Kind::allow, std::move(address), std::move(from), std::move(to),
                std::move(service));
  }
  Rule& deny(std::string address, std::vector<const NamedSet*> from,
             std::vector<const NamedSet*> to, net::ServiceSet service) {
    return rule(Rule::Kind::deny, std::move(address), std::move(from), std::move(to),
                std::move(service));
  }

  void option(std::string name, sema::Value value) {
    view_.options.insert_or_assign(std::move(name), std::move(value));
  }
  void option(std::string name, std::string value) {
    option(std::move(name), sema::Value{std::move(value), {}});
  }
  void flag(std::string name, bool value) { option(std::move(name), sema::Value{value, {}}); }
  void zones(const std::vector<std::pair<std::string, const NamedSet*>>& zones) {
    sema::Map map;
    for (const auto& [name, members] : zones) {
      map.emplace(name, sema::Value{sema::Peers{{members}}, {}});
    }
    option("zones", sema::Value{std::move(map), {}});
  }
  void sees(const NamedSet* from, const NamedSet* to, bool both_ways,
            net::ServiceSet service = net::ServiceSet::any()) {
    view_.sees = sema::Flow{{{from}}, {{to}}, std::move(service), both_ways};
  }

  /// Sorts the flows as the driver does and runs the backend.
  Emission emit() {
    const auto rank = [](Rule::Kind kind) {
      return kind == Rule::Kind::exception ? 0 : kind == Rule::Kind::deny ? 1 : 2;
    };
    std::sort(device_.flows.begin(), device_.flows.end(),
              [&](const flow::Flow& a, const flow::Flow& b) {
                return std::pair(rank(a.kind), a.id) < std::pair(rank(b.kind), b.id);
              });
    reporter_ = Reporter();
    EmitContext context(reporter_, device_);
    const Backend row = backend();
    Emission emission = row.emit(device_, context);
    test::expect_proved(row, device_, emission, reporter_);
    return emission;
  }
  std::string text() {
    const Emission emission = emit();
    return emission.artefacts.at(0).text;
  }
  /// "E0612: …" for each diagnostic of the last emit().
  std::vector<std::string> messages() const {
    std::vector<std::string> out;
    for (const Diagnostic& diagnostic : reporter_.sorted()) {
      out.push_back(std::string(entry(diagnostic.id).code) + ": " + diagnostic.message);
    }
    return out;
  }
  bool failed() const { return reporter_.has_errors(); }

  flow::DevicePolicy& device() { return device_; }
  policy::Cluster& cluster() { return cluster_; }
  policy::Target& target() { return target_; }
  /// Without the cluster of this world, unless a test puts it there.
  policy::Policy& policy() { return policy_; }

 private:
  policy::Policy policy_;
  policy::Cluster cluster_;
  policy::Target target_;
  policy::TargetView view_;
  flow::DevicePolicy device_;
  std::deque<NamedSet> sets_;
  NamedSet* any_ = nullptr;
  NamedSet* servers_ = nullptr;
  Reporter reporter_;
};

/// (allows \ denies) ∪ exceptions, straight from the flows.
inline bool effective(const flow::DevicePolicy& device, const net::Packet& packet) {
  bool allowed = false;
  bool denied = false;
  const auto holds = [](const std::vector<const NamedSet*>& sets, const net::Endpoint& end) {
    return std::any_of(sets.begin(), sets.end(), [&](const NamedSet* set) {
      if (const auto* address = std::get_if<net::Address>(&end)) {
        return set->set.addresses.contains(*address);
      }
      return set->set.names.contains(std::get<std::string>(end));
    });
  };
  for (const flow::Flow& flow : device.flows) {
    const bool asked =
        std::any_of(flow.service.ranges().begin(), flow.service.ranges().end(),
                    [&](const net::ServiceRange& range) {
                      return range.first <= packet.service && packet.service <= range.last;
                    });
    if (!asked || !holds(flow.from, packet.from) || !holds(flow.to, packet.to)) continue;
    if (flow.kind == Rule::Kind::exception) return true;
    (flow.kind == Rule::Kind::deny ? denied : allowed) = true;
  }
  return allowed && !denied;
}

}  // namespace hcipol::backends::palo_alto::testing
