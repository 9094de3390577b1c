// What the parameters of the library's features close, narrow and refuse.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "conformance.h"
#include "policy/model.h"

namespace hcipol::test {
namespace {

using net::ServiceSet;

/// A feature's parameters, and the rows of the facts that are closed with them.
struct Setting {
  std::string_view feature;
  std::string_view parameters;
  std::set<std::string> closed;
  std::string_view why;
};

/// Rows that the facts give without a condition or as optional, and that a parameter switches off
/// by default; and what else the parameters close.
const std::vector<Setting>& settings() {
  static const std::vector<Setting> all{
      {"between-servers", "", {"intra_cluster/smb-direct-iwarp"}, "\"if using iWARP RDMA\" (E27)"},
      {"between-servers", "rdma = \"roce\"", {"intra_cluster/smb-direct-iwarp"}, "the same"},
      {"failover-clustering",
       "",
       {"failover_clustering/netbios-name", "failover_clustering/kb-cluster-udp-ephemeral"},
       "old tools only (E20); in no page of Azure Stack HCI"},
      {"failover-clustering",
       "joining = false netbios = true random_udp = true",
       {"failover_clustering/cluster-service-join-tcp"},
       "only while a server joins (E23)"},
      {"hyper-v", "", {"hyper_v/http", "hyper_v/https"}, "listeners of Hyper-V Replica (E25)"},
      {"storage-replica",
       "",
       {"storage_replica/icmpv4-test-srtopology", "storage_replica/icmpv6-test-srtopology"},
       "for Test-SRTopology alone"},
      {"windows-admin-center",
       "https_only = true",
       {"windows_admin_center/winrm-http-from-wac"},
       "installed with WinRM over HTTPS only"},
      {"registration",
       "former_dataplane = false newer_module = true billing_audience = true",
       {"dataplane/public/https/azurestackhci.azurefd.net:443"},
       "not registered on it (E05)"},
      {"active-directory", "", {"active_directory/ldaps"}, "optional in the facts"},
  };
  return all;
}

Context context_of(std::string_view release, std::string_view cloud) {
  return {std::string(release), std::string(cloud), std::string(some_region(cloud))};
}

std::string enable(std::string_view feature, std::string_view parameters) {
  return "  enable \"" + std::string(feature) + "\" { " + std::string(parameters) + " }\n";
}

TEST(LibraryParameters, CloseTheRowsTheyAreFor) {
  if (!facts_are_here()) GTEST_SKIP() << "there are no facts to compare with";
  for (const std::string_view cloud : {"public", "usgov", "china"}) {
    const Context context = context_of("21h2", cloud);
    std::set<std::string> rows;
    for (const Asked& row : asked(context)) rows.insert(row.name());
    for (const Setting& setting : settings()) {
      SCOPED_TRACE(std::string(setting.feature) + " { " + std::string(setting.parameters) + " }");
      const Compiled compiled =
          compile(policy_text(context, enable(setting.feature, setting.parameters)));
      ASSERT_TRUE(compiled.compilation) << compiled.errors;
      compare(context, {std::string(setting.feature)}, opened(compiled.compilation->policy),
              setting.closed);
      if (cloud != "public") continue;
      for (const std::string& id : setting.closed) EXPECT_TRUE(rows.contains(id)) << id;
    }
  }
}

/// The features that can close what only the deployment of a cluster needs.
std::map<std::string_view, std::string_view> without_deployment(const Context& context) {
  std::map<std::string_view, std::string_view> out;
  for (const std::string_view feature : {"aks", "arc-resource-bridge", "observability"}) {
    out[feature] = "deployment = false";
  }
  out[context.release == "23h2" ? "registration" : "deployment"] = "deployment = false";
  return out;
}

TEST(LibraryParameters, CloseWhatOnlyTheDeploymentNeeds) {
  if (!facts_are_here()) GTEST_SKIP() << "there are no facts to compare with";
  std::size_t closed_rows = 0;
  for (const Context& context : contexts()) {
    const bool has_list = context.cloud == "public" || context.release == "24h2";
    if (!is_from(context.release, "23h2") || !has_list || context.cloud == "china") continue;
    const std::vector<Asked> rows = asked(context);
    std::set<std::pair<std::string, net::Box>> only;
    for (const Asked& row : rows) {
      if (row.fact == nullptr || !row.fact->deployment_only || !row.expected) continue;
      // The lists of East US and US Gov Virginia say so of their own regional hosts, the other
      // lists do not (E66): they stay open.
      if (row.fact->flows[0].to.find(context.region) != std::string::npos) continue;
      if (row.fact->flows[0].to.find("<region>") != std::string::npos) continue;
      only.insert({row.feature, row.boxes[0]});
    }
    std::set<std::string> closed, features;
    for (const auto& [feature, parameters] : without_deployment(context)) {
      features.insert(std::string(feature));
    }
    for (const Asked& row : rows) {
      if (row.fact == nullptr || row.boxes.size() != 1) continue;
      if (only.contains({row.feature, row.boxes[0]})) closed.insert(row.fact->id);
    }
    closed_rows += closed.size();
    const Compiled compiled =
        compile(policy_text(context, everything_on(context, without_deployment(context))));
    ASSERT_TRUE(compiled.compilation) << to_string(context) << '\n' << compiled.errors;
    compare(context, features, opened(compiled.compilation->policy), closed);
  }
  if (is_from(releases().back(), "23h2")) {
    EXPECT_GT(closed_rows, 50U);
  }
}

TEST(LibraryParameters, TheBaselineCanDoWithoutHttp) {
  const Compiled compiled = compile(
      policy_text(context_of("21h2", "public"), enable("outbound-baseline", "http = false")));
  ASSERT_TRUE(compiled.compilation) << compiled.errors;
  for (const OpenedFlow& flow : opened(compiled.compilation->policy)) {
    if (flow.feature != "outbound-baseline") continue;
    EXPECT_EQ(flow.box.service, ServiceSet::ports(net::protocol::tcp, 443, 443));
  }
}

TEST(LibraryParameters, TheWitnessIsOneAccountWithTheSuffixOfItsCloud) {
  const std::map<std::string_view, std::string_view> hosts{
      {"public", "contosowitness.blob.core.windows.net"},
      {"usgov", "contosowitness.blob.core.usgovcloudapi.net"},
      {"china", "contosowitness.blob.core.chinacloudapi.cn"},
  };
  for (const std::string& release : releases()) {
    for (const auto& [cloud, name] : hosts) {
      const Compiled compiled = compile(policy_text(
          context_of(release, cloud), enable("cloud-witness", "account = \"contosowitness\"")));
      ASSERT_TRUE(compiled.compilation) << compiled.errors;
      std::vector<OpenedFlow> flows = opened(compiled.compilation->policy);
      std::erase_if(flows, [](const OpenedFlow& flow) { return flow.feature != "cloud-witness"; });
      ASSERT_EQ(flows.size(), 1U) << release << ' ' << cloud;
      EXPECT_EQ(flows[0].box, (net::Box{role("servers"), host(name),
                                        ServiceSet::ports(net::protocol::tcp, 443, 443)}))
          << release << ' ' << cloud;
    }
  }
}

/// The features whose RPC range can be given, and who must pin it.
const std::map<std::string_view, std::string_view> features_with_rpc{
    {"failover-clustering", "every server"},
    {"hyper-v", "every server"},
    {"active-directory", "every domain controller"},
};

Compiled with_rpc_ports(std::string_view release, std::string_view feature,
                        std::string_view ports) {
  return compile(policy_text(context_of(release, "public"),
                             enable(feature, "rpc_ports = " + std::string(ports))));
}

const policy::Rule* rule_at(const Compiled& compiled, const std::string& address) {
  for (const policy::Rule& rule : compiled.compilation->policy.clusters[0].rules) {
    if (rule.address == address) return &rule;
  }
  ADD_FAILURE() << "no rule " << address;
  return nullptr;
}

TEST(LibraryParameters, TheRpcPortsMayBeNarrowedWithinTheDocumentsBounds) {
  for (const std::string& release : releases()) {
    for (const auto& [feature, who] : features_with_rpc) {
      const std::string address = "hci/" + std::string(feature) + ".rpc-dynamic";
      const Compiled narrowed = with_rpc_ports(release, feature, "tcp/5001-5100");
      ASSERT_TRUE(narrowed.compilation) << narrowed.errors;
      const policy::Rule* rule = rule_at(narrowed, address);
      ASSERT_NE(rule, nullptr) << release;
      EXPECT_EQ(rule->service, ServiceSet::ports(net::protocol::tcp, 5001, 5100)) << feature;
      for (const std::string_view refused : {"tcp/5000-5099", "tcp/5001-5099", "udp/5001-5100",
                                             "tcp/any", "[tcp/5001-5100, udp/5001-5100]"}) {
        const Compiled compiled = with_rpc_ports(release, feature, refused);
        EXPECT_FALSE(compiled.compilation) << feature << ' ' << refused;
        EXPECT_NE(compiled.errors.find("E0312"), std::string::npos) << compiled.errors;
      }
    }
  }
}

// Only a range that is not the default of Windows has to be pinned.
TEST(LibraryParameters, ANarrowedRpcRangeRemindsOfTheRegistry) {
  for (const std::string& release : releases()) {
    for (const auto& [feature, who] : features_with_rpc) {
      const std::string address = "hci/" + std::string(feature) + ".rpc-dynamic";
      const Compiled narrowed = with_rpc_ports(release, feature, "tcp/50000-50999");
      ASSERT_TRUE(narrowed.compilation) << narrowed.errors;
      EXPECT_EQ(rule_at(narrowed, address)->note,
                "Pin the RPC ports on " + std::string(who) +
                    ", in HKLM\\Software\\Microsoft\\Rpc\\Internet");
      const Compiled untouched = with_rpc_ports(release, feature, "tcp/49152-65535");
      ASSERT_TRUE(untouched.compilation) << untouched.errors;
      EXPECT_EQ(rule_at(untouched, address)->note, "");
    }
  }
}

TEST(LibraryParameters, RefuseWhatTheyCannotMean) {
  for (const std::string& release : releases()) {
    for (const std::string_view text : {R"(enable "cloud-witness" { account = "Not-Valid" })",
                                        R"(enable "cloud-witness" { account = "ab" })",
                                        R"(enable "cloud-witness" { account = "" })",
                                        R"(enable "cloud-witness" { account = "*.x" })",
                                        R"(enable "between-servers" { rdma = "infiniband" })"}) {
      const Compiled compiled =
          compile(policy_text(context_of(release, "public"), std::string(text) + "\n"));
      EXPECT_FALSE(compiled.compilation) << text;
      EXPECT_NE(compiled.errors.find("E0312"), std::string::npos) << compiled.errors;
    }
  }
}

}  // namespace
}  // namespace hcipol::test
