// Reads the facts, and refuses what it does not understand.
#include "facts.h"
#include "tests/support/repository.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

namespace hcipol::test {

namespace {

using Json = nlohmann::json;

const std::set<std::string, std::less<>> every_cloud{"public", "usgov", "china"};

const std::set<std::string_view> known_releases{"20h2", "21h2", "22h2", "23h2", "24h2"};

/// Modules whose feature is not called as they are.
const std::map<std::string_view, std::string_view> feature_of_module{
    {"dataplane", "registration"},         {"mma", "monitoring-agent"},
    {"defender", "defender-for-endpoint"}, {"crl", "certificate-revocation"},
    {"intra_cluster", "between-servers"},  {"hci_os_management", "hci-service"},
};
const std::map<std::string_view, std::string_view> feature_of_port{
    {"aks", "aks-network"},
    {"arc_resource_bridge", "arc-resource-bridge-network"},
};
constexpr std::string_view browser_of_portal = "windows_admin_center/portal-browser-6443";

const std::map<std::string_view, std::string_view> role_of_port{
    {"cluster_node", "servers"},
    {"hyper_v_host", "servers"},
    {"stretched_cluster_node", "servers"},
    {"management_system", "management"},
    {"windows_admin_center", "wac"},
    {"internet", "internet"},
    {"domain_controller", "domain-controllers"},
    {"dns_server", "dns-servers"},
    {"time_server", "time-servers"},
    {"aks_vm", "aks-vms"},
    {"aks_logical_network", "aks-vms"},
    {"cloud_agent_vip", "cloud-agent"},
    {"management_network", "management-network"},
    {"management_machine", "management-machine"},
    {"arb_appliance_vm", "arc-appliance-vms"},
    {"arb_control_plane_ip", "arc-control-plane"},
    {"private_cloud_control_plane", "private-cloud"},
};
/// The page of the portal's hosts names nobody who asks them. They are what the pages of a web site
/// fetch, so it is browsers, which here are on the computers of `management` and never on a server.
const std::map<std::string_view, std::string_view> role_of_module{{"azure_portal", "management"}};
const std::map<std::string_view, std::string_view> role_of_endpoint{
    {"browser", "management"},
    {"gateway", "wac"},
    {"hci_node", "servers"},
};

/// Rows whose `effective` roles replace the document's, but which the library opens both ways
/// round: as the document prints them and between the servers (E23).
const std::set<std::string_view> as_documented_too{
    "failover_clustering/cluster-service-udp",
    "failover_clustering/cluster-service-join-tcp",
};

Json read(std::string_view file) {
  std::ifstream in(facts_folder() / file);
  return Json::parse(in);
}

std::string mapped(const std::map<std::string_view, std::string_view>& table,
                   const std::string& name, const std::string& id) {
  const auto found = table.find(name);
  if (found != table.end()) return std::string(found->second);
  ADD_FAILURE() << "this test knows no `" << name << "`, which " << id << " names";
  return "";
}

std::string feature_of(const std::string& module) {
  const auto found = feature_of_module.find(module);
  if (found != feature_of_module.end()) return std::string(found->second);
  std::string feature = module;
  std::replace(feature.begin(), feature.end(), '_', '-');
  return feature;
}

std::set<std::string, std::less<>> releases_of(const Json& row) {
  std::set<std::string, std::less<>> out;
  for (std::string release : row.at("versions")) {
    std::transform(release.begin(), release.end(), release.begin(),
                   [](char c) { return c == 'H' ? 'h' : c; });
    EXPECT_TRUE(known_releases.contains(release)) << release;
    out.insert(release);
  }
  return out;
}

/// A port, or a list of ports and [first, last] ranges.
net::ServiceSet ports_of(std::uint8_t protocol, const Json& ports) {
  if (ports.is_number()) return net::ServiceSet::ports(protocol, ports, ports);
  net::ServiceSet set;
  for (const Json& port : ports) {
    set = set | (port.is_array() ? net::ServiceSet::ports(protocol, port.at(0), port.at(1))
                                 : net::ServiceSet::ports(protocol, port, port));
  }
  return set;
}

/// Rows of endpoints.json, of the regional lists and of their template: a role connects to a host.
Fact endpoint_fact(const Json& row, std::string id) {
  Fact fact;
  fact.id = std::move(id);
  fact.module = row.at("module");
  fact.feature = feature_of(fact.module);
  const std::string protocol = row.at("protocol");
  EXPECT_TRUE(protocol == "tcp" || protocol == "udp") << fact.id;
  std::string from = "servers";
  const auto of_module = role_of_module.find(fact.module);
  if (of_module != role_of_module.end()) from = of_module->second;
  if (row.contains("role")) from = mapped(role_of_endpoint, row.at("role"), fact.id);
  fact.flows.push_back({from, row.at("fqdn"), true,
                        ports_of(net::protocol_number(protocol).value(), row.at("port"))});
  fact.deployment_only = row.value("required_for", "") == "Deployment" ||
                         row.value("condition", "") == "deployment machine only";
  if (row.contains("arc_gateway")) {
    fact.carried = row.at("arc_gateway").get<std::string>().starts_with("Yes");
  }
  return fact;
}

std::string port_text(const Json& row) {
  return row.at("port").dump();
}

void read_endpoints(Facts& out) {
  const Json rows = read("endpoints.json");
  for (const Json& row : rows) {
    Fact fact = endpoint_fact(row, row.at("id"));
    fact.releases = releases_of(row);
    for (const std::string cloud : row.at("cloud")) fact.clouds.insert(cloud);
    // The document prints http:// with 443; only the port is wrong (E01).
    if (row.at("scheme") == "http") {
      EXPECT_EQ(row.at("port"), 80) << fact.id;
      fact.http_printed_with_443 =
          row.contains("as_documented") && row.at("as_documented").at("port") == "443";
    }
    out.rows.push_back(std::move(fact));
  }
  out.rows_of_file["endpoints.json"] = rows.size();
}

void read_regional(Facts& out) {
  const Json rows = read("endpoints_regional.json");
  for (const Json& row : rows) {
    const std::string region = row.at("region");
    Fact fact = endpoint_fact(row, "regional/" + row.at("versions").at(0).get<std::string>() + "/" +
                                       region + "/" + row.at("module").get<std::string>() + "/" +
                                       row.at("fqdn").get<std::string>() + ":" + port_text(row));
    fact.releases = releases_of(row);
    fact.clouds = {row.at("cloud")};
    fact.regions = {region};
    out.rows.push_back(std::move(fact));
  }
  out.rows_of_file["endpoints_regional.json"] = rows.size();
}

void read_template(Facts& out) {
  const Json all = read("endpoints_azure_local_template.json");
  std::size_t count = 0;
  const auto add = [&](const Json& rows, const std::string& cloud,
                       const std::set<std::string, std::less<>>& regions) {
    for (const Json& row : rows) {
      Fact fact = endpoint_fact(
          row, "template/" + (regions.size() == 1 ? *regions.begin() : std::string("common")) +
                   "/" + row.at("module").get<std::string>() + "/" +
                   row.at("fqdn").get<std::string>() + ":" + port_text(row));
      fact.releases = {"24h2"};
      fact.clouds = {cloud};
      fact.regions = regions;
      out.rows.push_back(std::move(fact));
      ++count;
    }
  };
  std::set<std::string, std::less<>> regions;
  for (const auto& [region, rows] : all.at("region_extras").items()) regions.insert(region);
  EXPECT_EQ(regions.size(), 8U);
  add(all.at("common_to_all_8_public_regions"), "public", regions);
  for (const auto& [region, rows] : all.at("region_extras").items()) {
    add(rows, "public", {region});
  }
  add(all.at("usgovvirginia_full"), "usgov", {"usgovvirginia"});
  for (const auto& [region, code] : all.at("his_region_codes").items()) {
    out.his_regions[region] = code;
  }
  out.rows_of_file["endpoints_azure_local_template.json"] = count;
}

/// The language opens requests; replies are implied. So of echo request and reply the request
/// counts.
net::ServiceSet echo(const Json& row, std::uint8_t protocol, int request, int reply) {
  EXPECT_EQ(row.at("icmp_types"), Json({request, reply})) << row.at("id");
  return net::ServiceSet::icmp_type(protocol, static_cast<std::uint8_t>(request));
}

net::ServiceSet service_of_row(const Json& row) {
  const std::string protocol = row.at("protocol");
  if (protocol == "icmpv4") return echo(row, net::protocol::icmp, 8, 0);
  if (protocol == "icmpv6") return echo(row, net::protocol::icmpv6, 128, 129);
  const Json& ports = row.at("ports");
  // A range that the operator may set: {"parameter": …, "default": [first, last]}.
  return ports_of(net::protocol_number(protocol).value(),
                  ports.is_object() ? Json::array({ports.at("default")}) : ports);
}

/// Rows of ports.json: one role speaks to another, in every cloud.
void read_ports(Facts& out) {
  const Json rows = read("ports.json");
  for (const Json& row : rows) {
    Fact fact;
    fact.id = row.at("id");
    EXPECT_EQ(row.at("action"), "allow") << fact.id;
    fact.module = row.at("module");
    const auto special = feature_of_port.find(fact.module);
    fact.feature =
        special == feature_of_port.end() ? feature_of(fact.module) : std::string(special->second);
    if (fact.id == browser_of_portal) fact.feature = "windows-admin-center-in-portal";
    fact.releases = releases_of(row);
    fact.clouds = every_cloud;
    const net::ServiceSet service = service_of_row(row);
    const auto add = [&](const Json& roles) {
      const std::string from = mapped(role_of_port, roles.at("source_role"), fact.id);
      const std::string to = mapped(role_of_port, roles.at("destination_role"), fact.id);
      fact.flows.push_back({from, to, false, service});
      if (roles.at("bidirectional")) fact.flows.push_back({to, from, false, service});
    };
    if (!row.contains("effective") || as_documented_too.contains(fact.id)) add(row);
    if (row.contains("effective")) add(row.at("effective"));
    out.rows.push_back(std::move(fact));
  }
  out.rows_of_file["ports.json"] = rows.size();
}

/// One `host` or `host:port` a line. What the language cannot say (`azgn*.…`) is left out: the rows
/// that matter are wildcards.
void read_gateway(Facts& out) {
  std::ifstream in(facts_folder() / "raw/arc-gateway-endpoints_2026-02-17.txt");
  for (std::string line; std::getline(in, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    const std::size_t colon = std::min(line.find(':'), line.size());
    const auto pattern = net::parse_pattern(line.substr(0, colon));
    const int port = colon < line.size() ? std::stoi(line.substr(colon + 1)) : 443;
    if (pattern) out.gateway_reaches.emplace_back(*pattern, static_cast<std::uint16_t>(port));
  }
  EXPECT_GT(out.gateway_reaches.size(), 170U);
}

void replace(std::string& text, std::string_view hole, std::string_view value) {
  for (std::size_t at = text.find(hole); at != std::string::npos; at = text.find(hole)) {
    text.replace(at, hole.size(), value);
  }
}

}  // namespace

std::filesystem::path facts_folder() {
  return repository() / "../shared/facts";
}

bool facts_are_here() {
  return std::filesystem::exists(facts_folder() / "ports.json");
}

const Facts& facts() {
  static const Facts all = [] {
    Facts out;
    read_endpoints(out);
    read_regional(out);
    read_template(out);
    read_ports(out);
    read_gateway(out);
    return out;
  }();
  return all;
}

const std::map<std::string_view, std::string_view>& values_of_holes() {
  static const std::map<std::string_view, std::string_view> values{
      {"<key-vault-name>", "contosovault"},
      {"<arc-gateway-id>", "contosogateway"},
      {"<storage-account>", "contosostorage"},
      {"<workspace-id>", "00000000-0000-0000-0000-000000000000"},
      {"<dce>", "contosodce"},
  };
  return values;
}

std::string filled(std::string host, const Context& context) {
  replace(host, "<region>", context.region);
  if (host.find("<his-region>") != std::string::npos) {
    const auto code = facts().his_regions.find(context.region);
    EXPECT_NE(code, facts().his_regions.end()) << "no code for region " << context.region;
    if (code != facts().his_regions.end()) replace(host, "<his-region>", code->second);
  }
  for (const auto& [hole, value] : values_of_holes()) replace(host, hole, value);
  return host;
}

std::vector<Context> contexts() {
  std::vector<Context> out;
  for (const std::string& release : releases()) {
    for (const std::string_view cloud : {"public", "usgov", "china"}) {
      std::set<std::string> regions;
      bool gateway = false;
      for (const Fact& fact : facts().rows) {
        if (!fact.releases.contains(release) || !fact.clouds.contains(cloud)) continue;
        regions.insert(fact.regions.begin(), fact.regions.end());
        gateway = gateway || fact.feature == "arc-gateway";
      }
      if (regions.empty()) regions.insert(std::string(some_region(cloud)));
      for (const std::string& region : regions) {
        out.push_back({release, std::string(cloud), region});
        if (!gateway) continue;
        out.push_back(out.back());
        out.back().gateway = true;
      }
    }
  }
  return out;
}

}  // namespace hcipol::test
