// The pages for the engineer name every option, and show the commands that the artefacts show.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "azure_firewall_builder.h"
#include "backends/azure_nsg/azure_nsg.h"
#include "tests/support/repository.h"

namespace hcipol::test::azure {
namespace {

std::string page_of(const std::string& folder) {
  const auto files = files_below("backends/" + folder, {"README.md"});
  EXPECT_EQ(files.size(), 1u) << folder;
  return files.begin()->second;
}

void expect_options(const backends::Backend& backend, const std::string& page) {
  for (const sema::OptionSpec& option : backend.options) {
    EXPECT_NE(page.find("`" + std::string(option.name)), std::string::npos)
        << backend.name << ": the page does not name the option " << option.name;
  }
}

/// One policy with all that can be made.
struct Pages : Builder {
  Pages() {
    policy().clusters.front().servers = servers;
    flow("hci/ad.dns", {servers}, {dcs}, udp(53));
  }
  const NamedSet* servers = set("servers", {"10.1.0.11"}, NamedSet::Kind::servers);
  const NamedSet* dcs = set("domain-controllers", {"10.2.0.10"});
};

TEST(AzurePages, OfTheFirewall) {
  const std::string page = page_of("azure_firewall");
  expect_options(backends::azure_firewall::backend(), page);
  Pages b;
  const Outcome outcome = b.emit();
  const auto metadata = nlohmann::json::parse(outcome.text())["metadata"];
  EXPECT_NE(page.find(metadata["deploy"].get<std::string>()), std::string::npos);
  EXPECT_NE(page.find(outcome.emission.made.at(0).remove), std::string::npos);
}

TEST(AzurePages, OfSecurityGroups) {
  const std::string page = page_of("azure_nsg");
  const auto backend = backends::azure_nsg::backend();
  expect_options(backend, page);
  Pages b;
  Outcome outcome;
  backends::EmitContext context(outcome.reporter, b.device());
  outcome.emission = backend.emit(b.device(), context);
  ASSERT_FALSE(outcome.reporter.has_errors()) << outcome.messages();
  const auto metadata = nlohmann::json::parse(outcome.text())["metadata"];
  for (const char* command : {"deploy", "beforeAttach", "attach"}) {
    EXPECT_NE(page.find(metadata[command].get<std::string>()), std::string::npos) << command;
  }
  EXPECT_NE(page.find(outcome.emission.made.at(0).remove), std::string::npos);
}

// Of the devices with dates, Azure's are none, and of the modes one resets what others keep.
TEST(AzurePages, SayWhatNoTemplateSays) {
  for (const char* folder : {"azure_firewall", "azure_nsg"}) {
    EXPECT_NE(page_of(folder).find("**Exceptions do not end here**"), std::string::npos) << folder;
  }
  EXPECT_NE(page_of("azure_firewall").find("its settings are replaced"), std::string::npos);
}

// A firewall has one policy, and a subnet one group: what is there must be known before it is
// replaced.
TEST(AzurePages, SayHowToFindAndGiveBackWhatIsReplaced) {
  struct Case {
    const char* folder;
    const char* look;
    const char* replace;
    const char* give_back;
  };
  for (const Case& each :
       {Case{"azure_firewall", "--query firewallPolicy.id", "--firewall-policy <policy-id>",
             "--firewall-policy <former-policy-id>"},
        Case{"azure_nsg", "--query networkSecurityGroup.id",
             "--network-security-group nsg-hci-prod",
             "--network-security-group <former-group-id>"}}) {
    const std::string page = page_of(each.folder);
    const std::size_t look = page.find(each.look);
    const std::size_t replace = page.find(each.replace);
    const std::size_t undo = page.find("\n## Undo");
    ASSERT_NE(look, std::string::npos) << each.folder;
    EXPECT_LT(look, replace) << each.folder;
    EXPECT_LT(replace, undo) << each.folder;
    EXPECT_NE(page.find(each.give_back, undo), std::string::npos) << each.folder;
  }
  // A name is looked for in the resource group of the firewall, and policies are often elsewhere.
  EXPECT_EQ(page_of("azure_firewall").find("--firewall-policy afwp"), std::string::npos);
}

// azure-powershell #27549: usgovvirginia refused 2024-05-01.
TEST(AzurePages, SovereignCloudsGetVersionsThatTheyHave) {
  for (const auto& [cloud, version] :
       {std::pair("public", "2025-05-01"), std::pair("usgov", "2023-11-01"),
        std::pair("china", "2023-11-01")}) {
    Pages b;
    b.policy().clusters.front().cloud = cloud;
    const auto expect_version = [&, &expected = version](const Outcome& outcome) {
      const auto all = nlohmann::json::parse(outcome.text());
      for (const auto& resource : all.at("resources")) {
        EXPECT_EQ(resource["apiVersion"], expected);
      }
    };
    expect_version(b.emit());
    Outcome group;
    backends::EmitContext context(group.reporter, b.device());
    group.emission = backends::azure_nsg::backend().emit(b.device(), context);
    expect_version(group);
    for (const char* folder : {"azure_firewall", "azure_nsg"}) {
      EXPECT_NE(page_of(folder).find(version), std::string::npos) << folder;
    }
    b.option("api_version", "2024-10-01");
    EXPECT_NE(b.emit().text().find("\"apiVersion\": \"2024-10-01\""), std::string::npos);
  }
}

// The CLI stays in the cloud that it was in.
TEST(AzurePages, SayHowToChangeTheCloud) {
  for (const auto& [cloud, name] :
       {std::pair("usgov", "AzureUSGovernment"), std::pair("china", "AzureChinaCloud")}) {
    Pages b;
    b.policy().clusters.front().cloud = cloud;
    const std::string change = std::string("az cloud set --name ") + name;
    const auto expect_apart = [&](const Outcome& outcome) {
      const auto metadata = nlohmann::json::parse(outcome.text())["metadata"];
      EXPECT_EQ(metadata.value("cloud", ""), change);
      EXPECT_TRUE(
          metadata.value("deploy", "").starts_with("az deployment group create --resource-group "));
    };
    expect_apart(b.emit());
    Outcome group;
    backends::EmitContext context(group.reporter, b.device());
    group.emission = backends::azure_nsg::backend().emit(b.device(), context);
    expect_apart(group);
    for (const char* folder : {"azure_firewall", "azure_nsg"}) {
      EXPECT_NE(page_of(folder).find(change), std::string::npos) << folder;
    }
  }
}

// The engineers' shell is PowerShell, where `@` begins a splatted variable and `&&` may be unknown.
TEST(AzurePages, CommandsAreReadAlikeByEveryShell) {
  for (const char* folder : {"azure_firewall", "azure_nsg"}) {
    const std::string page = page_of(folder);
    std::size_t commands = 0;
    for (std::size_t at = 0; (at = page.find("\n    az ", at)) != std::string::npos; ++at) {
      const std::string line = page.substr(at + 1, page.find('\n', at + 1) - at - 1);
      EXPECT_EQ(line.find_first_of("@&;|$`"), std::string::npos) << line;
      ++commands;
    }
    EXPECT_GT(commands, 4u);
  }
  Pages b;
  const auto metadata = nlohmann::json::parse(b.emit().text())["metadata"];
  EXPECT_EQ(
      metadata["deploy"],
      "az deployment group create --resource-group <resource-group> --name afwp-hci-prod.prod "
      "--template-file prod.azuredeploy.json --parameters prod.azuredeploy.parameters.json");
  EXPECT_FALSE(metadata.contains("cloud"));
}

// Both have a file `prod.azuredeploy.json`, whose name would be that of the deployment.
TEST(AzurePages, DeploymentsOfTwoTargetsHaveTwoNames) {
  const auto name = [](const Outcome& outcome) {
    const std::string command =
        nlohmann::json::parse(outcome.text())["metadata"]["deploy"].get<std::string>();
    const std::size_t at = command.find(" --name ") + 8;
    return command.substr(at, command.find(' ', at) - at);
  };
  Pages b;
  const std::string firewall = name(b.emit());
  Outcome group;
  backends::EmitContext context(group.reporter, b.device());
  group.emission = backends::azure_nsg::backend().emit(b.device(), context);
  EXPECT_NE(firewall, name(group));
  b.option("policy", std::string(80, 'p'));
  EXPECT_LE(name(b.emit()).size(), 64u);
}

}  // namespace
}  // namespace hcipol::test::azure
