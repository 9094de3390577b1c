// Small policies for the tests of the Windows Firewall backend, built without the compiler.
#pragma once

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "backends/windows_firewall/windows_firewall.h"
#include "tests/unit/backends/proved.h"

namespace hcipol::test::windows_firewall {

inline net::AddressSet addresses(const std::vector<std::string>& texts) {
  net::AddressSet out;
  for (const std::string& text : texts) {
    const std::size_t slash = text.find('/');
    const std::size_t dash = text.find('-');
    if (slash != std::string::npos) {
      const auto network = net::parse_address(text.substr(0, slash)).value();
      const auto length = static_cast<unsigned>(std::stoul(text.substr(slash + 1)));
      out = out | net::AddressSet(net::Cidr{network, length});
    } else if (dash != std::string::npos) {
      out = out |
            net::AddressSet(net::AddressRange{net::parse_address(text.substr(0, dash)).value(),
                                              net::parse_address(text.substr(dash + 1)).value()});
    } else {
      out = out | net::AddressSet(net::parse_address(text).value());
    }
  }
  return out;
}

inline net::DomainSet names(const std::vector<std::string>& texts) {
  std::vector<net::DomainPattern> patterns;
  for (const std::string& text : texts) patterns.push_back(net::parse_pattern(text).value());
  return net::DomainSet::of(std::move(patterns));
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

/// Owns everything that a DevicePolicy points to.
struct World {
  policy::Policy policy;
  policy::Cluster cluster;
  policy::Target target;
  policy::TargetView view;
  flow::DevicePolicy device;
  Reporter reporter;
  std::vector<backends::Remark> remarks;
  std::deque<policy::Rule> parts;  ///< of what was built last

  World() {
    policy.name = "contoso";
    cluster.name = "prod";
    target.backend = "windows-firewall";
    view.target = &target;
    device.policy = &policy;
    device.cluster = &cluster;
    device.view = &view;
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  const policy::NamedSet* set(const std::string& name, const std::vector<std::string>& texts) {
    auto& made = policy.sets.emplace_back();
    made.kind = policy::NamedSet::Kind::role;
    made.name = name;
    made.set.addresses = addresses(texts);
    return &made;
  }
  policy::NamedSet* endpoint(const std::string& name, const std::vector<std::string>& texts) {
    auto& made = policy.sets.emplace_back();
    made.kind = policy::NamedSet::Kind::endpoint;
    made.name = name;
    made.set.names = names(texts);
    return &made;
  }
  const policy::NamedSet* any() {
    auto& made = policy.sets.emplace_back();
    made.kind = policy::NamedSet::Kind::any;
    made.name = "any";
    made.set = net::PeerSet::all();
    return &made;
  }
  /// An endpoint that is a service tag and nothing else.
  policy::NamedSet* tag(const std::string& name, const std::vector<std::string>& prefixes) {
    auto* made = endpoint("tag-" + name, {});
    made->tag = name;
    made->set.names = net::DomainSet(policy::NamedSet::tag_name(name));
    made->tag_addresses = addresses(prefixes);
    return made;
  }
  flow::HostFlows& server(const std::string& name, const std::vector<std::string>& texts) {
    const auto* own = set(name, texts);
    auto& node = policy.nodes.emplace_back();
    node.name = name;
    node.set = own;
    cluster.nodes.push_back(&node);
    auto& host = device.hosts.emplace_back();
    host.node = &node;
    return host;
  }
  void proxy(const std::vector<std::string>& where, net::ServiceSet service) {
    auto& made = policy.proxies.emplace_back();
    made.name = "corp" + std::to_string(policy.proxies.size());
    made.set = set(made.name, where);
    made.service = std::move(service);
    cluster.proxies.push_back(&made);
  }
  policy::Rule& rule(const std::string& address,
                     policy::Rule::Kind kind = policy::Rule::Kind::allow) {
    auto& made = cluster.rules.emplace_back();
    made.kind = kind;
    made.address = address;
    made.title = "Title of " + address;
    return made;
  }
  /// Both ends as sets; the direction is the caller's: it knows to which list it belongs.
  static flow::Flow flow(const policy::Rule& rule, const policy::NamedSet* from,
                         const policy::NamedSet* to, net::ServiceSet service) {
    return {rule.kind, {from}, {to}, std::move(service), &rule, rule.address};
  }
  void option(const std::string& name, const std::string& text) {
    view.options[name] = sema::Value{text, {}};
  }
  void option(const std::string& name, const char* text) { option(name, std::string(text)); }
  void option(const std::string& name, bool value) { view.options[name] = sema::Value{value, {}}; }
  void option(const std::string& name, const std::vector<std::string>& texts) {
    sema::List list;
    for (const std::string& text : texts) list.push_back(sema::Value{text, {}});
    view.options[name] = sema::Value{std::move(list), {}};
  }

  std::vector<backends::Artefact> build() {
    backends::EmitContext context(reporter, device);
    const auto backend = backends::windows_firewall::backend();
    backends::Emission emission = backend.emit(device, context);
    expect_proved(backend, device, emission, reporter);
    remarks = std::move(emission.remarks);
    parts = std::move(emission.parts);
    return std::move(emission.artefacts);
  }
  /// The codes of everything reported, sorted: "W0614".
  std::vector<std::string> codes() const {
    std::vector<std::string> out;
    for (const Diagnostic& each : reporter.sorted()) out.emplace_back(entry(each.id).code);
    std::sort(out.begin(), out.end());
    return out;
  }
  std::string messages() const {
    std::string out;
    for (const Diagnostic& each : reporter.sorted()) out += each.message + "\n";
    return out;
  }
};

}  // namespace hcipol::test::windows_firewall
