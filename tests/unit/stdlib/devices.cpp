// Asks the readers of three devices.
#include "devices.h"

#include <algorithm>
#include <map>
#include <utility>

#include "../backends/iptables_reader.h"
#include "../backends/palo_alto_reader.h"
#include "../backends/windows_firewall_reader.h"
#include "tests/support/azure_firewall_reader.h"

namespace hcipol::test {

namespace {

bool is_server(const std::string& address) {
  return address == "10.1.0.11" || address == "10.2.0.11";
}

class AzureFirewall : public Device {
 public:
  explicit AzureFirewall(const BuiltLibrary& built)
      : read_(built.artefacts.at("build/lab/azure-firewall/lab.azuredeploy.json"),
              built.artefacts.at("build/lab/azure-firewall/lab.azuredeploy.parameters.json")) {
    target = "lab/azure-firewall";
  }
  bool allows(const Probe& probe) const override {
    azure::Destination to;
    if (probe.name.empty()) {
      to.address = azure::Template::number(probe.address);
    } else {
      to.name = probe.name;
    }
    return read_.allows(azure::Template::number(probe.from), to, {probe.protocol, probe.port});
  }
  // By default it stands between the servers and the Internet.
  bool sees(const Probe& probe) const override {
    return is_server(probe.from) && !probe.address.starts_with("10.");
  }

 private:
  azure::Template read_;
};

class PaloAlto : public Device {
 public:
  PaloAlto(const BuiltLibrary& built, const std::vector<Probe>& probes)
      : read_(built.artefacts.at("build/lab/palo-alto/lab.xml")) {
    target = "lab/palo-alto";
    for (const Probe& probe : probes) {
      if (!probe.name.empty()) read_.resolve(probe.name, probe.address);
    }
  }
  bool allows(const Probe& probe) const override {
    // Every peer in a zone of its own, so that no default rule allows.
    return read_.allows({probe.from, probe.address, probe.name, probe.protocol, probe.port},
                        {{"from", probe.from}});
  }
  bool sees(const Probe&) const override { return true; }

 private:
  backends::palo_alto::testing::PanConfig read_;
};

class Iptables : public Device {
 public:
  Iptables(const BuiltLibrary& built, const std::vector<Probe>& probes) {
    target = "lab/iptables";
    sets_.read(built.artefacts.at("build/lab/iptables/ipset"));
    rules_.read(built.artefacts.at("build/lab/iptables/rules.v4"));
    const std::string& dnsmasq = built.artefacts.at("build/lab/iptables/dnsmasq.conf");
    for (const Probe& probe : probes) {
      if (!probe.name.empty()) sets_.resolve(dnsmasq, probe.name, probe.address);
    }
  }
  bool allows(const Probe& probe) const override {
    iptables::ProbePacket packet;
    packet.from = net::parse_address(probe.from).value();
    packet.to = net::parse_address(probe.address).value();
    packet.protocol = probe.protocol;
    packet.detail = probe.port;
    return rules_.verdict("HCI-lab", packet, sets_) == "ACCEPT";
  }
  bool sees(const Probe&) const override { return true; }

 private:
  iptables::SetReader sets_;
  iptables::RulesReader rules_;
};

/// A script for each server, of which both must allow what one opens to the other.
class Windows : public Device {
 public:
  explicit Windows(const BuiltLibrary& built) {
    target = "lab/windows-firewall";
    for (const auto& [address, node] :
         {std::pair("10.1.0.11", "e1"), std::pair("10.2.0.11", "w1")}) {
      const windows_firewall::ParsedScript script(
          built.artefacts.at(std::string("build/lab/windows-firewall/") + node + ".ps1"));
      rules_.emplace(address, script.table("rules"));
    }
  }
  bool allows(const Probe& probe) const override {
    return allows(probe.from, probe.address, probe, false) &&
           allows(probe.address, probe.from, probe, true);
  }
  bool sees(const Probe& probe) const override {
    return is_server(probe.from) || is_server(probe.address);
  }

 private:
  bool allows(const std::string& local, const std::string& remote, const Probe& probe,
              bool inbound) const {
    const auto server = rules_.find(local);
    if (server == rules_.end()) return true;
    return server->second.verdict({inbound, windows_firewall::bytes_of(local),
                                   windows_firewall::bytes_of(remote), probe.protocol,
                                   probe.port}) == "Allow";
  }

  std::map<std::string, windows_firewall::WindowsRules> rules_;
};

}  // namespace

std::string to_string(const Probe& probe) {
  return probe.from + " -> " + (probe.name.empty() ? probe.address : probe.name) + " on " +
         (probe.protocol == net::protocol::tcp ? "tcp/" : "udp/") + std::to_string(probe.port);
}

bool allows(const std::vector<OpenedFlow>& flows, const Probe& probe) {
  net::Packet packet;
  packet.from = net::parse_address(probe.from).value();
  if (probe.name.empty()) {
    packet.to = net::parse_address(probe.address).value();
  } else {
    packet.to = probe.name;
  }
  packet.service = probe.protocol * 65536u + probe.port;
  return std::any_of(flows.begin(), flows.end(),
                     [&](const OpenedFlow& flow) { return net::contains(flow.box, packet); });
}

std::unique_ptr<Device> windows(const BuiltLibrary& built) {
  if (windows_firewall::powershell() == nullptr) return nullptr;
  return std::make_unique<Windows>(built);
}

std::vector<std::unique_ptr<Device>> devices(const BuiltLibrary& built,
                                             const std::vector<Probe>& probes) {
  std::vector<std::unique_ptr<Device>> out;
  out.push_back(std::make_unique<AzureFirewall>(built));
  out.push_back(std::make_unique<PaloAlto>(built, probes));
  out.push_back(std::make_unique<Iptables>(built, probes));
  return out;
}

}  // namespace hcipol::test
