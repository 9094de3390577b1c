// Every device is asked by packets of its own: through a gateway, or to and from a machine.
#include "tests/kernel/fixture.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <optional>

namespace hcipol::test::kernel {

namespace {

constexpr std::size_t least_probes = 2000;
constexpr std::size_t most_at_once = 40;  ///< disagreements that are shown of one device

std::size_t through_gateways = 0, of_machines = 0;

/// The program as a whole is worth what it has asked.
class Count : public testing::Environment {
 public:
  void TearDown() override {
    if (!Judge::missing().empty()) return;
    std::cout << "kernel: " << through_gateways << " probes through gateways, " << of_machines
              << " to and from machines\n";
    if (GTEST_FLAG_GET(filter) != "*") return;
    EXPECT_GE(through_gateways, least_probes);
    EXPECT_GE(of_machines, least_probes);
  }
};
const auto* const environment = testing::AddGlobalTestEnvironment(new Count);

net::Packet packet_of(const GatewayLab::Probe& probe, const Directory& names) {
  return {names.endpoint(probe.from), names.endpoint(probe.to), probe.service};
}

std::optional<net::AddressSet> machine_of(const Emitted& one) {
  const auto& machine = one.device->view->machine;
  if (!machine) return std::nullopt;
  net::AddressSet out;
  for (const auto* part : machine->parts) out = out | part->set.addresses;
  return out;
}

bool can_ask(const std::optional<net::AddressSet>& machine, const GatewayLab::Probe& probe) {
  return !machine || machine->contains(probe.from) || machine->contains(probe.to);
}

/// Whatever the policy says: it passes.
bool is_to_itself(const std::optional<net::AddressSet>& machine, const GatewayLab::Probe& probe) {
  return machine && machine->contains(probe.from) && machine->contains(probe.to);
}

}  // namespace

void Kernel::SetUp() {
  if (!Judge::missing().empty()) GTEST_SKIP() << Judge::missing();
}

std::vector<std::string> Kernel::ask(const Files& files,
                                     const std::vector<Expectation>& expectations,
                                     const Directory& names, const net::AddressSet* machine) {
  Judge& judge = Judge::one();
  const std::size_t before = judge.probes();
  auto out = judge.disagreements(GetParam(), files, expectations, names, machine);
  (machine == nullptr ? through_gateways : of_machines) += judge.probes() - before;
  return out;
}

void Kernel::expect_agreement(const Emitted& one, const std::string& what,
                              const std::vector<GatewayLab::Probe>& probes,
                              const Directory& names) {
  const auto machine = machine_of(one);
  expect_agreement(what, files_of(one.emission), expectations_of(one, probes, names), names,
                   machine ? &*machine : nullptr);
}

void Kernel::expect_agreement(const std::string& what, const Files& files,
                              const std::vector<Expectation>& expectations, const Directory& names,
                              const net::AddressSet* machine) {
  const auto wrong = ask(files, expectations, names, machine);
  for (std::size_t i = 0; i < std::min(wrong.size(), most_at_once); ++i) {
    ADD_FAILURE() << what << ": " << wrong[i];
  }
  if (wrong.size() > most_at_once) ADD_FAILURE() << what << ": " << wrong.size() << " in all";
}

void Kernel::expect_found(const std::string& text, const std::vector<Fault>& faults) {
  EmittedPolicy policy({{"main.hcipol", text}}, ".");
  ASSERT_FALSE(policy.devices().empty());
  for (const Emitted& one : policy.devices()) {
    if (one.backend->name != GetParam().backend) continue;
    Directory names;
    const auto machine = machine_of(one);
    const auto* own = machine ? &*machine : nullptr;
    const auto expectations = expectations_of(one, edges(*one.device->cluster, names), names);
    const Files files = files_of(one.emission);
    expect_agreement("without a fault", files, expectations, names, own);
    for (const Fault& fault : faults) {
      Files broken = files;
      std::string& device_text = broken.at(fault.file);
      // Files begin with comments about how to load them.
      const auto table = device_text.find("\n*filter");
      const auto at = device_text.find(fault.sane, table == std::string::npos ? 0 : table);
      ASSERT_NE(at, std::string::npos) << fault.sane << "\n" << device_text;
      device_text.replace(at, std::string_view(fault.sane).size(), fault.broken);
      const auto wrong = ask(broken, expectations, names, own);
      EXPECT_FALSE(wrong.empty()) << fault.broken << "\n" << device_text;
      // A file that does not load would prove nothing.
      for (const std::string& what : wrong) EXPECT_FALSE(what.starts_with("does not load")) << what;
    }
  }
}

Files files_of(const backends::Emission& emission) {
  Files out;
  for (const backends::Artefact& artefact : emission.artefacts) out[artefact.path] = artefact.text;
  return out;
}

std::vector<Expectation> expectations_of(const Emitted& one,
                                         const std::vector<GatewayLab::Probe>& probes,
                                         const Directory& names) {
  const Meaning meaning(*one.device, one.emission);
  const auto machine = machine_of(one);
  std::vector<Expectation> out;
  for (const GatewayLab::Probe& probe : probes) {
    if (!can_ask(machine, probe)) continue;
    const net::Packet packet = packet_of(probe, names);
    const auto says =
        is_to_itself(machine, probe) ? Meaning::Says::passes : meaning.device(packet, probe);
    out.push_back({probe, meaning.fate(says, packet)});
  }
  return out;
}

std::vector<GatewayLab::Probe> probes_of_random_policies(Directory& names) {
  std::vector<GatewayLab::Probe> out;
  for (const net::Packet& packet : packets()) {
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
      const auto at = [&](const net::Endpoint& end) {
        const auto* name = std::get_if<std::string>(&end);
        return name != nullptr ? names.of(*name, family) : std::get<net::Address>(end);
      };
      const GatewayLab::Probe probe{at(packet.from), at(packet.to), packet.service};
      if (GatewayLab::can_send(probe)) out.push_back(probe);
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

void expect_one_meaning(const Emitted& one, const RandomPolicy& policy,
                        const std::vector<GatewayLab::Probe>& probes, const Directory& names) {
  const Meaning meaning(*one.device, one.emission);
  const auto machine = machine_of(one);
  for (const GatewayLab::Probe& probe : probes) {
    if (!can_ask(machine, probe)) continue;
    const net::Packet packet = packet_of(probe, names);
    const bool seen = machine || policy.seen(packet);
    ASSERT_EQ(meaning.policy(packet) == Meaning::Says::passes, seen && policy.allowed(packet));
  }
}

std::string many_prefixes(std::mt19937& random) {
  const auto prefix = [&](bool v6) {
    net::Address address = net::parse_address(v6 ? "fd00::" : "10.0.0.0").value();
    (v6 ? address.high : address.low) |= random() % (v6 ? 1U << 20 : 1U << 22);
    const auto length = static_cast<unsigned>(v6 ? 44 + random() % 21 : 10 + random() % 23);
    return net::to_string(net::Cidr{net::first_of(address, length), length});
  };
  std::string rules;
  for (unsigned i = 0; i < 120; ++i) {
    const bool v6 = i % 3 == 0;
    const auto ends = random() % 4;
    const std::string from = ends == 0 ? "servers" : prefix(v6);
    const std::string to = ends == 1 ? "servers" : prefix(v6);
    rules += fmt::format("  {} \"r{}\" {} -> {} on {}/{}\n", i % 4 == 0 ? "deny" : "allow", i, from,
                         to, i % 2 == 0 ? "udp" : "tcp", 100 + random() % 3);
  }
  // Names of which each would have a set of its own, on one port; some lie below others.
  for (unsigned i = 0; i < 20; ++i) {
    rules += fmt::format("  allow \"h{0}\" servers -> \"h{0}.example.com\" on tcp/443\n", i);
    rules += fmt::format("  allow \"w{0}\" servers -> \"*.a.h{0}.example.com\" on tcp/443\n", i);
  }
  return "cluster \"c\" {\n  node \"n1\" { address = [10.0.1.1, fd00::11] }\n  enable "
         "\"x\"\n}\n\nfeature \"x\" {\n" +
         rules + "}\n";
}

const char* const small_policy = R"(
role "dns" {}

cluster "c" {
  node "n1" { address = [10.0.1.1, fd00::11] }

  role "dns" { members = [203.0.113.40, 203.0.113.41, 203.0.113.49] }

  enable "monitoring"
}

feature "monitoring" {
  allow "smb"  10.0.9.0/28 -> servers on tcp/445
  allow "ping" fd00:9::/64 -> servers on icmpv6/128
  allow "snmp" 10.0.9.0/28 -> servers on udp/161
  allow "out"  servers -> dns on udp/53
}
)";

}  // namespace hcipol::test::kernel
