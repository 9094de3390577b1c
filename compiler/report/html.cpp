// The page is built as a tree, so that whatever a policy calls its things stays text.
#include "report/html.h"

#include <fmt/format.h>

#include <pugixml.hpp>
#include <sstream>

#include "report/drawing.h"
#include "report/rule_facts.h"
#include "report/table.h"

namespace hcipol::report {

namespace {

using Node = pugi::xml_node;

constexpr std::string_view page_style =
    "body { font: 15px system-ui, sans-serif; margin: 2rem; color: #1f2328; background: #ffffff; "
    "}\n"
    "table { border-collapse: collapse; margin: 0.5rem 0 1.5rem; }\n"
    "caption { text-align: left; margin-bottom: 0.4rem; }\n"
    "th, td { border: 1px solid #8c959f; padding: 0.25rem 0.6rem; text-align: left; "
    "vertical-align: top; }\n"
    "td { font-family: ui-monospace, monospace; font-size: 13px; }\n"
    ".open { background: #dafbe1; }\n"
    ".deny { background: #ffebe9; }\n"
    ".except { background: #fff8c5; }\n"
    ".scroll { overflow-x: auto; }\n"
    "@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117; } "
    "th, td { border-color: #6e7681; } a { color: #58a6ff; } .open { background: #12361f; } "
    ".deny { background: #4b1113; } .except { background: #3b2e06; } }\n";

Node add(Node parent, const char* name, const std::string& text = {}) {
  Node node = parent.append_child(name);
  if (!text.empty()) node.text().set(text.c_str());
  return node;
}

void set(Node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(value.c_str());
}

void heading(Node row, const std::string& text, const char* scope) {
  set(add(row, "th", text), "scope", scope);
}

// A cell without text would be an element that HTML reads otherwise than XML.
Node cell(Node row, const std::string& text) {
  return add(row, "td", text.empty() ? "·" : text);
}

Node table(Node parent, const std::string& caption, const std::vector<std::string>& columns) {
  Node scroll = add(parent, "div");
  set(scroll, "class", "scroll");
  Node out = add(scroll, "table");
  add(out, "caption", caption);
  Node row = add(add(out, "thead"), "tr");
  for (const std::string& column : columns) heading(row, column, "col");
  return add(out, "tbody");
}

void add_matrix(Node parent, const flow::Matrix& matrix) {
  std::vector<std::string> columns{"from / to"};
  for (const std::size_t to : matrix.columns) columns.push_back(matrix.axes[to].label);
  Node body = table(parent,
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
        here.append_child(pugi::node_pcdata).set_value(services[i].c_str());
      }
    }
  }
  for (const flow::Axis& axis : matrix.axes) {
    if (axis.members.empty()) continue;
    add(parent, "p", axis.label + ": " + fmt::format("{}", fmt::join(axis.members, ", ")));
  }
}

// Only what is surely a web address becomes a link.
void add_source(Node row, const std::string& source) {
  if (!source.starts_with("https://") && !source.starts_with("http://")) {
    cell(row, source);
    return;
  }
  Node link = add(add(row, "td"), "a", source.substr(source.rfind('/') + 1));
  set(link, "href", source);
}

void add_rules(Node parent, const ClusterFlows& entry, const SourceMap& sources) {
  Node body =
      table(parent, "Rules, in no order that matters: exceptions beat denies, denies beat allows.",
            {"action", "rule", "from", "to", "service", "title", "at", "source"});
  for (const flow::Flow& flow : *entry.flows) {
    const policy::Rule& rule = *flow.rule;
    Node row = add(body, "tr");
    set(row, "class", std::string(action(rule.kind)));
    cell(row, std::string(action(rule.kind)));
    heading(row, rule.address, "row");
    cell(row, flow::names(flow.from));
    cell(row, flow::names(flow.to));
    cell(row, net::to_string(flow.service));
    std::string title = rule.title.empty() ? rule.origin.feature_title : rule.title;
    if (rule.expires) {
      title +=
          fmt::format(" (until {}, {}: {})", to_string(*rule.expires), rule.owner, rule.reason);
    }
    cell(row, title);
    cell(row, place(rule.origin.span, sources));
    add_source(row, rule.origin.source);
  }
}

}  // namespace

std::string page(const std::string& title, const std::vector<ClusterMatrix>& clusters,
                 const SourceMap& sources) {
  const std::string name = title.empty() ? "Firewall policy" : "Firewall policy " + title;
  pugi::xml_document document;
  Node type = document.append_child(pugi::node_doctype);
  type.set_value("html");
  Node html = add(document, "html");
  set(html, "lang", "en");
  Node head = add(html, "head");
  set(add(head, "meta"), "charset", "utf-8");
  Node policy = add(head, "meta");
  set(policy, "http-equiv", "Content-Security-Policy");
  set(policy, "content", "default-src 'none'; style-src 'unsafe-inline'");
  Node view = add(head, "meta");
  set(view, "name", "viewport");
  set(view, "content", "width=device-width, initial-scale=1");
  add(head, "title", name);
  add(head, "style", std::string(page_style) + std::string(drawing_style()));
  Node body = add(html, "body");
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
