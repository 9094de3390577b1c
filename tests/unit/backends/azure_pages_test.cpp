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
  for (const char* command : {"deploy", "attach"}) {
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

// The CLI stays in the cloud that it was in.
TEST(AzurePages, SayHowToChangeTheCloud) {
  for (const auto& [cloud, name] :
       {std::pair("usgov", "AzureUSGovernment"), std::pair("china", "AzureChinaCloud")}) {
    Pages b;
    b.policy().clusters.front().cloud = cloud;
    const std::string change = std::string("az cloud set --name ") + name;
    const auto deploy = [](const Outcome& outcome) {
      return nlohmann::json::parse(outcome.text())["metadata"]["deploy"].get<std::string>();
    };
    EXPECT_TRUE(deploy(b.emit()).starts_with(change + " && az deployment group create "));
    Outcome group;
    backends::EmitContext context(group.reporter, b.device());
    group.emission = backends::azure_nsg::backend().emit(b.device(), context);
    EXPECT_TRUE(deploy(group).starts_with(change + " && az deployment group create "));
    for (const char* folder : {"azure_firewall", "azure_nsg"}) {
      EXPECT_NE(page_of(folder).find(change), std::string::npos) << folder;
    }
  }
}

}  // namespace
}  // namespace hcipol::test::azure
