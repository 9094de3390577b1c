// Service tags as lists that the device fetches.
#include <gtest/gtest.h>

#include <pugixml.hpp>

#include "tests/unit/backends/palo_alto_policy.h"

namespace hcipol::backends::palo_alto::testing {
namespace {

using Strings = std::vector<std::string>;

NamedSet* tagged(World& world, const std::string& name, const std::string& tag) {
  NamedSet& made = world.set(Kind::endpoint, name);
  made.tag = tag;
  made.set.names = net::DomainSet(NamedSet::tag_name(tag));
  return &made;
}

struct Config {
  explicit Config(const std::string& text) {
    EXPECT_TRUE(document.load_string(text.c_str()));
    vsys = document.select_node("/config/devices/entry/vsys/entry").node();
  }
  Strings texts(const std::string& path) const {
    Strings out;
    for (const auto& each : vsys.select_nodes(path.c_str())) {
      out.emplace_back(each.node() ? each.node().child_value() : each.attribute().value());
    }
    return out;
  }
  pugi::xml_document document;
  pugi::xml_node vsys;
};

void fetch(World& world, const std::string& url) {
  world.cluster().cloud = "public";
  world.servers("10.1.0.11");
  world.option("service_tags", "edl");
  world.option("edl_url", url);
}

TEST(PaloAltoLists, ATagIsAListForEachFamily) {
  World world;
  fetch(world, "https://edl.example/{cloud}/{tag}/{family}");
  world.allow("main/a.b", {world.servers()}, {tagged(world, "arm", "AzureResourceManager")},
              tcp(443));
  world.option("edl_certificate_profile", "EDL-CA");
  const Config config(world.text());
  EXPECT_FALSE(world.failed());
  EXPECT_EQ(config.texts("external-list/entry/@name"),
            (Strings{"hci-edl-public-azureresourcemanager-ipv4",
                     "hci-edl-public-azureresourcemanager-ipv6"}));
  EXPECT_EQ(config.texts("external-list/entry/type/ip/url"),
            (Strings{"https://edl.example/public/azureresourcemanager/ipv4",
                     "https://edl.example/public/azureresourcemanager/ipv6"}));
  EXPECT_EQ(config.texts("external-list/entry/type/ip/certificate-profile"),
            (Strings{"EDL-CA", "EDL-CA"}));
  EXPECT_EQ(config.texts("external-list/entry/type/ip/recurring/hourly").size(), 2u);
  EXPECT_EQ(config.texts("rulebase/security/rules/entry[action='allow']/destination/member"),
            config.texts("external-list/entry/@name"));
}

// Nothing checks the characters of a tag that no file has.
TEST(PaloAltoLists, ATagThatIsNoPartOfAUrlIsRefused) {
  World world;
  fetch(world, "https://edl.example/{tag}");
  world.allow("main/a.b", {world.servers()}, {tagged(world, "odd", "a\"<b>&'c")}, tcp(443));
  world.emit();
  EXPECT_TRUE(world.failed());
  EXPECT_NE(world.messages().at(0).find("no URL holds its name"), std::string::npos);
}

TEST(PaloAltoLists, TheFileOfTagsChangesNothing) {
  const auto text = [](std::string_view prefixes) {
    World world;
    fetch(world, "https://edl.example/{tag}");
    NamedSet* tag = tagged(world, "bus", "ServiceBus");
    tag->tag_addresses = addresses(prefixes);
    // With names, the tag stands in where a URL category cannot.
    NamedSet* names = world.endpoint("relay", {"*.servicebus.example"});
    names->tag = "ServiceBus";
    names->tag_addresses = addresses(prefixes);
    world.allow("main/a.b", {world.servers()}, {tag}, tcp(443));
    world.allow("main/a.c", {world.servers()}, {names}, tcp(5671));
    const std::string out = world.text();
    EXPECT_FALSE(world.failed());
    return out;
  };
  EXPECT_EQ(text("20.0.0.0/24"), text("20.1.0.0/24 2603::/40"));
  EXPECT_EQ(text("20.0.0.0/24"), text(""));
  const Config config(text(""));
  EXPECT_EQ(config.texts("external-list/entry/@name"), Strings{"hci-edl-public-servicebus"});
  EXPECT_EQ(config.texts("rulebase/security/rules/entry[action='allow']/destination/member"),
            (Strings{"hci-edl-public-servicebus", "hci-edl-public-servicebus"}));
}

TEST(PaloAltoLists, OnePrefixIsAGroupToo) {
  World world;
  world.servers("10.1.0.11");
  NamedSet* tag = tagged(world, "bus", "ServiceBus");
  tag->tag_addresses = addresses("20.0.0.0/24");
  world.allow("main/a.b", {world.servers()}, {tag}, tcp(443));
  const Config config(world.text());
  EXPECT_EQ(config.texts("rulebase/security/rules/entry[action='allow']/destination/member"),
            Strings{"hci-prod-bus"});
}

TEST(PaloAltoLists, OptionsAreChecked) {
  const auto said = [](const std::vector<std::pair<std::string, std::string>>& options) {
    World world;
    world.servers("10.1.0.11");
    for (const auto& [name, value] : options) world.option(name, value);
    world.emit();
    std::string out;
    for (const std::string& message : world.messages()) {
      if (message.starts_with("E0611")) out += message + "\n";
    }
    return out;
  };
  const auto url = [&](const std::string& text) {
    return said({{"service_tags", "edl"}, {"edl_url", text}});
  };
  EXPECT_EQ(url("https://edl.example/{cloud}/{tag}/{family}"), "");
  EXPECT_EQ(url("http://edl.example/{tag}"), "");
  EXPECT_NE(url("ftp://edl.example/{tag}").find("neither"), std::string::npos);
  EXPECT_NE(url("https://edl.example/azure").find("no `{tag}`"), std::string::npos);
  EXPECT_NE(url("https://edl.example/{tag}/{region}").find("`{region}` stands for nothing"),
            std::string::npos);
  EXPECT_NE(url("https://edl.example/{tag}/{").find("`{` stands for nothing"), std::string::npos);
  EXPECT_NE(url("https://edl.example/{tag}/}").find("`}` stands for nothing"), std::string::npos);
  EXPECT_NE(url("https://edl.example/{tag} x").find("without blanks"), std::string::npos);
  EXPECT_NE(said({{"service_tags", "edl"}}).find("needs `edl_url`"), std::string::npos);
  EXPECT_NE(said({{"service_tags", "list"}}).find("it is `prefixes` or `edl`"), std::string::npos);
  EXPECT_NE(said({{"edl_url", "https://edl.example/{tag}"}}).find("says nothing without"),
            std::string::npos);
}

TEST(PaloAltoLists, AUrlOfMoreThan255CharactersIsRefused) {
  World world;
  fetch(world, "https://edl.example/{tag}/" + std::string(230, 'x'));
  world.allow("main/a.b", {world.servers()}, {tagged(world, "bus", "ServiceBus")}, tcp(443));
  world.emit();
  EXPECT_TRUE(world.failed());
}

}  // namespace
}  // namespace hcipol::backends::palo_alto::testing
