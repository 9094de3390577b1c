// Reads the table of deviations.
#include "deviations.h"

#include <fnmatch.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "net/service.h"
#include "tests/support/repository.h"

namespace hcipol::test {

namespace {

using Json = nlohmann::json;
using Names = std::set<std::string, std::less<>>;

const Names sections{"opened", "closed",           "open_past_gateway", "closed_by_gateway",
                     "added",  "written_otherwise"};

bool has(const Names& names, const std::string& name) {
  return names.empty() || names.contains(name);
}

void check_keys(const Json& entry, const Names& known) {
  for (const auto& [key, value] : entry.items()) {
    EXPECT_TRUE(known.contains(key)) << "deviations.json: unknown key `" << key << "` in " << entry;
  }
  EXPECT_FALSE(entry.value("reason", "").empty()) << "no reason: " << entry;
}

Names names_of(const Json& entry, const char* key) {
  Names out;
  if (entry.contains(key)) {
    for (const std::string name : entry.at(key)) out.insert(name);
  }
  return out;
}

/// "tcp/443"; several are a list.
net::ServiceSet service_of(const Json& entry) {
  net::ServiceSet set;
  for (const std::string text : entry.at("on")) {
    const auto slash = text.find('/');
    const auto protocol = net::protocol_number(text.substr(0, slash));
    const auto port = static_cast<std::uint16_t>(std::stoi(text.substr(slash + 1)));
    set = set | net::ServiceSet::ports(protocol.value(), port, port);
  }
  return set;
}

void read_rows(const Json& table, const char* key, RowDeviation::Kind kind, Deviations& out) {
  for (const Json& entry : table.at(key)) {
    check_keys(entry, {"rows", "listed_in", "releases", "clouds", "reason"});
    RowDeviation row;
    row.kind = kind;
    for (const std::string pattern : entry.at("rows")) row.rows.push_back(pattern);
    row.listed_in = entry.value("listed_in", "");
    row.releases = names_of(entry, "releases");
    EXPECT_FALSE(row.releases.empty()) << entry;
    row.clouds = names_of(entry, "clouds");
    row.reason = entry.value("reason", "");
    out.rows.push_back(std::move(row));
  }
}

void read_additions(const Json& table, Deviations& out) {
  for (const Json& entry : table.at("added")) {
    check_keys(entry, {"feature", "from", "to", "on", "releases", "clouds", "regions", "reason"});
    for (const std::string to : entry.at("to")) {
      Addition addition;
      addition.feature = entry.at("feature");
      addition.flow = {entry.value("from", "servers"), to, to.find('.') != std::string::npos,
                       service_of(entry)};
      addition.releases = names_of(entry, "releases");
      addition.clouds = names_of(entry, "clouds");
      addition.regions = names_of(entry, "regions");
      addition.reason = entry.value("reason", "");
      out.additions.push_back(std::move(addition));
    }
  }
}

void read_spellings(const Json& table, Deviations& out) {
  for (const Json& entry : table.at("written_otherwise")) {
    check_keys(entry, {"host", "as", "reason"});
    out.spellings.push_back({entry.at("host"), entry.at("as"), entry.value("reason", "")});
  }
}

}  // namespace

bool RowDeviation::is_in(const Context& context) const {
  return releases.contains(context.release) && has(clouds, context.cloud) &&
         (context.gateway || !is_about_gateway());
}

bool RowDeviation::names(const Fact& fact) const {
  if (!listed_in.empty() && !fact.releases.contains(listed_in)) return false;
  return std::any_of(rows.begin(), rows.end(), [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), fact.id.c_str(), FNM_NOESCAPE) == 0;
  });
}

bool Addition::is_in(const Context& context) const {
  return has(releases, context.release) && has(clouds, context.cloud) &&
         has(regions, context.region);
}

const Deviations& deviations() {
  static const Deviations all = [] {
    std::ifstream in(repository() / "tests/unit/stdlib/deviations.json");
    const Json table = Json::parse(in);
    for (const auto& [key, value] : table.items()) {
      EXPECT_TRUE(sections.contains(key)) << key;
    }
    Deviations out;
    read_rows(table, "opened", RowDeviation::Kind::opened, out);
    read_rows(table, "closed", RowDeviation::Kind::closed, out);
    read_rows(table, "open_past_gateway", RowDeviation::Kind::open_past_gateway, out);
    read_rows(table, "closed_by_gateway", RowDeviation::Kind::closed_by_gateway, out);
    read_additions(table, out);
    read_spellings(table, out);
    return out;
  }();
  return all;
}

net::Box box_of(const FactFlow& flow, const Context& context) {
  if (!flow.is_host) return {role(flow.from), role(flow.to), flow.service};
  std::string name = flow.to;
  for (const Spelling& spelling : deviations().spellings) {
    if (spelling.host == name) name = spelling.written;
  }
  return {role(flow.from), host(filled(name, context)), flow.service};
}

}  // namespace hcipol::test
