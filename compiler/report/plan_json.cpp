// The form for programs: exact sets beside the names that people read.
#include <nlohmann/json.hpp>

#include "flow/naming.h"
#include "report/packets_json.h"
#include "report/plan.h"
#include "report/plan_parts.h"

namespace hcipol::report {

namespace {

Json object(const flow::Row& row, const flow::ClusterDiff& cluster, const Plan& plan) {
  const bool opens = row.effect == flow::Effect::opens;
  const SourceMap& sources = *(opens ? plan.head : plan.base).sources;
  const policy::Rule& rule = *row.flow->rule;
  Json json{{"effect", word(row.effect)},
            {"rule", rule.address},
            {"from", row.from},
            {"to", row.to},
            {"service", net::to_string(row.around.service)},
            {"risks", Json::array()},
            {"cause", word(row.cause)},
            {"because", words(row, cluster, plan).because},
            {"at", place_json(rule.origin.span, sources)},
            {"enabled_at", place_json(rule.origin.enabled_at, sources)}};
  for (const flow::Risk risk : row.risks) json["risks"].push_back(word(risk));
  if (row.deny != nullptr) {
    json["deny"] = {
        {"rule", row.deny->address},
        {"at", place_json(row.deny->origin.span, *(opens ? plan.base : plan.head).sources)}};
  }
  if (!rule.origin.source.empty()) json["source"] = rule.origin.source;
  if (rule.expires) json["expires"] = to_string(*rule.expires);
  json["parts"] = Json::array();
  for (const net::Box& part : row.parts) json["parts"].push_back(to_json(part));
  json["witness"] = flow::to_string(row.witness);
  return json;
}

void add_limits(Json& device, const std::string& name, const Plan& plan) {
  for (const DeviceLimits& limits : plan.limits) {
    if (limits.device != name) continue;
    for (const LimitUse& use : limits.uses) {
      Json before = use.before ? Json(*use.before) : Json(nullptr);
      device["limits"].push_back({{"limit", use.limit},
                                  {"before", std::move(before)},
                                  {"after", use.after},
                                  {"allowed", use.allowed}});
    }
  }
}

Json object(const flow::ClusterDiff& cluster, const Plan& plan) {
  Json json{{"name", cluster.name},           {"change", change_of(cluster)},
            {"unchanged", cluster.unchanged}, {"without_effect", cluster.without_effect},
            {"rows", Json::array()},          {"tags", Json::array()},
            {"devices", Json::array()}};
  for (const flow::Row& row : cluster.rows) json["rows"].push_back(object(row, cluster, plan));
  for (const flow::TagChange& change : cluster.tags) {
    json["tags"].push_back({{"endpoint", change.endpoint},
                            {"tag", change.tag},
                            {"added", to_json(change.added)},
                            {"removed", to_json(change.removed)}});
  }
  for (const DeviceWords& device : devices(cluster, plan)) {
    Json& one =
        json["devices"].emplace_back(Json{{"name", device.device}, {"changes", device.changes}});
    add_limits(one, cluster.name + "/" + device.device, plan);
  }
  return json;
}

Json invariants_json(const InvariantTotals& totals) {
  Json waived = Json::array();
  for (const verify::Waived& one : totals.waived) {
    waived.push_back(
        {{"invariant", one.invariant}, {"cluster", one.cluster}, {"exception", one.exception}});
  }
  return {{"declared", totals.declared}, {"waived", std::move(waived)}};
}

}  // namespace

std::string plan_json(const Plan& plan) {
  const Counts counts = count(plan.diff);
  Json json{{"version", 1},
            {"base", plan.base.name},
            {"head", plan.head.name},
            {"library", plan.library},
            {"invariants", nullptr},
            {"changed", !plan.diff.empty()},
            {"opened", counts.opens},
            {"closed", counts.closes},
            {"clusters", Json::array()}};
  if (plan.invariants) json["invariants"] = invariants_json(*plan.invariants);
  for (const auto& cluster : plan.diff.clusters) json["clusters"].push_back(object(cluster, plan));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hcipol::report
