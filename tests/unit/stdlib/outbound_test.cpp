// What the features that ask the Internet refuse: parameters without meaning, a cloud or a region
// for which no host is known.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "refused.h"

namespace hcipol::test {
namespace {

class Outbound : public testing::TestWithParam<Refused> {};

TEST_P(Outbound, IsRefused) {
  expect_refused(GetParam());
}

const std::string workspace = R"("11111111-2222-3333-4444-555555555555")";

std::string agent(const std::string& parameters) {
  return "region = \"westeurope\"\n  enable \"azure-monitor-agent\" {\n" + parameters + "\n}";
}

const std::vector<Refused> refused_features{
    {"RelayOfAnotherService", "20h2",
     R"(enable "arc-servers" { relays = ["contoso.servicebus.windows.net"] })", "E0312",
     "a relay is"},
    {"RelayWithAStar", "21h2", R"(enable "arc-servers" { relays = ["*.servicebus.windows.net"] })",
     "E0312", "a relay is"},
    {"RelayThatOnlyBeginsAsOne", "22h2",
     R"(enable "arc-servers" { relays = ["azgn1.servicebus.windows.net.example"] })", "E0312",
     "a relay is"},
    {"NoWorkspace", "22h2", agent("workspaces = []"), "E0312", "a workspace id"},
    {"WorkspaceByName", "22h2", agent(R"(workspaces = ["contoso"])"), "E0312", "a workspace id"},
    {"WorkspaceLeftOut", "22h2", agent(""), "E0433", "workspaces"},
    {"CollectionEndpointWithItsDomain", "22h2",
     agent("workspaces = [" + workspace +
           "]\ncollection_endpoints = [\"a1b2.westeurope.ingest.monitor.azure.com\"]"),
     "E0312", "a data collection endpoint"},
    {"RegionAsPeopleSayIt", "22h2",
     agent("workspaces = [" + workspace + "]\nregion = \"West Europe\""), "E0318",
     "did you mean `westeurope`?"},
    {"RegionOfAnotherCloud", "22h2",
     agent("workspaces = [" + workspace + "]\nregion = \"usgovvirginia\""), "E0318",
     "`region` is given here"},
    {"AksInARegionOfAnotherCloud", "22h2", "region = \"usgovvirginia\"\n  enable \"aks\"", "E0318",
     "the region is named here"},
    {"AgentWithoutRegion", "22h2",
     "enable \"azure-monitor-agent\" { workspaces = [" + workspace + "] }", "E0409", "region"},
    {"AksWithoutRegion", "22h2", R"(enable "aks")", "E0409", "region"},
    {"AksInARegionThatIsNone", "22h2", "region = \"westeurop\"\n  enable \"aks\"", "E0318",
     "did you mean `westeurope`?"},
    {"ArcOfGovernmentBefore22H2", "21h2", "cloud = \"usgov\"\n  enable \"arc-servers\"", "E0403",
     "usgov"},
    {"AksOfChina", "21h2", "cloud = \"china\"\n  enable \"aks\"", "E0403", "china"},
    {"BridgeOfGovernment", "22h2", "cloud = \"usgov\"\n  enable \"arc-resource-bridge\"", "E0403",
     "usgov"},
    {"QualysOfChina", "22h2", "cloud = \"china\"\n  enable \"qualys\"", "E0403", "china"},
    {"ObservabilityOfGovernment", "22h2", "cloud = \"usgov\"\n  enable \"observability\"", "E0403",
     "usgov"},
};

INSTANTIATE_TEST_SUITE_P(Features, Outbound, testing::ValuesIn(refused_features),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace hcipol::test
