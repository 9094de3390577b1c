// The answer as JSON, for programs that ask.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "report/rule_facts.h"
#include "report/why.h"

namespace hcipol::report {

namespace {

using Json = nlohmann::ordered_json;

std::string_view word(flow::Reason reason) {
  switch (reason) {
    case flow::Reason::allow: return "allow";
    case flow::Reason::exception: return "exception";
    case flow::Reason::deny: return "deny";
    case flow::Reason::nothing: break;
  }
  return "no rule";
}

class JsonWriter {
 public:
  JsonWriter(const ClusterAnswer& answer, const SourceMap& sources)
      : answer_(answer), sources_(sources), naming_(*answer.naming) {}

  Json asked(const Asked& asked) const {
    Json parts = Json::array();
    for (const flow::Part& part : asked.answer.parts) parts.push_back(this->part(part));
    return {{"flow", asked.flow},
            {"verdict", to_string(verdict(asked.answer))},
            {"parts", std::move(parts)}};
  }

 private:
  Json part(const flow::Part& part) const {
    Json json{{"allowed", part.allowed()}, {"decided_by", word(part.reason)}};
    json["flows"] = Json::array();
    for (const net::Box& box : part.boxes) {
      json["flows"].push_back({{"from", naming_.names(box.from)},
                               {"to", naming_.names(box.to)},
                               {"service", net::to_string(box.service)}});
    }
    if (part.more) json["flows_left_out"] = true;
    json["rules"] = Json::array();
    for (const flow::Ground& ground : part.rules) json["rules"].push_back(rule(part, ground));
    for (const flow::Flow* flow : part.beaten) json["beaten"].push_back(flow->rule->address);
    for (const flow::Near& near : part.near) {
      json["nearest"].push_back({{"rule", near.flow->rule->address},
                                 {"flow", flow_of(*near.flow->rule)},
                                 {"differs_in", differs(near.differs)},
                                 {"at", place(near.flow->rule->origin.span, sources_)}});
    }
    return json;
  }

  Json rule(const flow::Part& part, const flow::Ground& ground) const {
    const policy::Rule& rule = *ground.flow->rule;
    Json json{{"rule", rule.address},
              {"action", action(rule.kind)},
              {"flow", flow_of(rule)},
              {"whole", ground.whole},
              {"at", place(rule.origin.span, sources_)},
              {"because", because(rule, *answer_.cluster, sources_)}};
    const auto add = [&](const char* key, const std::string& text) {
      if (!text.empty()) json[key] = text;
    };
    add("feature", rule.origin.feature_title);
    add("title", rule.title);
    add("note", rule.note);
    add("owner", rule.owner);
    if (rule.expires) json["expires"] = hcipol::to_string(*rule.expires);
    add("reason", rule.reason);
    add("source", rule.origin.source);
    json["rendered"] = Json::array();
    for (const RenderedTarget& target : answer_.targets) {
      json["rendered"].push_back(this->target(target, part, rule));
    }
    return json;
  }

  static Json target(const RenderedTarget& target, const flow::Part& part,
                     const policy::Rule& rule) {
    Json json{{"target", target.folder}, {"sees", sees(target, part)}};
    if (!sees(target, part)) return json;
    json["rules"] = Json::array();
    for (const Place& place : places(target, part, rule)) {
      json["rules"].push_back({{"file", place.path}, {"line", place.line}, {"id", place.id}});
    }
    for (const auto& [of, text] : target.remarks) {
      if (of == &rule) json["remarks"].push_back(text);
    }
    return json;
  }

  const ClusterAnswer& answer_;
  const SourceMap& sources_;
  const flow::Naming& naming_;
};

}  // namespace

std::string why_json(const WhyReport& report, const SourceMap& sources) {
  Json out{{"version", 1}, {"clusters", Json::array()}};
  if (!report.not_built.empty()) out["not_built"] = report.not_built;
  for (const ClusterAnswer& answer : report.clusters) {
    Json json{{"name", answer.cluster->name}};
    if (!answer.missing.empty()) {
      json["missing"] = answer.missing;
    } else {
      const JsonWriter writer(answer, sources);
      json["verdict"] = to_string(verdict(answer.asked.answer));
      json["asked"] = writer.asked(answer.asked);
      for (const Asked& leg : answer.through_proxy) {
        json["through_proxy"].push_back(writer.asked(leg));
      }
    }
    out["clusters"].push_back(std::move(json));
  }
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hcipol::report
