// `hcipolc doc`: what it says of a rule is what a policy that enables the feature comes to, and its
// page is as deaf to names as the other pages.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <pugixml.hpp>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "parsed.h"
#include "sema/named_set.h"
#include "support/text.h"
#include "tests/support/compiled.h"
#include "tests/support/repository.h"
#include "tests/support/session.h"

namespace hcipol::test {
namespace {

using Json = nlohmann::json;

Outcome document(const std::string& text, const std::string& format) {
  Session session;
  session.files = TestFiles({{"m/main.hcipol", text}});
  return session.run({"doc", "m", "--format", format});
}

Json json_of(const std::vector<std::string>& arguments) {
  Session session;
  const Outcome outcome = session.run(arguments);
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  return Json::parse(outcome.out);
}

std::vector<std::string> releases() {
  std::vector<std::string> out;
  for (const auto& [path, text] : files_below("stdlib/hci", {"/module.hcipol"})) {
    out.push_back(path.substr(11, path.rfind('/') - 11));
  }
  return out;
}

// ---- the pages

const std::string hostile_title =
    "</h2><script>alert(1)</script> ]]> --> <!-- catalogue --> | ` \\\" ' & &lt; <img src=x "
    "onerror=alert(1)>";

std::string module_called(const std::string& title) {
  return "role \"admins\" { title = \"" + title + "\" }\n\nfeature \"x\" {\n  title = \"" + title +
         "\"\n  errata = [\"" + title +
         "\"]\n\n  param \"p\" {\n    type = string\n    default = \"" + title +
         "\"\n    description = \"" + title +
         "\"\n  }\n\n  allow \"y\" admins -> servers on tcp/443 { note = \"" + title +
         "\" }\n  allow \"z\" servers -> \"a.example\" on tcp/80 { when = param.p == \"" + title +
         "\" }\n}\n";
}

TEST(CataloguePage, AHostileTitleIsText) {
  const Outcome harmless = document(module_called("X"), "html");
  const Outcome outcome = document(module_called(hostile_title), "html");
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(element_names(parsed(outcome.out)), element_names(parsed(harmless.out)));
}

TEST(CataloguePage, IsOneWellFormedDocumentWithoutAnythingFromElsewhere) {
  for (const std::string& release : releases()) {
    Session session;
    const Outcome outcome = session.run({"doc", "std/hci/" + release, "--format", "html"});
    ASSERT_EQ(outcome.exit, 0) << outcome.err;
    const auto page = parsed(outcome.out);
    const auto names = element_names(page);
    EXPECT_EQ(names.count("script"), 1u);
    for (const char* never : {"link", "img", "iframe", "object", "use", "image"}) {
      EXPECT_EQ(names.count(never), 0u) << never;
    }
    EXPECT_EQ(outcome.out.find("url("), std::string::npos);
    EXPECT_EQ(outcome.out.find("@import"), std::string::npos);
    EXPECT_TRUE(page.select_nodes("//@src | //@*[starts-with(name(), 'on')]").empty());
    for (const auto& found : page.select_nodes("//*[not(node())]")) {
      const std::string name = found.node().name();
      EXPECT_TRUE(name == "meta" || name == "input") << name << " is open to a reader of HTML";
    }
    std::set<std::string> ids;
    for (const auto& found : page.select_nodes("//@id")) {
      EXPECT_TRUE(ids.insert(found.attribute().value()).second) << found.attribute().value();
    }
    for (const auto& found : page.select_nodes("//@href[starts-with(., '#')]")) {
      EXPECT_TRUE(ids.contains(found.attribute().value() + 1)) << found.attribute().value();
    }
  }
}

// A title that could end its cell would move the columns after it.
TEST(CatalogueMarkdown, AHostileTitleStaysInItsCell) {
  const auto bars = [](const std::string& text) {
    std::vector<std::size_t> out;
    for (const std::string_view line : split(text, '\n')) {
      if (!line.starts_with('|')) continue;
      std::size_t count = 0;
      for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\\') {
          ++i;
        } else if (line[i] == '|') {
          ++count;
        }
      }
      out.push_back(count);
    }
    return out;
  };
  const std::string text = document(module_called(hostile_title), "markdown").out;
  EXPECT_EQ(bars(text), bars(document(module_called("X"), "markdown").out)) << text;
  EXPECT_NE(text.find("\\<script\\>alert(1)"), std::string::npos) << text;
}

// ---- the library, compared with what policies come to

/// What a parameter without a default is given.
std::string given(const std::string& name) {
  static const std::map<std::string, std::string> known{
      {"account", "\"witness01\""}, {"workspaces", "[\"00000000-0000-0000-0000-000000000000\"]"}};
  const auto found = known.find(name);
  return found == known.end() ? "\"name1234\"" : found->second;
}

std::string region_of(const std::string& cloud) {
  return cloud == "usgov" ? "usgovvirginia" : cloud == "public" ? "westeurope" : "";
}

/// A policy with one feature and every role that it may need.
std::string policy(const std::string& module, const Json& catalogue, const Json& feature,
                   const std::string& cloud) {
  std::string text =
      "use \"" + module + "\" as hci\n\ncluster \"c\" {\n  cloud = \"" + cloud + "\"\n";
  if (!region_of(cloud).empty()) text += "  region = \"" + region_of(cloud) + "\"\n";
  text += "  node \"n1\" { address = 10.0.1.1 }\n  node \"n2\" { address = 10.0.1.2 }\n";
  int next = 1;
  for (const Json& role : catalogue.at("roles")) {
    text += "  role \"" + role.at("name").get<std::string>() + "\" { members = 10.0.5." +
            std::to_string(next++) + " }\n";
  }
  std::set<std::string> enabled;
  const auto enable = [&](const Json& one) {
    if (!enabled.insert(one.at("name")).second) return;
    text += "  enable \"" + one.at("name").get<std::string>() + "\"";
    std::string body;
    for (const Json& param : one.at("parameters")) {
      const std::string name = param.at("name");
      // The key vault has a default, which the public cloud refuses.
      if (!param.at("default").is_null() && name != "key_vault") continue;
      body += " " + name + " = " + given(name);
    }
    text += body.empty() ? "\n" : " {" + body + " }\n";
  };
  enable(feature);
  // What it requires may need parameters too.
  for (std::size_t before = 0; before != enabled.size();) {
    before = enabled.size();
    for (const Json& other : catalogue.at("features")) {
      const bool required = std::any_of(
          catalogue.at("features").begin(), catalogue.at("features").end(), [&](const Json& by) {
            const auto names = by.at("requires").get<std::set<std::string>>();
            return enabled.contains(by.at("name")) && names.contains(other.at("name"));
          });
      if (required) enable(other);
    }
  }
  return text + "}\n";
}

/// Names, and addresses where there are no names, of one side of a rule.
std::set<std::string> ends(const std::vector<const sema::NamedSet*>& parts) {
  std::set<std::string> out;
  for (const sema::NamedSet* part : parts) {
    if (!part->has_names()) out.insert(part->name);
    if (!part->has_names()) continue;
    for (const auto& pattern : part->set.names.patterns()) out.insert(net::to_string(pattern));
  }
  return out;
}

/// The same from the catalogue; nothing if it says that more must be known.
std::optional<std::set<std::string>> ends(const Json& peers, const std::string& cloud) {
  std::set<std::string> out;
  for (const Json& peer : peers) {
    if (!peer.at("when").is_null() || peer.at("kind") == "expression") return std::nullopt;
    if (peer.at("hosts").empty()) out.insert(peer.at("name").get<std::string>());
    for (const Json& host : peer.at("hosts")) {
      if (!host.at("when").is_null()) return std::nullopt;
      std::string text = host.at("host");
      for (const auto& [hole, value] :
           std::map<std::string, std::string>{{"${param.account}", "witness01"},
                                              {"${param.id}", "name1234"},
                                              {"${param.key_vault}", "name1234"},
                                              {"${cluster.region}", region_of(cloud)}}) {
        if (const auto at = text.find(hole); at != text.npos) text.replace(at, hole.size(), value);
      }
      if (text.find("${") != text.npos) return std::nullopt;
      EXPECT_NE(host.at("exact"), text != host.at("host")) << text;
      out.insert(text);
    }
  }
  return out;
}

// A pattern that covers another host of its endpoint takes it in, once the set is built.
std::set<std::string> without_covered(const std::set<std::string>& names) {
  std::vector<net::DomainPattern> patterns;
  std::set<std::string> out;
  for (const std::string& name : names) {
    const auto pattern = net::parse_pattern(name);
    if (pattern) patterns.push_back(*pattern);
    if (!pattern) out.insert(name);
  }
  for (const auto& pattern : net::DomainSet::of(patterns).patterns()) {
    out.insert(net::to_string(pattern));
  }
  return out;
}

class CatalogueOfRelease : public testing::TestWithParam<std::string> {};

TEST_P(CatalogueOfRelease, SaysWhatAPolicyComesTo) {
  const std::string module = "std/hci/" + GetParam();
  const Json catalogue = json_of({"doc", module, "--format", "json"});
  std::size_t compared = 0, sides = 0;
  for (const Json& feature : catalogue.at("features")) {
    const std::string name = feature.at("name");
    for (const std::string cloud : {"public", "usgov", "china"}) {
      SCOPED_TRACE(name + " in " + cloud);
      const auto has = [&](const Json& list) {
        return std::find(list.begin(), list.end(), cloud) != list.end();
      };
      const std::string text = policy(module, catalogue, feature, cloud);
      driver::Compilation compilation;
      const bool good = compile(text, compilation);
      if (!has(feature.at("clouds"))) {
        EXPECT_FALSE(good) << text;
        continue;
      }
      if (!good) {
        // Only for want of a region of this cloud: it has none, or none that the release has a list
        // of.
        const std::string why = compilation.reporter.sorted().front().message;
        EXPECT_TRUE(region_of(cloud).empty() || why == "there is no key `" + cloud + "`")
            << text << why;
        continue;
      }
      std::map<std::string, const policy::Rule*> rules;
      for (const policy::Rule& rule : compilation.policy.clusters.front().rules) {
        if (rule.origin.feature == name) rules[rule.origin.rule] = &rule;
      }
      for (const Json& rule : feature.at("rules")) {
        const auto made = rules.find(rule.at("name"));
        bool listed = false;
        for (const Json& opening : rule.at("openings")) {
          if (!has(opening.at("clouds"))) continue;
          EXPECT_FALSE(listed) << rule.at("name") << " twice";
          listed = true;
          const Json& when = opening.at("when");
          if (!when.is_null() && when.at("by_default").is_null()) continue;
          const bool on = when.is_null() || when.at("by_default").get<bool>();
          EXPECT_EQ(made != rules.end(), on) << rule.at("name");
          if (made == rules.end()) continue;
          ++compared;
          const Json& service = opening.at("default_service").is_null()
                                    ? opening.at("service")
                                    : opening.at("default_service");
          EXPECT_EQ(service, net::to_string(made->second->service)) << rule.at("name");
          for (const auto& [said, meant] :
               {std::pair(&opening.at("from"), &made->second->from.parts),
                std::pair(&opening.at("to"), &made->second->to.parts)}) {
            const auto known = ends(*said, cloud);
            if (!known) continue;
            ++sides;
            EXPECT_EQ(without_covered(*known), without_covered(ends(*meant))) << rule.at("name");
          }
        }
        if (!listed) {
          EXPECT_EQ(made, rules.end()) << rule.at("name");
        }
      }
    }
  }
  EXPECT_GT(compared, 80u);
  EXPECT_GT(sides, 160u);
}

// The copy beside the library. HCIPOL_BLESS=1 writes it anew.
TEST_P(CatalogueOfRelease, StandsBesideTheLibrary) {
  const std::string path = "stdlib/hci/" + GetParam() + "/README.md";
  Session session;
  const Outcome outcome = session.run({"doc", "std/hci/" + GetParam()});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  if (blessing()) {
    write_file(path, outcome.out);
    return;
  }
  const auto files = files_below("stdlib/hci/" + GetParam(), {".md"});
  ASSERT_TRUE(files.contains(path)) << "HCIPOL_BLESS=1 writes it";
  EXPECT_TRUE(files.at(path) == outcome.out)
      << path << " is not what the library says; HCIPOL_BLESS=1 writes it anew";
}

INSTANTIATE_TEST_SUITE_P(Releases, CatalogueOfRelease, testing::ValuesIn(releases()),
                         [](const auto& release) { return "Release" + release.param; });

}  // namespace
}  // namespace hcipol::test
