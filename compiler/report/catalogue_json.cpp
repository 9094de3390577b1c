// The schema stands in the header.
#include <nlohmann/json.hpp>

#include "report/catalogue.h"

namespace hcipol::report {

namespace {

using Json = nlohmann::ordered_json;

Json text(const std::string& said) {
  return said.empty() ? Json(nullptr) : Json(said);
}

template <class T, class F>
Json list(const std::vector<T>& all, F&& each) {
  Json out = Json::array();
  for (const T& one : all) out.push_back(each(one));
  return out;
}

Json condition_json(const Condition& when) {
  if (when.always()) return nullptr;
  return {{"text", when.text}, {"by_default", when.by_default ? Json(*when.by_default) : Json()}};
}

Json input(const CatalogueInput& in) {
  return {{"name", in.name},
          {"type", text(in.type)},
          {"default", in.default_value ? Json(*in.default_value) : Json()},
          {"description", text(in.description)},
          {"validations", in.validations}};
}

Json peer_json(const CataloguePeer& in) {
  return {{"kind", in.kind},
          {"name", in.name},
          {"title", text(in.title)},
          {"hosts", list(in.hosts,
                         [](const CatalogueHost& host) -> Json {
                           return {{"host", host.text},
                                   {"exact", host.exact},
                                   {"when", condition_json(host.when)}};
                         })},
          {"addresses", in.addresses},
          {"tag", text(in.tag)},
          {"tag_basis", text(in.tag_basis)},
          {"when", condition_json(in.when)}};
}

Json ports(const std::optional<net::ServiceSet>& services) {
  if (!services) return nullptr;
  Json out = Json::array();
  for (const std::uint8_t protocol : {net::protocol::tcp, net::protocol::udp}) {
    for (const net::PortRange& range : services->ports(protocol)) {
      out.push_back({{"protocol", net::protocol_name(protocol)},
                     {"first", range.first},
                     {"last", range.last}});
    }
  }
  return out;
}

Json opening(const CatalogueOpening& in) {
  return {{"clouds", in.clouds},
          {"from", list(in.from, peer_json)},
          {"to", list(in.to, peer_json)},
          {"service", in.service},
          {"default_service", text(in.default_service)},
          {"ports", ports(in.known)},
          {"when", condition_json(in.when)}};
}

Json rule(const CatalogueRule& in) {
  return {{"name", in.name},           {"action", in.allow ? "allow" : "deny"},
          {"both_ways", in.both_ways}, {"log", in.log},
          {"title", text(in.title)},   {"note", text(in.note)},
          {"source", text(in.source)}, {"openings", list(in.openings, opening)}};
}

Json feature(const CatalogueFeature& in) {
  return {{"name", in.name},
          {"title", text(in.title)},
          {"tier", text(in.tier)},
          {"declared_in", in.declared_in},
          {"file", in.file},
          {"line", in.line},
          {"source", text(in.source)},
          {"source_date", text(in.source_date)},
          {"errata", in.errata},
          {"requires", in.requires_},
          {"conflicts", in.conflicts},
          {"auto", text(in.automatic)},
          {"when", text(in.when)},
          {"clouds", in.clouds},
          {"roles", in.roles},
          {"parameters", list(in.parameters, input)},
          {"endpoints", list(in.endpoints,
                             [](const CatalogueEndpoint& endpoint) -> Json {
                               return {{"name", endpoint.name},
                                       {"title", text(endpoint.title)},
                                       {"declared_in", endpoint.declared_in},
                                       {"errata", endpoint.errata}};
                             })},
          {"rules", list(in.rules, rule)}};
}

Json regions_json(const Catalogue& in) {
  Json out = Json::array();
  for (const auto& [cloud, known] : in.regions) {
    for (const Region& region : known) {
      Json values = Json::object();
      for (const auto& [name, value] : region.values) values[name] = value;
      out.push_back({{"cloud", cloud}, {"name", region.name}, {"values", std::move(values)}});
    }
  }
  return out;
}

}  // namespace

std::string catalogue_json(const Catalogue& in) {
  const Json json{{"version", 1},
                  {"module", in.module},
                  {"revision", text(in.revision)},
                  {"source", text(in.source)},
                  {"clouds", in.clouds},
                  {"region", text(in.region)},
                  {"regions", regions_json(in)},
                  {"variables", list(in.variables, input)},
                  {"roles", list(in.roles,
                                 [](const CatalogueRole& role) -> Json {
                                   return {{"name", role.name},
                                           {"title", text(role.title)},
                                           {"members", text(role.members)}};
                                 })},
                  {"features", list(in.features, feature)}};
  return json.dump(2) + "\n";
}

}  // namespace hcipol::report
