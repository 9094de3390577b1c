// The writing half; snapshot_reader.cpp is the other.
#include "report/snapshot.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "report/packets_json.h"
#include "report/snapshot_words.h"

namespace hcipol::report {

namespace {

Json object(const policy::NamedSet& set) {
  Json json{{"name", set.name}, {"kind", word(set.kind)}};
  if (!set.title.empty()) json["title"] = set.title;
  json.update(to_json(set.set));
  if (!set.tag.empty()) json["tag"] = set.tag;
  if (!set.tag_addresses.empty()) json["tag_addresses"] = to_json(set.tag_addresses);
  if (!set.addresses.empty()) json["endpoint_addresses"] = to_json(set.addresses);
  return json;
}

Json list(const std::vector<const policy::NamedSet*>& sets) {
  Json out = Json::array();
  for (const policy::NamedSet* set : sets) out.push_back(object(*set));
  return out;
}

Json object(const flow::Flow& flow, const SourceMap& sources) {
  const policy::Rule& rule = *flow.rule;
  const policy::Origin& origin = rule.origin;
  Json json{{"action", word(flow.kind)},       {"rule", rule.address},    {"module", origin.module},
            {"feature", origin.feature},       {"from", list(flow.from)}, {"to", list(flow.to)},
            {"service", to_json(flow.service)}};
  const auto text = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  text("title", rule.title);
  text("note", rule.note);
  if (rule.log) json["log"] = true;
  if (rule.expires) json["expires"] = to_string(*rule.expires);
  text("owner", rule.owner);
  text("reason", rule.reason);
  json["at"] = place_json(origin.span, sources);
  json["enabled_at"] = place_json(origin.enabled_at, sources);
  text("source", origin.source);
  return json;
}

Json object(const policy::TargetView& view) {
  Json json{{"target", view.target->backend}, {"instance", view.target->instance}};
  if (!view.sees) return json;
  json["sees"] = {{"from", list(view.sees->from.parts)},
                  {"to", list(view.sees->to.parts)},
                  {"service", to_json(view.sees->service)},
                  {"both_ways", view.sees->both_ways}};
  return json;
}

Json object(const policy::EnabledFeature& feature) {
  return {{"module", feature.module},
          {"name", feature.name},
          {"title", feature.title},
          {"because", feature.because},
          {"source", feature.source}};
}

}  // namespace

std::string show_json(const policy::Policy& policy, const std::vector<ClusterFlows>& clusters,
                      const SourceMap& sources) {
  Json out{{"version", snapshot_version}, {"policy", policy.name}, {"clusters", Json::array()}};
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    const policy::Cluster& cluster = *clusters[i].cluster;
    Json json{{"name", cluster.name}, {"cloud", cluster.cloud}, {"named", Json::array()}};
    for (const auto& [name, set] : cluster.named) json["named"].push_back(object(*set));
    json["features"] = Json::array();
    for (const auto& feature : cluster.features) json["features"].push_back(object(feature));
    json["targets"] = Json::array();
    for (const auto& view : policy.views[i]) json["targets"].push_back(object(view));
    json["flows"] = Json::array();
    for (const auto& flow : *clusters[i].flows) json["flows"].push_back(object(flow, sources));
    out["clusters"].push_back(std::move(json));
  }
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hcipol::report
