// Every list that Microsoft published and the shared folder has: it is imported, it compiles, and
// it opens what the facts say about its document, which were collected without this program.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "support/text.h"
#include "tests/support/imported.h"
#include "tests/support/repository.h"

namespace hcipol::test {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

const fs::path facts = repository() / "../shared/facts";
const std::vector<std::string> all_clouds{"public", "usgov", "china"};

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

json facts_of(const std::string& name) {
  return json::parse(text_of(facts / name));
}

/// The feature of a published file, with what cannot be meant left out.
std::string imported(const fs::path& path) {
  const Outcome outcome =
      import_list(path.filename().string(), text_of(path), {"--widen-globs", "--skip-refused"});
  EXPECT_EQ(outcome.exit, 0) << path << "\n" << outcome.err;
  return outcome.out;
}

/// The patterns that the lists have and that no device can say, as `--widen-globs` opens them.
std::string widened(const std::string& host) {
  static const std::map<std::string, std::string> wider{
      {"azgn*.servicebus.windows.net", "*.servicebus.windows.net"},
      {"san-af-*-prod.azurewebsites.net", "*.azurewebsites.net"},
      {"wus2replica*.blob.core.windows.net", "*.blob.core.windows.net"},
  };
  const auto found = wider.find(host);
  return found == wider.end() ? host : found->second;
}

/// The pattern of a fact as the importer opens it. A hole is a placeholder, which it refuses.
std::optional<std::string> pattern_of(const json& fact) {
  if (fact.at("match") == "template") return std::nullopt;
  return widened(fact.at("fqdn"));
}

void add(Opened& opened, const json& fact) {
  const auto host = pattern_of(fact);
  if (!host) return;
  const json ports = fact.at("port").is_array() ? fact.at("port") : json::array({fact.at("port")});
  for (const json& port : ports) {
    opened.emplace(*host, fact.at("protocol").get<std::string>() + "/" + port.dump());
  }
}

/// The rows of endpoints.json that a document has, as seen by `of_document` (a source of the row).
Opened rows(const std::function<bool(const json&, const json&)>& of_document,
            const std::string& cloud) {
  Opened out;
  static const json all = facts_of("endpoints.json");
  for (const json& fact : all) {
    const json& clouds = fact.at("cloud");
    if (!cloud.empty() && std::find(clouds.begin(), clouds.end(), cloud) == clouds.end()) continue;
    std::vector<json> sources{fact.at("source")};
    for (const json& other : fact.value("also_seen_in", json::array())) sources.push_back(other);
    const bool here = std::any_of(sources.begin(), sources.end(),
                                  [&](const json& source) { return of_document(fact, source); });
    if (here) add(out, fact);
  }
  return out;
}

void expect_same(const Opened& expected, const Opened& actual) {
  EXPECT_FALSE(expected.empty());
  EXPECT_EQ(difference(expected, actual), "");
}

class Published : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(facts / "raw")) GTEST_SKIP() << "the shared facts are not here";
  }
};

// Whatever else is known about a file: what comes of it compiles in every cloud, and has none of
// the names that must not be opened.
TEST_F(Published, ListsAreImportedAndCompile) {
  std::size_t lists = 0;
  for (const auto& entry : fs::recursive_directory_iterator(facts / "raw")) {
    if (!entry.is_regular_file() || entry.path().extension() == ".xlsx") continue;
    SCOPED_TRACE(entry.path());
    const std::string text = imported(entry.path());
    for (const std::string& cloud : all_clouds) {
      const Opened opened = opened_by(text, cloud);
      EXPECT_FALSE(opened.empty()) << cloud;
      for (const auto& [host, service] : opened) {
        EXPECT_EQ(host.find("your"), std::string::npos) << host;
        EXPECT_EQ(host.find("azurestackchi"), std::string::npos) << host;
      }
    }
    ++lists;
  }
  EXPECT_GT(lists, 30u);
}

TEST_F(Published, AWorkbookIsNoList) {
  const fs::path book = facts / "raw/azurestack-tools-72dae15/azure-stack-hci-firewall-rules.xlsx";
  const Outcome outcome = import_list("book.xlsx", text_of(book));
  EXPECT_EQ(outcome.exit, 1);
  EXPECT_NE(outcome.err.find("error[E0801]"), std::string::npos) << outcome.err;
}

TEST_F(Published, RegionalTables) {
  const json all = facts_of("endpoints_regional.json");
  const std::vector<std::pair<std::string, std::string>> snapshots{
      {"azurestack-tools-72dae15", "72dae15"}, {"azurestack-tools-2024-11-30", "e6320ed"}};
  std::size_t tables = 0;
  for (const auto& [folder, snapshot] : snapshots) {
    for (const auto& entry : fs::directory_iterator(facts / "raw" / folder)) {
      const std::string file = entry.path().filename().string();
      if (!file.ends_with("-hci-endpoints.md")) continue;
      SCOPED_TRACE(folder + "/" + file);
      std::string region = to_lower(file.substr(0, file.find('-')));
      if (region == "indiacentral") region = "centralindia";  // the file's name is a slip
      Opened expected;
      std::string cloud;
      for (const json& fact : all) {
        const std::string of = fact.at("snapshot");
        if (fact.at("region") != region || !of.starts_with(snapshot)) continue;
        add(expected, fact);
        cloud = fact.at("cloud");
      }
      expect_same(expected, opened_by(imported(entry.path()), cloud));
      ++tables;
    }
  }
  EXPECT_EQ(tables, 15u);
}

TEST_F(Published, TablesOfTheHardwareVendors) {
  std::size_t tables = 0;
  for (const auto& entry : fs::directory_iterator(facts / "raw/azurestack-tools-72dae15")) {
    const std::string file = entry.path().filename().string();
    if (!file.ends_with("AzureLocalEndpoints.md")) continue;
    SCOPED_TRACE(file);
    const auto of_file = [&](const json&, const json& source) { return source.at("doc") == file; };
    expect_same(rows(of_file, "public"), opened_by(imported(entry.path()), "public"));
    ++tables;
  }
  EXPECT_EQ(tables, 5u);
}

TEST_F(Published, AksJson) {
  const auto of_page = [](const json&, const json& source) {
    return source.at("date") == "04/19/2022";
  };
  expect_same(rows(of_page, "public"),
              opened_by(imported(facts / "raw/edge-modules-ba07ed2/"
                                         "aks-hci_allow-list-end-points.2022-04-19.json"),
                        "public"));
}

/// The requirements of 2022, without what their later revision changed.
bool of_seed(const json& source) {
  return source.value("revision", "") == "seed document";
}

TEST_F(Published, RequiredJsonThatDoesNotParse) {
  const fs::path path =
      facts / "raw/edge-modules-ba07ed2/hci_config_required-allow-list-firewall-end-points.json";
  EXPECT_FALSE(json::accept(text_of(path)));
  const auto required = [](const json& fact, const json& source) {
    return of_seed(source) && fact.at("tier") == "required";
  };
  for (const std::string& cloud : all_clouds) {
    SCOPED_TRACE(cloud);
    expect_same(rows(required, cloud), opened_by(imported(path), cloud));
  }
}

TEST_F(Published, RecommendedJsonThatDoesNotParse) {
  const fs::path path =
      facts / "raw/edge-modules-ba07ed2/hci_config_recommended-allow-list-firewall-end-points.json";
  EXPECT_FALSE(json::accept(text_of(path)));
  for (const std::string& cloud : all_clouds) {
    SCOPED_TRACE(cloud);
    Opened expected = rows([](const json&, const json& source) { return of_seed(source); }, cloud);
    // The JSON lacks one host that the bullets have (E03), and gives the witness of the public
    // cloud without saying so (E11).
    EXPECT_EQ(expected.erase({"windowsupdate.microsoft.com", "tcp/80"}), 1u);
    expected.emplace("*.blob.core.windows.net", "tcp/443");
    expect_same(expected, opened_by(imported(path), cloud));
  }
}

TEST_F(Published, TheRequirementsOf2022) {
  // Two JSON blocks, three tabs and two runs of bullets. The tabs do not say which cloud they are
  // for, so their hosts are open in each.
  const Opened expected = rows([](const json&, const json& source) { return of_seed(source); }, "");
  expect_same(expected,
              opened_by(imported(facts / "firewall-requirements-2022-04-28.md"), "public"));
}

TEST_F(Published, SheetsHaveTheirFacts) {
  const fs::path folder = facts / "raw/azure-stack-hci-firewall-rules_xlsx_2023-01-30";
  // The facts give the update hosts to the book as a whole; its sheets differ (E01).
  const auto of_book = [](const json& fact, const json& source) {
    return source.at("doc") == "azure-stack-hci-firewall-rules.xlsx" &&
           fact.at("module") != "microsoft_update";
  };
  const std::map<std::string, std::string> sheets{{"public", "All_URLs_Azure_Public.csv"},
                                                  {"usgov", "Azure_Gov_URLs.csv"},
                                                  {"china", "Azure_China_URLs.csv"}};
  for (const auto& [cloud, sheet] : sheets) {
    SCOPED_TRACE(sheet);
    const Opened opened = opened_by(imported(folder / sheet), cloud);
    Opened both = rows(of_book, cloud);
    EXPECT_FALSE(both.empty());
    both.insert(opened.begin(), opened.end());
    EXPECT_EQ(difference(both, opened), "") << "the sheet may have more than the facts, not less";
  }
}

// The last columns of a sheet have no quotes but around "http,https", so that a regular expression
// can read them.
TEST_F(Published, SheetsLineByLine) {
  static const std::regex line(",([^,/]+)(?:/[^,]*)?,\"?(https?)(?:,(https))?\"?,(?:Mand|Opt)");
  std::size_t sheets = 0;
  for (const auto& entry :
       fs::directory_iterator(facts / "raw/azure-stack-hci-firewall-rules_xlsx_2023-01-30")) {
    SCOPED_TRACE(entry.path().filename());
    const std::string text = text_of(entry.path());
    Opened expected;
    std::ptrdiff_t rows = 0;
    for (std::sregex_iterator it(text.begin(), text.end(), line), end; it != end; ++it, ++rows) {
      const std::string host = widened((*it)[1]);
      for (const auto group : {2, 3}) {
        if ((*it)[group].matched) {
          expected.emplace(host, (*it)[group] == "http" ? "tcp/80" : "tcp/443");
        }
      }
    }
    EXPECT_EQ(rows + 1, std::count(text.begin(), text.end(), '\n')) << "a line was not understood";
    expect_same(expected, opened_by(imported(entry.path()), "public"));
    ++sheets;
  }
  EXPECT_EQ(sheets, 6u);
}

// Its lines are the oracle: a name, or a name and a port.
TEST_F(Published, NamesOfTheArcGateway) {
  const fs::path path = facts / "raw/arc-gateway-endpoints_2026-02-17.txt";
  const std::string text = text_of(path);
  Opened expected;
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (line.empty()) continue;
    const std::size_t colon = line.find(':');
    const std::string port = colon == line.npos ? "443" : std::string(line.substr(colon + 1));
    expected.emplace(widened(std::string(line.substr(0, colon))), "tcp/" + port);
  }
  EXPECT_GT(expected.size(), 150u);
  expect_same(expected, opened_by(imported(path), "public"));
}

}  // namespace
}  // namespace hcipol::test
