// The releases with one list a region: what they refuse, so that a host is never a guess.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "refused.h"

namespace hcipol::test {
namespace {

class Regional : public testing::TestWithParam<Refused> {};

TEST_P(Regional, IsRefused) {
  expect_refused(GetParam());
}

const std::string registration = "enable \"registration\" { key_vault = \"contosovault\" }\n";

std::string in(const std::string& region, const std::string& rest = "") {
  return "region = \"" + region + "\"\n" + registration + rest;
}

std::string vault(const std::string& name) {
  return "region = \"westeurope\"\nenable \"registration\" { key_vault = \"" + name + "\" }";
}

std::string gateway(const std::string& parameters) {
  return in("westeurope", "enable \"arc-gateway\" {" + parameters + "}");
}

const std::vector<Refused> refused_regions{
    {"NoRegion", "23h2", registration, "E0409", "allow \"sign-in\""},
    {"NoRegionLater", "24h2", registration, "E0409", "allow \"sign-in-regional\""},
    {"MisspeltRegion", "24h2", in("westeurop"), "E0318", "did you mean `westeurope`?"},
    {"RegionOfALaterList", "23h2", in("japaneast"), "E0318", "japaneast"},
    {"RegionOfAnotherCloud", "24h2", in("usgovvirginia"), "E0318", "usgovvirginia"},
    {"PublicRegionInGovernment", "24h2", "cloud = \"usgov\"\n" + in("westeurope"), "E0318",
     "westeurope"},
    {"DeploymentInGovernmentBeforeItsList", "23h2",
     "cloud = \"usgov\"\n" + in("usgovvirginia", R"(enable "deployment")"), "E0403", "usgov"},
    {"AksOfChina", "24h2", "cloud = \"china\"\nenable \"aks\"", "E0403", "china"},
    {"NoKeyVault", "24h2", R"(region = "westeurope"
enable "registration")",
     "E0312", "names its key vault"},
    {"KeyVaultOfTheExample", "23h2", vault("yourhcikeyvaultname"), "E0312", "placeholder"},
    {"KeyVaultWithItsDomain", "24h2", vault("contoso.vault.azure.net"), "E0312", "key vault"},
    {"NoGateway", "24h2", gateway(""), "E0433", "id"},
    {"GatewayOfTheExample", "23h2", gateway(R"( id = "yourarcgatewayendpointid" )"), "E0312",
     "the name of a gateway"},
    {"GatewayWithItsDomain", "24h2", gateway(R"( id = "contoso.gw.arc.azure.com" )"), "E0312",
     "the name of a gateway"},
    {"GatewayOfChina", "24h2", "cloud = \"china\"\nenable \"arc-gateway\" { id = \"contosogw\" }",
     "E0403", "china"},
    {"RelayOfAnotherService", "24h2",
     in("westeurope", R"(enable "arc-servers" { relays = ["contoso.servicebus.windows.net"] })"),
     "E0312", "a relay is"},
    {"SqlKeyVaultWithItsDomain", "24h2",
     in("westeurope", R"(enable "arc-servers" { sql_key_vault = "contoso.vault.azure.net" })"),
     "E0312", "a key vault is"},
    {"NoGeography", "22h2", R"(enable "defender-for-endpoint" { geo = [] })", "E0312", "`geo`"},
    {"AustraliaBeforeItsList", "20h2", R"(enable "defender-for-endpoint" { geo = ["AU"] })",
     "E0312", "`geo`"},
    {"GovernmentThatIsNone", "23h2",
     R"(cloud = "usgov"
enable "defender-for-endpoint" { government = ["GCC Higher"] })",
     "E0312", "`government`"},
    {"DefenderOfChina", "24h2", R"(cloud = "china"
enable "defender-for-endpoint")",
     "E0403", "china"},
    {"RetiredAgent", "24h2", R"(enable "monitoring-agent")", "E0401", "monitoring-agent"},
};

INSTANTIATE_TEST_SUITE_P(Features, Regional, testing::ValuesIn(refused_regions),
                         [](const auto& one) { return one.param.name; });

// The same clusters without the mistake are taken.
TEST(Regional, TakesARegionThatHasAList) {
  for (const std::string release : {"23h2", "24h2"}) {
    const Outcome outcome = check(release, gateway(R"( id = "contosogw" )"));
    EXPECT_EQ(outcome.exit, 0) << release << "\n" << outcome.err;
  }
}

TEST(Regional, NeedsNoRegionInChina) {
  const Outcome outcome = check("24h2", R"(cloud = "china"
enable "registration"
enable "arc-servers"
enable "microsoft-update")");
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
}

}  // namespace
}  // namespace hcipol::test
