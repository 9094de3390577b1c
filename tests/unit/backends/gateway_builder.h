// Device policies by hand, for the tests of the Linux gateways.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "backends/backend.h"
#include "support/bug.h"
#include "tests/unit/backends/proved.h"

namespace hcipol::test::gateway {

using Kind = policy::Rule::Kind;
using policy::NamedSet;

/// Owns a policy of one cluster and one target.
class Builder {
 public:
  /// For the row of this name in the table of backends.
  explicit Builder(const std::string& backend) {
    cluster.name = "prod";
    target.backend = backend;
    view.target = &target;
    whole.as_of = parse_date("2022-06-01").value();
    device.policy = &whole;
    device.cluster = &cluster;
    device.view = &view;
  }

  static net::Cidr cidr(const std::string& text) {
    const auto slash = text.find('/');
    const auto address = net::parse_address(text.substr(0, slash));
    if (!address) bug("not an address: " + text);
    const unsigned length = slash == std::string::npos
                                ? net::width(address->family)
                                : static_cast<unsigned>(std::stoul(text.substr(slash + 1)));
    return {net::first_of(*address, length), length};
  }

  static net::AddressSet addresses(const std::vector<std::string>& texts) {
    std::vector<net::AddressRange> ranges;
    for (const std::string& text : texts) {
      const net::Cidr one = cidr(text);
      ranges.push_back({one.network, net::last_of(one.network, one.length)});
    }
    return net::AddressSet::of(std::move(ranges));
  }

  /// What the target sees: every service between these.
  void sees(std::vector<const NamedSet*> from, std::vector<const NamedSet*> to, bool both_ways) {
    view.sees.emplace();
    view.sees->from.parts = std::move(from);
    view.sees->to.parts = std::move(to);
    view.sees->both_ways = both_ways;
    view.sees->service = net::ServiceSet::any();
  }

  /// Members are addresses, prefixes and host names or patterns.
  NamedSet* set(const std::string& name, const std::vector<std::string>& members) {
    NamedSet& out = sets.emplace_back();
    out.name = name;
    std::vector<std::string> numbers;
    std::vector<net::DomainPattern> names;
    for (const std::string& member : members) {
      if (const auto pattern = net::parse_pattern(member)) {
        names.push_back(*pattern);
      } else {
        numbers.push_back(member);
      }
    }
    out.set = {addresses(numbers), net::DomainSet::of(names)};
    return &out;
  }

  NamedSet* any() {
    NamedSet& out = sets.emplace_back();
    out.kind = NamedSet::Kind::any;
    out.name = "any";
    out.set = net::PeerSet::all();
    return &out;
  }

  policy::Rule& rule(const std::string& address, Kind kind, std::vector<const NamedSet*> from,
                     std::vector<const NamedSet*> to, net::ServiceSet service) {
    policy::Rule& out = rules.emplace_back();
    out.address = address;
    out.kind = kind;
    out.from.parts = from;
    out.to.parts = to;
    out.service = service;
    device.flows.push_back(
        {kind, std::move(from), std::move(to), std::move(service), &out, address});
    const auto rank = [](Kind k) { return k == Kind::exception ? 0 : k == Kind::deny ? 1 : 2; };
    std::sort(device.flows.begin(), device.flows.end(), [&](const auto& a, const auto& b) {
      return std::pair(rank(a.kind), a.id) < std::pair(rank(b.kind), b.id);
    });
    return out;
  }
  policy::Rule& allow(const std::string& address, const NamedSet* from, const NamedSet* to,
                      net::ServiceSet service) {
    return rule(address, Kind::allow, {from}, {to}, std::move(service));
  }

  void servers(const std::vector<std::string>& members) {
    cluster.servers = set("servers", members);
  }

  template <class T>
  void option(const std::string& name, T value) {
    view.options[name].data = std::move(value);
  }

  /// path → text. What was reported is in `reporter`, the source maps in `emission`.
  std::map<std::string, std::string> emit() {
    reporter = Reporter();
    backends::EmitContext context(reporter, device);
    const auto& backend = *backends::find(target.backend);
    emission = backend.emit(device, context);
    expect_proved(backend, device, emission, reporter);
    std::map<std::string, std::string> out;
    for (const auto& artefact : emission.artefacts) out[artefact.path] = artefact.text;
    return out;
  }

  /// "E0612 iptables cannot express …", one per diagnostic.
  std::vector<std::string> reports() const {
    std::vector<std::string> out;
    for (const Diagnostic& one : reporter.sorted()) {
      out.push_back(std::string(entry(one.id).code) + " " + one.message);
    }
    return out;
  }

  /// Addresses of names that somebody looked up, in "addresses.txt".
  void lock(std::string text) {
    option("names", std::string("lockfile"));
    locked = std::move(text);
    view.texts["lockfile"] = {FileId{0}, "addresses.txt", locked};
  }

  policy::Policy whole;
  std::string locked;
  policy::Cluster cluster;
  policy::Target target;
  policy::TargetView view;
  flow::DevicePolicy device;
  std::deque<NamedSet> sets;
  std::deque<policy::Rule> rules;
  Reporter reporter;
  backends::Emission emission;
};

inline net::ServiceSet tcp(std::uint16_t first, std::uint16_t last = 0) {
  return net::ServiceSet::ports(net::protocol::tcp, first, last == 0 ? first : last);
}
inline net::ServiceSet udp(std::uint16_t first, std::uint16_t last = 0) {
  return net::ServiceSet::ports(net::protocol::udp, first, last == 0 ? first : last);
}

}  // namespace hcipol::test::gateway
