// Compiles policies that use the library, and reads what their features open.
#include "library.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <regex>
#include <sstream>

#include "diagnostics/render.h"
#include "policy/model.h"
#include "tests/support/repository.h"

namespace hcipol::test {

namespace {

struct BoundRole {
  std::string_view name;
  std::string_view address;
  std::string_view since;  ///< the release that declares it
};
constexpr std::array bound_roles{
    BoundRole{"management", "10.5.0.1", "20h2"},
    BoundRole{"wac", "10.6.0.1", "20h2"},
    BoundRole{"domain-controllers", "10.7.0.1", "20h2"},
    BoundRole{"dns-servers", "10.7.0.2", "20h2"},
    BoundRole{"time-servers", "10.7.0.3", "23h2"},
    BoundRole{"aks-vms", "10.8.0.1", "20h2"},
    BoundRole{"cloud-agent", "10.8.0.2", "20h2"},
    BoundRole{"management-network", "10.8.0.3", "23h2"},
    BoundRole{"management-machine", "10.9.0.1", "23h2"},
    BoundRole{"arc-appliance-vms", "10.9.0.2", "23h2"},
    BoundRole{"arc-control-plane", "10.9.0.3", "23h2"},
    BoundRole{"private-cloud", "10.9.0.4", "23h2"},
};

/// What opens most, from a release on, in some clouds. Of the rows that a context has for a feature
/// the last one counts; where it has none, the feature does not exist. A row without clouds ends
/// it.
struct Enabled {
  std::string_view feature;
  std::string_view since;
  std::string_view parameters;  ///< those whose default does not open most
  std::string_view clouds = "public usgov china";
};
constexpr std::array enabled_features{
    // What the firewall document has itself.
    Enabled{"registration", "20h2", "newer_module = true billing_audience = true"},
    Enabled{"registration", "23h2", "billing_audience = true"},
    Enabled{"registration", "23h2", "key_vault = \"contosovault\" billing_audience = true",
            "public"},
    Enabled{"registration", "24h2", ""},
    Enabled{"registration", "24h2", "key_vault = \"contosovault\"", "public usgov"},
    Enabled{"powershell-gallery", "20h2", "delivery_hosts = true"},
    Enabled{"powershell-gallery", "22h2", "site = true"},
    Enabled{"microsoft-update", "20h2", ""},
    Enabled{"outbound-baseline", "20h2", ""},
    Enabled{"cloud-witness", "20h2", "account = \"*\""},
    Enabled{"remote-support", "20h2", ""},
    Enabled{"between-servers", "20h2", "rdma = \"iwarp\""},
    Enabled{"windows-admin-center", "20h2", ""},
    Enabled{"failover-clustering", "20h2", "netbios = true random_udp = true"},
    Enabled{"hyper-v", "20h2", "replica = true"},
    Enabled{"storage-replica", "20h2", "topology_test = true"},
    Enabled{"hci-service", "21h2", ""},
    Enabled{"ntp", "23h2", ""},
    // What it leaves to others.
    Enabled{"active-directory", "20h2", "ldaps = true"},
    Enabled{"dns", "20h2", ""},
    Enabled{"aks", "20h2", "", "public"},
    Enabled{"aks", "24h2", "", "public usgov"},
    Enabled{"aks-network", "20h2", ""},
    Enabled{"aks-network", "23h2", "cross_vlan = true"},
    Enabled{"arc-servers", "20h2", "linux = true former_agent = true", "public"},
    Enabled{"arc-servers", "21h2", "linux = true former_agent = true portal_sessions = true",
            "public"},
    Enabled{"arc-servers", "22h2", "linux = true former_agent = true portal_sessions = true"},
    Enabled{"arc-servers", "24h2",
            "linux = true former_agent = true portal_sessions = true sql_server = true "
            "extended_security_updates = true licence_checks = true",
            "usgov"},
    Enabled{"arc-servers", "24h2",
            "linux = true former_agent = true portal_sessions = true sql_server = true "
            "extended_security_updates = true licence_checks = true "
            "sql_key_vault = \"contosovault\"",
            "public"},
    Enabled{"arc-resource-bridge", "21h2", "", "public"},
    Enabled{"arc-resource-bridge", "24h2", "", "public usgov"},
    Enabled{"arc-resource-bridge-network", "21h2", ""},
    Enabled{"arc-resource-bridge-network", "23h2", "private_cloud = true"},
    Enabled{"arc-gateway", "23h2", "id = \"contosogateway\"", "public"},
    Enabled{"arc-gateway", "24h2", "id = \"contosogateway\"", "public usgov"},
    Enabled{"monitoring-agent", "20h2", ""},
    Enabled{"monitoring-agent", "24h2", "", ""},
    Enabled{"azure-monitor-agent", "22h2",
            "workspaces = [\"00000000-0000-0000-0000-000000000000\"] "
            "collection_endpoints = [\"contosodce\"] custom_metrics = true"},
    Enabled{"qualys", "20h2", "", "public"},
    Enabled{"qualys", "24h2", "", ""},
    Enabled{"defender-for-endpoint", "20h2", "", "public"},
    Enabled{"defender-for-endpoint", "23h2", "", "public usgov"},
    Enabled{"azure-portal", "20h2", ""},
    Enabled{"windows-admin-center-outbound", "20h2", "azure_services = true usage_data = true"},
    Enabled{"windows-admin-center-outbound", "21h2",
            "azure_services = true usage_data = true azure_portal = true former_extension = true",
            "public"},
    Enabled{"windows-admin-center-outbound", "24h2",
            "azure_services = true usage_data = true azure_portal = true", "usgov"},
    Enabled{"windows-admin-center-in-portal", "21h2", ""},
    Enabled{"observability", "22h2", "", "public"},
    Enabled{"observability", "24h2", "", "public usgov"},
    // What the regional lists add.
    Enabled{"deployment", "23h2", "", "public"},
    Enabled{"deployment", "24h2", "", "public usgov"},
    Enabled{"certificate-revocation", "23h2", "", "public"},
    Enabled{"certificate-revocation", "24h2", "", "public usgov"},
    Enabled{"azure-benefits", "23h2", "", "public"},
    Enabled{"azure-benefits", "24h2", "", "public usgov"},
    Enabled{"oem-dataon", "23h2", "", "public"},
    Enabled{"oem-dell", "23h2", "", "public"},
    Enabled{"oem-hitachi", "23h2", "", "public"},
    Enabled{"oem-hpe", "23h2", "", "public"},
    Enabled{"oem-lenovo", "23h2", "", "public"},
};

net::PeerSet union_of(const sema::Peers& peers) {
  net::PeerSet set;
  for (const sema::NamedSet* part : peers.parts) set = set | part->set;
  return set;
}

net::PeerSet addresses(std::initializer_list<std::string_view> texts) {
  net::PeerSet set;
  for (const std::string_view text : texts) {
    set.addresses = set.addresses | net::AddressSet(net::parse_address(text).value());
  }
  return set;
}

const std::map<std::string, net::PeerSet, std::less<>>& roles() {
  static const auto all = [] {
    std::map<std::string, net::PeerSet, std::less<>> sets;
    sets["servers"] = addresses({"10.1.0.11", "10.2.0.11"});
    sets["internet"] = {net::internet_addresses(), net::DomainSet::all()};
    for (const BoundRole& bound : bound_roles) {
      sets[std::string(bound.name)] = addresses({bound.address});
    }
    return sets;
  }();
  return all;
}

std::string to_text(const net::PeerSet& peers) {
  for (const auto& [name, set] : roles()) {
    if (set == peers) return name;
  }
  if (peers.names.empty()) return to_string(peers.addresses);
  if (peers.addresses.empty()) return to_string(peers.names);
  return to_string(peers.addresses) + ", " + to_string(peers.names);
}

}  // namespace

std::string to_string(const Context& context) {
  return context.release + "/" + context.cloud + "/" + context.region +
         (context.gateway ? "/gateway" : "");
}

std::string_view some_region(std::string_view cloud) {
  return cloud == "public" ? "westeurope" : cloud == "usgov" ? "usgovvirginia" : "chinaeast2";
}

const std::vector<std::string>& releases() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> names = folders_in("stdlib/hci");
    std::sort(names.begin(), names.end());
    return names;
  }();
  return all;
}

bool is_from(std::string_view release, std::string_view since) {
  return release >= since;
}

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

std::string policy_text(const Context& context, const std::string& enables) {
  std::ostringstream text;
  text << "use \"std/hci/" << context.release << "\"\n\n"
       << "cluster \"lab\" {\n  cloud  = \"" << context.cloud << "\"\n";
  if (!context.region.empty()) text << "  region = \"" << context.region << "\"\n";
  text << "  site \"east\" { node \"e1\" { address = 10.1.0.11 } }\n"
       << "  site \"west\" { node \"w1\" { address = 10.2.0.11 } }\n";
  for (const BoundRole& bound : bound_roles) {
    if (!is_from(context.release, bound.since)) continue;
    text << "  role \"" << bound.name << "\" { members = " << bound.address << " }\n";
  }
  text << enables << "}\n";
  return text.str();
}

std::string everything_on(const Context& context,
                          const std::map<std::string_view, std::string_view>& more) {
  std::map<std::string_view, std::string_view> on;
  for (const Enabled& row : enabled_features) {
    if (row.feature == "arc-gateway" && !context.gateway) continue;
    if (!is_from(context.release, row.since)) continue;
    if (row.clouds.empty()) on.erase(row.feature);
    if (row.clouds.find(context.cloud) == std::string_view::npos) continue;
    on[row.feature] = row.parameters;
  }
  std::string text;
  for (const auto& [feature, parameters] : on) {
    text += "  enable \"" + std::string(feature) + "\"";
    const auto added = more.find(feature);
    text += " { " + std::string(parameters) + " ";
    if (added != more.end()) text += std::string(added->second) + " ";
    text += "}";
    text += "\n";
  }
  return text;
}

const net::PeerSet& role(std::string_view name) {
  const auto found = roles().find(name);
  if (found != roles().end()) return found->second;
  ADD_FAILURE() << "no role `" << name << "` is bound in these tests";
  static const net::PeerSet none;
  return none;
}

net::PeerSet host(std::string_view pattern) {
  const auto parsed = net::parse_pattern(pattern);
  if (parsed) return {{}, net::DomainSet(*parsed)};
  ADD_FAILURE() << "the language cannot say `" << pattern << "`";
  return {};
}

net::PeerSet peer(std::string_view text) {
  return roles().contains(text) ? role(text) : host(text);
}

std::set<std::string> features_declared(std::string_view release) {
  static const std::regex feature("(^|\\n)feature \"([^\"]+)\"");
  std::set<std::string> names;
  for (const std::string& one : releases()) {
    if (!is_from(release, one)) continue;
    for (const auto& [path, text] : files_below("stdlib/hci/" + one, {".hcipol"})) {
      for (std::sregex_iterator at(text.begin(), text.end(), feature), end; at != end; ++at) {
        names.insert((*at)[2]);
      }
    }
  }
  return names;
}

std::vector<OpenedFlow> opened(const policy::Policy& policy) {
  std::vector<OpenedFlow> flows;
  for (const policy::Cluster& cluster : policy.clusters) {
    for (const policy::Rule& rule : cluster.rules) {
      EXPECT_EQ(rule.kind, policy::Rule::Kind::allow) << rule.address;
      const net::PeerSet from = union_of(rule.from);
      const net::PeerSet to = union_of(rule.to);
      flows.push_back({rule.origin.feature, rule.address, {from, to, rule.service}});
      if (rule.both_ways) {
        flows.push_back({rule.origin.feature, rule.address, {to, from, rule.service}});
      }
    }
  }
  return flows;
}

std::string to_text(const net::PacketSet& packets) {
  std::string text;
  for (const net::Box& box : packets.boxes(20)) {
    text += "\n  " + to_text(box.from) + " -> " + to_text(box.to) + " on " + to_string(box.service);
  }
  return text;
}

}  // namespace hcipol::test
