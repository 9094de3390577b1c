// Asks the readers of three devices.
#include "devices.h"

#include <algorithm>

#include "../backends/iptables_reader.h"
#include "../backends/palo_alto_reader.h"
#include "tests/support/azure_firewall_reader.h"

namespace hcipol::test {

namespace {

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
  bool sees(const std::string& from) const override {
    return from.starts_with("10.1.") || from.starts_with("10.2.");
  }

 private:
  azure::Template read_;
};

class PaloAlto : public Device {
 public:
  explicit PaloAlto(const BuiltLibrary& built)
      : read_(built.artefacts.at("build/lab/palo-alto/lab.xml")) {
    target = "lab/palo-alto";
  }
  bool allows(const Probe& probe) const override {
    // Every peer in a zone of its own, so that no default rule allows.
    return read_.allows({probe.from, probe.address, probe.name, probe.protocol, probe.port},
                        {{"from", probe.from}});
  }
  bool sees(const std::string&) const override { return true; }

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
  bool sees(const std::string&) const override { return true; }

 private:
  iptables::SetReader sets_;
  iptables::RulesReader rules_;
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

std::vector<std::unique_ptr<Device>> devices(const BuiltLibrary& built,
                                             const std::vector<Probe>& probes) {
  std::vector<std::unique_ptr<Device>> out;
  out.push_back(std::make_unique<AzureFirewall>(built));
  out.push_back(std::make_unique<PaloAlto>(built));
  out.push_back(std::make_unique<Iptables>(built, probes));
  return out;
}

}  // namespace hcipol::test
