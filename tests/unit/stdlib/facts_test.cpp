// The library opens what the document asks for, and nothing else. Facts and rules are compared as
// sets of packets, in both directions, for each feature, cloud and setting of the parameters.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/render.h"
#include "driver/pipeline.h"
#include "net/packet_set.h"
#include "policy/model.h"

namespace hcipol {
namespace {

using net::Box;
using net::PeerSet;
using net::ServiceSet;

// ---- Compiling

struct Compiled {
  std::unique_ptr<driver::Compilation> compilation;  ///< null if there were errors
  std::string errors;                                ///< with their codes
};

/// Compiles a policy of one file with the library that is built into the compiler.
Compiled compile(const std::string& text) {
  MemoryFileSystem files;
  driver::Environment environment;
  environment.files = &files;
  environment.read_stdin = [&] { return text; };
  environment.today = *parse_date("2022-06-01");
  driver::Options options;
  options.path = "-";
  auto compilation = std::make_unique<driver::Compilation>();
  if (driver::compile(options, {}, environment, *compilation)) return {std::move(compilation), ""};
  return {nullptr, render_short(compilation->reporter.sorted(), compilation->sources)};
}

// ---- What the features open

struct OpenedFlow {
  std::string feature;  ///< "failover-clustering"
  std::string rule;     ///< "hci/failover-clustering.rpc"
  Box box;              ///< one direction
};

PeerSet union_of(const sema::Peers& peers) {
  PeerSet set;
  for (const sema::NamedSet* part : peers.parts) set = set | part->set;
  return set;
}

std::vector<OpenedFlow> opened(const policy::Policy& policy) {
  std::vector<OpenedFlow> flows;
  for (const policy::Cluster& cluster : policy.clusters) {
    for (const policy::Rule& rule : cluster.rules) {
      EXPECT_EQ(rule.kind, policy::Rule::Kind::allow) << rule.address;
      const PeerSet from = union_of(rule.from);
      const PeerSet to = union_of(rule.to);
      flows.push_back({rule.origin.feature, rule.address, {from, to, rule.service}});
      if (rule.both_ways) {
        flows.push_back({rule.origin.feature, rule.address, {to, from, rule.service}});
      }
    }
  }
  return flows;
}

// ---- The cluster of every test

constexpr std::string_view cluster_head = R"(
  site "east" { node "e1" { address = 10.1.0.11 } }
  site "west" { node "w1" { address = 10.2.0.11 } }
  role "management" { members = 10.5.0.1 }
  role "wac"        { members = 10.6.0.1 }
)";

PeerSet addresses(std::initializer_list<std::string_view> texts) {
  PeerSet set;
  for (const std::string_view text : texts) {
    set.addresses = set.addresses | net::AddressSet(net::parse_address(text).value());
  }
  return set;
}

const PeerSet& role(std::string_view name) {
  static const std::map<std::string_view, PeerSet> sets{
      {"servers", addresses({"10.1.0.11", "10.2.0.11"})},
      {"management", addresses({"10.5.0.1"})},
      {"wac", addresses({"10.6.0.1"})},
      {"internet", {net::internet_addresses(), net::DomainSet::all()}},
  };
  return sets.at(name);
}

PeerSet host(std::string_view pattern) {
  return {{}, net::DomainSet(net::parse_pattern(pattern).value())};
}

/// Each setting gives every feature of the library a value for every parameter that matters.
constexpr std::string_view everything_on = R"(
  enable "registration"
  enable "powershell-gallery"
  enable "microsoft-update"
  enable "outbound-baseline"
  enable "cloud-witness"        { account = "*" }
  enable "remote-support"
  enable "between-servers"      { rdma = "iwarp" }
  enable "windows-admin-center"
  enable "failover-clustering"  { netbios = true }
  enable "hyper-v"              { replica = true }
  enable "storage-replica"      { topology_test = true }
)";

// Storage Replica and the traffic between servers switch themselves on.
constexpr std::string_view defaults = R"(
  enable "registration"
  enable "powershell-gallery"
  enable "microsoft-update"
  enable "outbound-baseline"
  enable "cloud-witness" { account = "*" }
  enable "remote-support"
  enable "windows-admin-center"
  enable "failover-clustering"
  enable "hyper-v"
)";

constexpr std::string_view everything_off = R"(
  enable "registration"         { former_dataplane = false }
  enable "powershell-gallery"
  enable "microsoft-update"
  enable "outbound-baseline"    { http = false }
  enable "cloud-witness"        { account = "*" }
  enable "remote-support"
  enable "between-servers"      { rdma = "roce" }
  enable "windows-admin-center" { https_only = true }
  enable "failover-clustering"  { joining = false }
  enable "hyper-v"
)";

std::string policy_text(std::string_view release, std::string_view cloud,
                        std::string_view enables) {
  std::ostringstream text;
  text << "use \"std/hci/" << release << "\"\ncluster \"lab\" {\n  cloud = \"" << cloud << "\"\n"
       << cluster_head << enables << "}\n";
  return text.str();
}

constexpr std::array<std::string_view, 3> clouds{"public", "usgov", "china"};

// ---- The facts

const std::filesystem::path facts_folder = HCIPOL_SOURCE_DIR "/../shared/facts";
constexpr std::string_view document = "Firewall requirements for Azure Stack HCI";
constexpr std::string_view document_date = "04/28/2022";

const std::map<std::string_view, std::string_view> feature_of_module{
    {"registration", "registration"},
    {"dataplane", "registration"},
    {"powershell_gallery", "powershell-gallery"},
    {"microsoft_update", "microsoft-update"},
    {"outbound_baseline", "outbound-baseline"},
    {"cloud_witness", "cloud-witness"},
    {"remote_support", "remote-support"},
    {"intra_cluster", "between-servers"},
    {"windows_admin_center", "windows-admin-center"},
    {"failover_clustering", "failover-clustering"},
    {"hyper_v", "hyper-v"},
    {"storage_replica", "storage-replica"},
};

const std::map<std::string_view, std::string_view> role_of_fact{
    {"cluster_node", "servers"},           {"hyper_v_host", "servers"},
    {"stretched_cluster_node", "servers"}, {"management_system", "management"},
    {"windows_admin_center", "wac"},       {"internet", "internet"},
};

/// Rows whose `effective` roles replace the document's, but which the library opens both ways
/// round: as the document prints them and between the servers (E23).
const std::set<std::string_view> as_documented_too{
    "failover_clustering/cluster-service-udp",
    "failover_clustering/cluster-service-join-tcp",
};

/// Rows that the document gives without a condition or as optional, and that a parameter switches
/// off by default.
const std::map<std::string_view, std::string_view> off_by_default{
    {"intra_cluster/smb-direct-iwarp", "between-servers.rdma: \"if using iWARP RDMA\" (E27)"},
    {"failover_clustering/netbios-name", "failover-clustering.netbios: old tools only (E20)"},
    {"hyper_v/http", "hyper-v.replica: a listener of Hyper-V Replica (E25)"},
    {"hyper_v/https", "hyper-v.replica: a listener of Hyper-V Replica (E25)"},
    {"storage_replica/icmpv4-test-srtopology", "storage-replica.topology_test"},
    {"storage_replica/icmpv6-test-srtopology", "storage-replica.topology_test"},
};

/// What else the parameters can close.
const std::map<std::string_view, std::string_view> can_be_closed{
    {"dataplane/public/https/azurestackhci.azurefd.net:443", "registration.former_dataplane (E05)"},
    {"windows_admin_center/winrm-http-from-wac", "windows-admin-center.https_only"},
    {"failover_clustering/cluster-service-join-tcp", "failover-clustering.joining (E23)"},
};

/// What the library opens although the document does not say it.
struct Addition {
  std::string_view feature;
  std::string_view cloud;  ///< "" for every cloud
  std::string_view to;     ///< a role or a host
  std::uint16_t port;
  bool in_everything_off;
  std::string_view reason;
};
constexpr std::array additions{
    Addition{"outbound-baseline", "", "internet", 80, false,
             "E02: the update hosts of the same document are http; later revisions say 80 and 443"},
    Addition{"cloud-witness", "usgov", "*.blob.core.usgovcloudapi.net", 443, true,
             "E11: the document has the public suffix only"},
    Addition{"cloud-witness", "china", "*.blob.core.chinacloudapi.cn", 443, true,
             "E11: the document has the public suffix only"},
};

struct Fact {
  std::string id;
  std::string feature;
  std::vector<Box> boxes;
};

bool of_the_document(const nlohmann::json& row) {
  return row.at("source").at("doc") == document && row.at("source").at("date") == document_date;
}

std::string feature_of(const nlohmann::json& row) {
  const auto found = feature_of_module.find(row.at("module").get_ref<const std::string&>());
  if (found != feature_of_module.end()) return std::string(found->second);
  ADD_FAILURE() << "no feature stands for module " << row.at("module") << " of " << row.at("id");
  return "";
}

/// Rows of endpoints.json: a server opens a connection to a host.
Fact endpoint_fact(const nlohmann::json& row) {
  Fact fact{row.at("id"), feature_of(row), {}};
  EXPECT_EQ(row.at("protocol"), "tcp") << fact.id;
  const std::uint16_t port = row.at("port");
  EXPECT_EQ(port, row.at("scheme") == "http" ? 80 : 443) << fact.id;
  fact.boxes.push_back({role("servers"), host(row.at("fqdn").get<std::string>()),
                        ServiceSet::ports(net::protocol::tcp, port, port)});
  return fact;
}

/// The language opens requests; replies are implied. So of echo request and reply the request
/// counts.
ServiceSet echo(const nlohmann::json& row, std::uint8_t protocol, int request, int reply) {
  EXPECT_EQ(row.at("icmp_types"), nlohmann::json({request, reply})) << row.at("id");
  return ServiceSet::icmp_type(protocol, static_cast<std::uint8_t>(request));
}

ServiceSet service_of(const nlohmann::json& row) {
  const std::string protocol = row.at("protocol");
  if (protocol == "icmpv4") return echo(row, net::protocol::icmp, 8, 0);
  if (protocol == "icmpv6") return echo(row, net::protocol::icmpv6, 128, 129);
  const std::uint8_t number = net::protocol_number(protocol).value();
  const nlohmann::json& ports = row.at("ports");
  // A range that the operator may set: {"parameter": …, "default": [first, last]}.
  if (ports.is_object()) {
    return ServiceSet::ports(number, ports.at("default").at(0), ports.at("default").at(1));
  }
  ServiceSet set;
  for (const nlohmann::json& port : ports) {
    set = set | (port.is_array() ? ServiceSet::ports(number, port.at(0), port.at(1))
                                 : ServiceSet::ports(number, port, port));
  }
  return set;
}

/// Rows of ports.json: one role speaks to another.
Fact port_fact(const nlohmann::json& row) {
  Fact fact{row.at("id"), feature_of(row), {}};
  const ServiceSet service = service_of(row);
  const auto add = [&](const nlohmann::json& roles) {
    const PeerSet& from = role(role_of_fact.at(roles.at("source_role").get<std::string>()));
    const PeerSet& to = role(role_of_fact.at(roles.at("destination_role").get<std::string>()));
    fact.boxes.push_back({from, to, service});
    if (roles.at("bidirectional")) fact.boxes.push_back({to, from, service});
  };
  if (!row.contains("effective") || as_documented_too.contains(fact.id)) add(row);
  if (row.contains("effective")) add(row.at("effective"));
  return fact;
}

nlohmann::json read(std::string_view file) {
  std::ifstream in(facts_folder / file);
  return nlohmann::json::parse(in);
}

struct Facts {
  std::map<std::string, std::vector<Fact>, std::less<>> by_cloud;
  std::size_t endpoints = 0;
  std::size_t ports = 0;
};

const Facts& facts() {
  static const Facts all = [] {
    Facts out;
    for (const nlohmann::json& row : read("endpoints.json")) {
      if (!of_the_document(row)) continue;
      ++out.endpoints;
      for (const std::string cloud : row.at("cloud")) {
        out.by_cloud[cloud].push_back(endpoint_fact(row));
      }
    }
    for (const nlohmann::json& row : read("ports.json")) {
      if (!of_the_document(row)) continue;
      ++out.ports;
      for (const std::string_view cloud : clouds) {
        out.by_cloud[std::string(cloud)].push_back(port_fact(row));
      }
    }
    return out;
  }();
  return all;
}

// ---- Comparing

std::string text_of(const PeerSet& peers) {
  for (const std::string_view name : {"servers", "management", "wac", "internet"}) {
    if (role(name) == peers) return std::string(name);
  }
  if (peers.names.empty()) return to_string(peers.addresses);
  if (peers.addresses.empty()) return to_string(peers.names);
  return to_string(peers.addresses) + ", " + to_string(peers.names);
}

std::string text_of(const net::PacketSet& packets) {
  std::string text;
  for (const Box& box : packets.boxes(20)) {
    text += "\n  " + text_of(box.from) + " -> " + text_of(box.to) + " on " + to_string(box.service);
  }
  return text;
}

/// The facts of a cloud without those whose id is in `closed`, against the flows of a policy.
void compare(std::string_view cloud, const std::set<std::string_view>& closed, bool all_off,
             const std::vector<OpenedFlow>& flows) {
  std::vector<Fact> expected;
  for (const Fact& fact : facts().by_cloud.find(cloud)->second) {
    if (!closed.contains(fact.id)) expected.push_back(fact);
  }
  for (const Addition& more : additions) {
    if (!more.cloud.empty() && more.cloud != cloud) continue;
    if (all_off && !more.in_everything_off) continue;
    const PeerSet to = more.to == "internet" ? role("internet") : host(more.to);
    expected.push_back(
        {"addition: " + std::string(more.reason),
         std::string(more.feature),
         {{role("servers"), to, ServiceSet::ports(net::protocol::tcp, more.port, more.port)}}});
  }

  std::vector<Box> boxes;
  for (const Fact& fact : expected) boxes.insert(boxes.end(), fact.boxes.begin(), fact.boxes.end());
  for (const OpenedFlow& flow : flows) boxes.push_back(flow.box);
  net::PacketUniverse universe(boxes);

  std::map<std::string, net::PacketSet> asked, open;
  const auto of = [&](std::map<std::string, net::PacketSet>& sets,
                      const std::string& feature) -> net::PacketSet& {
    return sets.try_emplace(feature, universe.none()).first->second;
  };
  for (const Fact& fact : expected) {
    of(asked, fact.feature) = of(asked, fact.feature) | universe.of(fact.boxes);
  }
  for (const OpenedFlow& flow : flows) {
    of(open, flow.feature) = of(open, flow.feature) | universe.of(flow.box);
  }
  for (const Fact& fact : expected) {
    const net::PacketSet missing = universe.of(fact.boxes) - of(open, fact.feature);
    EXPECT_TRUE(missing.empty()) << "feature " << fact.feature << " does not open " << fact.id
                                 << text_of(missing);
  }
  for (const OpenedFlow& flow : flows) {
    const net::PacketSet extra = universe.of(flow.box) - of(asked, flow.feature);
    EXPECT_TRUE(extra.empty()) << "no fact asks for " << flow.rule << text_of(extra);
  }
}

std::set<std::string_view> ids(const std::map<std::string_view, std::string_view>& table) {
  std::set<std::string_view> out;
  for (const auto& [id, reason] : table) out.insert(id);
  return out;
}

class Facts2022 : public testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override {
    for (const std::string_view file : {"endpoints.json", "ports.json"}) {
      if (!std::filesystem::exists(facts_folder / file)) {
        GTEST_SKIP() << "there are no facts to compare with: " << facts_folder / file
                     << " is not there";
      }
    }
  }

  static std::vector<OpenedFlow> flows(std::string_view release, std::string_view cloud,
                                       std::string_view enables) {
    const Compiled compiled = compile(policy_text(release, cloud, enables));
    EXPECT_TRUE(compiled.compilation) << compiled.errors;
    return compiled.compilation ? opened(compiled.compilation->policy) : std::vector<OpenedFlow>{};
  }
};

INSTANTIATE_TEST_SUITE_P(Clouds, Facts2022, testing::ValuesIn(clouds),
                         [](const auto& cloud) { return std::string(cloud.param); });

TEST_P(Facts2022, EverythingOnOpensEveryFactAndNothingElse) {
  compare(GetParam(), {}, false, flows("21h2", GetParam(), everything_on));
}

TEST_P(Facts2022, DefaultsOpenEveryFactButTheOptionalOnes) {
  compare(GetParam(), ids(off_by_default), false, flows("21h2", GetParam(), defaults));
}

TEST_P(Facts2022, EverythingOffClosesWhatParametersClose) {
  std::set<std::string_view> closed = ids(off_by_default);
  closed.merge(ids(can_be_closed));
  compare(GetParam(), closed, true, flows("21h2", GetParam(), everything_off));
}

TEST_P(Facts2022, TheDocumentIsOneForBothReleases) {
  compare(GetParam(), {}, false, flows("20h2", GetParam(), everything_on));
}

/// The tests above would pass on nothing if the facts were filtered away or a table named a row
/// that does not exist.
TEST_F(Facts2022, TheTablesSpeakOfRowsThatExist) {
  EXPECT_EQ(facts().endpoints, 38U);
  EXPECT_EQ(facts().ports, 28U);
  std::set<std::string_view> known;
  for (const auto& [cloud, rows] : facts().by_cloud) {
    for (const Fact& fact : rows) known.insert(fact.id);
  }
  EXPECT_EQ(known.size(), facts().endpoints + facts().ports);
  std::set<std::string_view> named = as_documented_too;
  named.merge(ids(off_by_default));
  named.merge(ids(can_be_closed));
  for (const std::string_view id : named) EXPECT_TRUE(known.contains(id)) << id;
}

// ---- Without the facts

/// A feature that no setting enables would not be compared at all.
TEST(StandardLibrary, EveryFeatureIsEnabledInThisTest) {
  std::size_t features = 0;
  const std::filesystem::path folder = HCIPOL_SOURCE_DIR "/stdlib/hci/20h2";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) {
      if (!line.starts_with("feature \"")) continue;
      ++features;
      const std::string name = line.substr(8, line.find('"', 9) - 8 + 1);
      // Of other documents than the firewall requirements.
      if (name == "\"azure-portal\"" || name == "\"defender-for-endpoint\"") continue;
      EXPECT_NE(everything_on.find("enable " + name), std::string_view::npos)
          << name << " in " << entry.path().filename();
    }
  }
  EXPECT_EQ(features, 13U);
}

TEST(StandardLibrary, TheWitnessIsOneAccountWithTheSuffixOfItsCloud) {
  const std::map<std::string_view, std::string_view> hosts{
      {"public", "contosowitness.blob.core.windows.net"},
      {"usgov", "contosowitness.blob.core.usgovcloudapi.net"},
      {"china", "contosowitness.blob.core.chinacloudapi.cn"},
  };
  // Without sites, so that Storage Replica stays off.
  for (const auto& [cloud, name] : hosts) {
    const Compiled compiled =
        compile("use \"std/hci/21h2\"\ncluster \"lab\" {\n  cloud = \"" + std::string(cloud) +
                "\"\n  node \"n1\" { address = 10.1.0.11 }\n  enable "
                "\"cloud-witness\" { account = \"contosowitness\" }\n}\n");
    ASSERT_TRUE(compiled.compilation) << compiled.errors;
    const std::vector<OpenedFlow> flows = opened(compiled.compilation->policy);
    ASSERT_EQ(flows.size(), 1U) << cloud;
    EXPECT_EQ(flows[0].box, (Box{addresses({"10.1.0.11"}), host(name),
                                 ServiceSet::ports(net::protocol::tcp, 443, 443)}))
        << cloud;
  }
}

TEST(StandardLibrary, TheRpcPortsMayBeNarrowedWithinTheDocumentsBounds) {
  for (const std::string_view feature : {"failover-clustering", "hyper-v"}) {
    const auto with = [&](std::string_view ports) {
      std::string enable = "  enable \"" + std::string(feature) + "\" { rpc_ports = ";
      return compile(policy_text("21h2", "public", enable + std::string(ports) + " }\n"));
    };
    const Compiled narrowed = with("tcp/5001-5100");
    ASSERT_TRUE(narrowed.compilation) << narrowed.errors;
    const std::vector<OpenedFlow> flows = opened(narrowed.compilation->policy);
    EXPECT_TRUE(std::any_of(flows.begin(), flows.end(), [&](const OpenedFlow& flow) {
      return flow.rule == "hci/" + std::string(feature) + ".rpc-dynamic" &&
             flow.box.service == ServiceSet::ports(net::protocol::tcp, 5001, 5100);
    })) << feature;
    for (const std::string_view refused : {"tcp/5000-5099", "tcp/5001-5099", "udp/5001-5100",
                                           "tcp/any", "[tcp/5001-5100, udp/5001-5100]"}) {
      const Compiled compiled = with(refused);
      EXPECT_FALSE(compiled.compilation) << feature << ' ' << refused;
      EXPECT_NE(compiled.errors.find("E0312"), std::string::npos) << compiled.errors;
    }
  }
}

TEST(StandardLibrary, OtherParametersRefuseWhatTheyCannotMean) {
  for (const std::string_view enable : {R"(enable "cloud-witness" { account = "Not-Valid" })",
                                        R"(enable "cloud-witness" { account = "ab" })",
                                        R"(enable "cloud-witness" { account = "" })",
                                        R"(enable "cloud-witness" { account = "*.x" })",
                                        R"(enable "between-servers" { rdma = "infiniband" })"}) {
    const Compiled compiled = compile(policy_text("21h2", "public", std::string(enable) + "\n"));
    EXPECT_FALSE(compiled.compilation) << enable;
    EXPECT_NE(compiled.errors.find("E0312"), std::string::npos) << compiled.errors;
  }
}

}  // namespace
}  // namespace hcipol
