// DOT is ten lines of text; boost's writer would cost seconds of compile time for them.
#include "report/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace hcipol::report {

namespace {

std::string dot_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string graph(std::string_view name, const std::string& body) {
  return fmt::format(
      "digraph {} {{\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n{}}}\n",
      dot_text(name), body);
}

std::string edge(std::string_view from, std::string_view to, std::string_view label = {}) {
  if (label.empty()) return fmt::format("  {} -> {};\n", dot_text(from), dot_text(to));
  return fmt::format("  {} -> {} [label={}];\n", dot_text(from), dot_text(to), dot_text(label));
}

// One cluster is one graph; several become one box each.
template <class Body>
std::string per_cluster(std::string_view name, const std::vector<ClusterFlows>& clusters,
                        Body body) {
  std::string out;
  for (const ClusterFlows& entry : clusters) {
    const std::string prefix = clusters.size() == 1 ? "" : entry.cluster->name + ": ";
    out += body(entry, prefix);
  }
  return graph(name, out);
}

}  // namespace

std::string graph_of_modules(const sema::Program& program) {
  std::set<std::string> lines;
  for (const sema::Module& module : program.modules) {
    lines.insert(fmt::format("  {};\n", dot_text(module.source->path)));
    for (const sema::Use& use : module.uses) {
      lines.insert(edge(module.source->path, use.module->source->path, "uses as " + use.alias));
    }
    for (const sema::Extend& extend : module.extends) {
      lines.insert(edge(module.source->path, extend.module->source->path, "extends"));
    }
  }
  std::string body;
  for (const std::string& line : lines) body += line;
  return graph("modules", body);
}

std::string graph_of_features(const std::vector<ClusterFlows>& clusters) {
  return per_cluster(
      "features", clusters, [](const ClusterFlows& entry, const std::string& prefix) {
        std::string out;
        const std::string cluster = "cluster " + entry.cluster->name;
        auto scope = entry.features->begin();
        for (const policy::EnabledFeature& feature : entry.cluster->features) {
          const std::string name = fmt::format("{}{}/{}", prefix, feature.module, feature.name);
          if (!feature.because.starts_with("required by ")) {
            out += edge(cluster, name, feature.because);
          }
          for (const std::string& needed : scope->needs) {
            out += edge(name, prefix + needed, "requires");
          }
          ++scope;
        }
        return out;
      });
}

std::string graph_of_features(const Catalogue& catalogue) {
  std::string out;
  std::set<std::pair<std::string, std::string>> conflicts;
  for (const CatalogueFeature& feature : catalogue.features) {
    out += fmt::format("  {};\n", dot_text(feature.name));
    if (!feature.automatic.empty()) {
      out += edge("any cluster", feature.name, "automatic: " + feature.automatic);
    }
    for (const std::string& needed : feature.requires_) {
      out += edge(feature.name, needed, "requires");
    }
    for (const std::string& other : feature.conflicts) {
      conflicts.insert(std::minmax(feature.name, other));
    }
  }
  for (const auto& [one, other] : conflicts) {
    out += fmt::format("  {} -> {} [label=\"conflicts\", dir=none, style=dashed];\n", dot_text(one),
                       dot_text(other));
  }
  return graph("features of " + catalogue.module, out);
}

std::string graph_of_roles(const std::vector<ClusterFlows>& clusters) {
  return per_cluster("roles", clusters, [](const ClusterFlows& entry, const std::string& prefix) {
    std::map<std::pair<std::string, std::string>, net::ServiceSet> services;
    for (const flow::Flow& flow : *entry.flows) {
      if (flow.kind == policy::Rule::Kind::deny) continue;
      for (const auto* from : flow.from) {
        for (const auto* to : flow.to) {
          net::ServiceSet& all = services[{prefix + from->name, prefix + to->name}];
          all = all | flow.service;
        }
      }
    }
    std::string out;
    for (const auto& [pair, service] : services) {
      out += edge(pair.first, pair.second, net::to_string(service));
    }
    return out;
  });
}

}  // namespace hcipol::report
