// A device whose files say rule by rule what its policy says of sets: the worst case for reading
// them back.
#pragma once

#include <fmt/format.h>

#include <string>

#include "backends/common/proof.h"
#include "backends/iptables/iptables.h"

namespace hcipol::bench {

/// A gateway before ten servers: every flow is ten networks to all servers on ten ports, and every
/// line one network, one server and one port, so a thousand lines a flow.
class ElementaryRules {
 public:
  explicit ElementaryRules(unsigned flows) {
    backend_ = backends::iptables::backend();
    cluster_.name = "x";
    cluster_.cloud = "public";
    policy::NamedSet& servers = sets_.emplace_back();
    servers.name = "servers";
    for (unsigned i = 0; i < per_set; ++i) add(servers, 10, 0, 0, i + 1, 32);
    cluster_.servers = &servers;
    view_.target = &target_;
    device_.cluster = &cluster_;
    device_.view = &view_;
    emission_.rest = backends::Rest::servers_denied;
    add_script();
    std::string rules;
    for (unsigned f = 0; f < flows; ++f) add_flow(f, rules);
    write(rules);
  }

  std::size_t lines() const { return lines_; }
  /// Throws away what was proved before; "" if all is well.
  std::string difference() const {
    return backends::difference(backend_, device_, emission_).value_or("");
  }

 private:
  static constexpr unsigned per_set = 10;

  static void add(policy::NamedSet& set, unsigned a, unsigned b, unsigned c, unsigned d,
                  unsigned length) {
    const net::Address network{net::Family::ipv4, 0, a << 24 | b << 16 | c << 8 | d};
    set.set.addresses = set.set.addresses | net::AddressSet(net::Cidr{network, length});
  }

  /// The one file whose text does not come from the rules.
  void add_script() {
    Reporter reporter;
    backends::EmitContext context(reporter, device_);
    backends::Emission printed = backend_.emit(device_, context);
    for (backends::Artefact& one : printed.artefacts) {
      if (one.path == "apply.sh") emission_.artefacts.push_back(std::move(one));
    }
  }

  void add_flow(unsigned number, std::string& out) {
    policy::NamedSet& from = sets_.emplace_back();
    from.name = fmt::format("role-{}", number);
    net::ServiceSet service;
    const unsigned first = 1024 + number % 60'000;
    for (unsigned i = 0; i < per_set; ++i) {
      // Every other network, so that no two are one prefix.
      add(from, 20 + number / 2000, number / 10 % 200, (number % 10 * per_set + i) * 2, 0, 24);
      const auto port = static_cast<std::uint16_t>((first + i * 5) % 65'000);
      service = service | net::ServiceSet::ports(net::protocol::tcp, port, port);
    }
    policy::Rule& rule = cluster_.rules.emplace_back();
    rule.address = fmt::format("main/f.r{}", number);
    device_.flows.push_back(
        {policy::Rule::Kind::allow, {&from}, {cluster_.servers}, service, &rule, rule.address});
    for (const net::Cidr& source : from.set.addresses.cidrs()) {
      for (const net::AddressRange& server : cluster_.servers->set.addresses.ranges()) {
        for (net::Address to = server.first; to <= server.last; ++to.low) {
          for (const net::PortRange& port : service.ports(net::protocol::tcp)) {
            fmt::format_to(std::back_inserter(out),
                           "-A HCI-x.flows -s {} -d {} -p tcp -m tcp --dport {} -m comment "
                           "--comment \"main/f.r{}\" -j ACCEPT\n",
                           net::to_string(source), net::to_string(to), port.first, number);
            ++lines_;
          }
        }
      }
    }
  }

  void write(const std::string& rules) {
    const auto head = [](std::string_view tool) {
      return fmt::format("#   {0} -w 10 -C FORWARD -j HCI-x || {0} -w 10 -I FORWARD 1 -j HCI-x\n",
                         tool);
    };
    std::string v4 =
        head("iptables") + "*filter\n:HCI-x - [0:0]\n:HCI-x.ours - [0:0]\n:HCI-x.flows - [0:0]\n";
    for (unsigned i = 1; i <= per_set; ++i) {
      v4 += fmt::format(
          "-A HCI-x -s 10.0.0.{0} -g HCI-x.ours\n-A HCI-x -d 10.0.0.{0} -g HCI-x.ours\n", i);
    }
    v4 +=
        "-A HCI-x.ours -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
        "-A HCI-x.ours -m conntrack --ctstate INVALID -j DROP\n"
        "-A HCI-x.ours -j HCI-x.flows\n-A HCI-x.ours -j DROP\n" +
        rules + "COMMIT\n";
    emission_.artefacts.push_back({"rules.v4", std::move(v4), {}, nullptr});
    emission_.artefacts.push_back(
        {"rules.v6", head("ip6tables") + "*filter\n:HCI-x - [0:0]\nCOMMIT\n", {}, nullptr});
  }

  backends::Backend backend_;
  policy::Cluster cluster_;
  policy::Target target_;
  policy::TargetView view_;
  std::deque<policy::NamedSet> sets_;
  flow::DevicePolicy device_;
  backends::Emission emission_;
  std::size_t lines_ = 0;
};

}  // namespace hcipol::bench
