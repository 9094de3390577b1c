// Small texts that several reports share.
#include "report/rule_facts.h"

#include <fmt/format.h>

#include <algorithm>

namespace hcipol::report {

std::string_view action(policy::Rule::Kind kind) {
  switch (kind) {
    case policy::Rule::Kind::allow: return "allow";
    case policy::Rule::Kind::deny: return "deny";
    case policy::Rule::Kind::exception: break;
  }
  return "except";
}

std::string flow_of(const policy::Rule& rule) {
  return fmt::format("{} {} {} on {}", flow::names(rule.from.parts), rule.both_ways ? "<->" : "->",
                     flow::names(rule.to.parts), net::to_string(rule.service));
}

std::string place(Span span, const SourceMap& sources) {
  if (span.file == FileId::no_file) return "";
  return fmt::format("{}:{}", sources.file(span.file).path, sources.line_of(span.file, span.begin));
}

std::string because(const policy::Rule& rule, const policy::Cluster& cluster,
                    const SourceMap& sources) {
  const policy::Origin& origin = rule.origin;
  const std::string at = place(origin.enabled_at, sources);
  if (rule.kind == policy::Rule::Kind::exception) {
    return fmt::format("exception {} holds in every cluster ({})", origin.feature, at);
  }
  const auto feature = std::find_if(
      cluster.features.begin(), cluster.features.end(), [&](const policy::EnabledFeature& enabled) {
        return enabled.module == origin.module && enabled.name == origin.feature;
      });
  if (feature == cluster.features.end()) {
    return fmt::format("cluster {} has this proxy ({})", cluster.name, at);
  }
  const std::string name = fmt::format("{}/{}", origin.module, origin.feature);
  if (feature->because == "enabled") {
    return fmt::format("cluster {} enables {} ({})", cluster.name, name, at);
  }
  return fmt::format("{} is {} in cluster {} ({})", name, feature->because, cluster.name, at);
}

std::string_view differs(flow::Near::Differs field) {
  switch (field) {
    case flow::Near::Differs::service: return "service";
    case flow::Near::Differs::from: return "source";
    case flow::Near::Differs::to: break;
  }
  return "destination";
}

}  // namespace hcipol::report
