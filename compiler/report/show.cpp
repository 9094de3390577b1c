// Columns are as wide as their longest entry, up to a limit past which only that line is longer.
#include "report/show.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "support/text.h"

namespace hcipol::report {

namespace {

using Json = nlohmann::ordered_json;
using Kind = policy::Rule::Kind;

std::string_view action(Kind kind) {
  switch (kind) {
    case Kind::allow: return "allow";
    case Kind::deny: return "deny";
    case Kind::exception: break;
  }
  return "except";
}

using Row = std::array<std::string, 5>;

Row row(const flow::Flow& flow) {
  std::string rule = flow.rule->address;
  if (flow.rule->expires) rule += fmt::format(" (until {})", to_string(*flow.rule->expires));
  return {std::string(action(flow.kind)), std::move(rule), flow::names(flow.from),
          flow::names(flow.to), net::to_string(flow.service)};
}

std::string table(const std::vector<Row>& rows) {
  constexpr std::size_t widest = 48;
  std::array<std::size_t, 5> width{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::size_t length = code_points(row[i]);
      if (length <= widest) width[i] = std::max(width[i], length);
    }
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += " " + row[i];
      if (i + 1 == row.size()) break;
      const std::size_t length = code_points(row[i]);
      line.append(width[i] > length ? width[i] - length : 0, ' ');
      line += ' ';
    }
    out += line + "\n";
  }
  return out;
}

std::string header(const policy::Cluster& cluster) {
  std::string sites;
  if (!cluster.sites.empty()) sites = fmt::format(", {}", counted(cluster.sites.size(), "site"));
  return fmt::format("cluster {} ({}, {}{})\n", cluster.name, cluster.cloud,
                     counted(cluster.nodes.size(), "node"), sites);
}

std::string features(const policy::Cluster& cluster) {
  std::string out;
  for (const policy::EnabledFeature& feature : cluster.features) {
    out += fmt::format("  feature {}/{}: {}\n", feature.module, feature.name, feature.because);
  }
  return out;
}

Json sets(const std::vector<const policy::NamedSet*>& list) {
  Json out = Json::array();
  for (const policy::NamedSet* set : list) {
    Json json{{"name", set->name}};
    if (!set->set.addresses.empty()) json["addresses"] = net::to_string(set->set.addresses);
    if (!set->set.names.empty() && !set->is_tag_only()) {
      json["hosts"] = net::to_string(set->set.names);
    }
    if (!set->tag.empty()) json["tag"] = set->tag;
    out.push_back(std::move(json));
  }
  return out;
}

Json object(const flow::Flow& flow, const SourceMap& sources) {
  const policy::Rule& rule = *flow.rule;
  Json json{{"action", action(flow.kind)}, {"rule", rule.address}};
  json["from"] = sets(flow.from);
  json["to"] = sets(flow.to);
  json["service"] = net::to_string(flow.service);
  if (!rule.title.empty()) json["title"] = rule.title;
  if (!rule.note.empty()) json["note"] = rule.note;
  if (rule.log) json["log"] = true;
  if (rule.expires) json["expires"] = to_string(*rule.expires);
  if (!rule.owner.empty()) json["owner"] = rule.owner;
  if (!rule.reason.empty()) json["reason"] = rule.reason;
  json["file"] = sources.file(rule.origin.span.file).path;
  json["line"] = sources.line_column(rule.origin.span.file, rule.origin.span.begin).line;
  if (!rule.origin.source.empty()) json["source"] = rule.origin.source;
  return json;
}

}  // namespace

std::string show_table(const std::vector<ClusterFlows>& clusters) {
  std::string out;
  for (const ClusterFlows& entry : clusters) {
    if (!out.empty()) out += "\n";
    out += header(*entry.cluster) + features(*entry.cluster);
    std::vector<Row> rows;
    for (const flow::Flow& flow : *entry.flows) rows.push_back(row(flow));
    if (!rows.empty()) out += "\n" + table(rows);
  }
  return out;
}

std::string show_json(const std::vector<ClusterFlows>& clusters, const SourceMap& sources) {
  Json out{{"version", 1}, {"clusters", Json::array()}};
  for (const ClusterFlows& entry : clusters) {
    Json json{{"name", entry.cluster->name}, {"cloud", entry.cluster->cloud}};
    json["features"] = Json::array();
    for (const policy::EnabledFeature& feature : entry.cluster->features) {
      json["features"].push_back({{"name", fmt::format("{}/{}", feature.module, feature.name)},
                                  {"title", feature.title},
                                  {"because", feature.because},
                                  {"source", feature.source}});
    }
    json["flows"] = Json::array();
    for (const flow::Flow& flow : *entry.flows) json["flows"].push_back(object(flow, sources));
    out["clusters"].push_back(std::move(json));
  }
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hcipol::report
