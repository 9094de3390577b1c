// Matrix, features and rules of each cluster, one below the other.
#include "report/html.h"

#include <fmt/format.h>

#include <pugixml.hpp>
#include <sstream>

#include "report/drawing.h"
#include "report/page.h"
#include "report/rule_facts.h"
#include "report/table.h"

namespace hcipol::report {

namespace {

using Node = pugi::xml_node;

using html::add;
using html::cell;
using html::heading;
using html::set;

void add_matrix(Node parent, const flow::Matrix& matrix) {
  std::vector<std::string> columns{"from / to"};
  for (const std::size_t to : matrix.columns) columns.push_back(matrix.axes[to].label);
  Node box = add(parent, "div");
  set(box, "class", "rules");
  Node body =
      html::table(box,
                  "What the effective policy allows. An asterisk: only from some of the row to "
                  "some of the column.",
                  columns);
  for (const std::size_t from : matrix.rows) {
    Node row = add(body, "tr");
    heading(row, matrix.axes[from].label, "row");
    for (const std::size_t to : matrix.columns) {
      const auto services = lines_of(matrix.cells[from][to], " *");
      Node here = cell(row, services.empty() ? "" : services.front());
      if (services.empty()) continue;
      set(here, "class", "open");
      for (std::size_t i = 1; i < services.size(); ++i) {
        here.append_child("br");
        html::add_text(here, services[i]);
      }
    }
  }
  for (const flow::Axis& axis : matrix.axes) {
    if (axis.members.empty()) continue;
    add(parent, "p", axis.label + ": " + fmt::format("{}", fmt::join(axis.members, ", ")));
  }
}

void add_rules(Node parent, const ClusterFlows& entry, const SourceMap& sources) {
  Node box = add(parent, "div");
  set(box, "class", "rules flows");
  Node body = html::table(
      box, "Rules, in no order that matters: exceptions beat denies, denies beat allows.",
      {"rule", "action", "from", "to", "service", "title", "at", "source"});
  for (const flow::Flow& flow : *entry.flows) {
    const policy::Rule& rule = *flow.rule;
    Node row = add(body, "tr");
    const std::string kind(action(rule.kind));
    set(row, "class", kind);
    heading(row, rule.address, "row");
    // On a narrow screen the columns' heads stand in the cells.
    const auto label = [](Node node, const char* head, const std::string& kinds) {
      set(node, "data-label", head);
      if (!kinds.empty()) set(node, "class", kinds);
    };
    const auto field = [&](const char* head, const std::string& text) {
      label(cell(row, text), head, text.empty() ? "empty" : "");
    };
    field("action", kind);
    field("from", flow::names(flow.from));
    field("to", flow::names(flow.to));
    field("service", net::to_string(flow.service));
    std::string title = rule.title.empty() ? rule.origin.feature_title : rule.title;
    if (rule.expires) {
      title +=
          fmt::format(" (until {}, {}: {})", to_string(*rule.expires), rule.owner, rule.reason);
    }
    label(cell(row, title), "title", title.empty() ? "prose empty" : "prose");
    field("at", place(rule.origin.span, sources));
    Node source = add(row, "td");
    label(source, "source", rule.origin.source.empty() ? "empty" : "");
    html::add_source(source, rule.origin.source);
  }
}

}  // namespace

std::string page(const std::string& title, const std::vector<ClusterMatrix>& clusters,
                 const SourceMap& sources) {
  const std::string name = title.empty() ? "Firewall policy" : "Firewall policy " + title;
  pugi::xml_document document;
  Node type = document.append_child(pugi::node_doctype);
  type.set_value("html");
  Node root = add(document, "html");
  set(root, "lang", "en");
  Node head = add(root, "head");
  set(add(head, "meta"), "charset", "utf-8");
  Node policy = add(head, "meta");
  set(policy, "http-equiv", "Content-Security-Policy");
  set(policy, "content", "default-src 'none'; style-src 'unsafe-inline'");
  Node view = add(head, "meta");
  set(view, "name", "viewport");
  set(view, "content", "width=device-width, initial-scale=1");
  add(head, "title", name);
  add(head, "style", std::string(html::part("page.css")) + std::string(drawing_style()));
  Node body = add(root, "body");
  add(body, "h1", name);
  for (const ClusterMatrix& cluster : clusters) {
    std::string line = cluster_line(*cluster.entry->cluster);
    line.pop_back();
    Node section = add(body, "section");
    add(section, "h2", line);
    add(section, "h3", "Who reaches whom");
    add_matrix(section, cluster.matrix);
    add(section, "h3", "Features");
    Node scroll = add(section, "div");
    set(scroll, "class", "scroll");
    draw_features(scroll, *cluster.entry->cluster);
    add(section, "h3", "Rules");
    add_rules(section, *cluster.entry, sources);
  }
  std::ostringstream out;
  // Without indentation: blanks between the lines of a cell would be seen.
  document.save(out, "", pugi::format_raw | pugi::format_no_declaration);
  return out.str() + "\n";
}

}  // namespace hcipol::report
