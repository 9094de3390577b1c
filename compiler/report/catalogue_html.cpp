// The page of `hcipolc doc`: rows and their marks are made here, pages/catalogue.html hides some.
#include <fmt/format.h>

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>

#include "report/catalogue.h"
#include "report/page.h"
#include "support/bug.h"
#include "support/sha256.h"
#include "support/text.h"

namespace hcipol::report {

namespace {

using Node = pugi::xml_node;
using html::add;
using html::add_text;
using html::cell;
using html::heading;
using html::set;

std::string saved(const pugi::xml_document& document) {
  std::ostringstream out;
  // Without indentation: blanks between the lines of a cell would be seen.
  document.save(out, "", pugi::format_raw | pugi::format_no_declaration);
  return out.str();
}

void replace(std::string& text, std::string_view mark, std::string_view with) {
  const std::size_t at = text.find(mark);
  if (at == text.npos) bug("the template of a page lacks a mark");
  text.replace(at, mark.size(), with);
}

Node prose(Node row, const char* label, bool empty) {
  Node out = add(row, "td");
  set(out, "class", empty ? "prose empty" : "prose");
  set(out, "data-label", label);
  if (empty) add_text(out, "·");
  return out;
}

// "if `x` (off by default)".
void add_condition(Node parent, const Condition& when) {
  if (when.always()) return;
  Node words = add(parent, "small");
  add_text(words, " if ");
  add(words, "code", when.text);
  if (const auto otherwise = default_words(when); !otherwise.empty()) {
    add_text(words, fmt::format(" ({})", otherwise));
  }
}

void add_peer(Node parent, const CataloguePeer& peer) {
  Node block = add(parent, "div");
  if (peer.kind != "host") {
    add(block, "strong", peer.name);
    if (!peer.title.empty()) add(block, "small", " " + peer.title);
    add_condition(block, peer.when);
  }
  const bool has_addresses = peer.kind == "endpoint" && !peer.addresses.empty();
  if (!peer.hosts.empty() || has_addresses) {
    Node list = add(block, "ul");
    for (const CatalogueHost& host : peer.hosts) {
      Node item = add(list, "li", host.text);
      add_condition(item, host.when);
    }
    if (has_addresses) {
      for (const std::string& address : peer.addresses) add(list, "li", address);
    }
  }
  if (!peer.tag.empty()) {
    const std::string basis = peer.tag_basis.empty() ? "" : fmt::format(" ({})", peer.tag_basis);
    add(block, "small", fmt::format("service tag {}{}", peer.tag, basis));
  }
}

void add_peers(Node row, const char* label, const std::vector<CataloguePeer>& peers,
               bool both_ways) {
  Node here = add(row, "td");
  set(here, "data-label", label);
  for (const CataloguePeer& peer : peers) add_peer(here, peer);
  if (both_ways) add(here, "small", "both ways");
}

// "tcp/443-443 udp/3343-3343"; "?" where only a parameter says it, "-" without ports.
std::string ports(const CatalogueOpening& opening) {
  if (!opening.known) return "?";
  std::vector<std::string> out;
  for (const std::uint8_t protocol : {net::protocol::tcp, net::protocol::udp}) {
    for (const net::PortRange& range : opening.known->ports(protocol)) {
      out.push_back(fmt::format("{}/{}-{}", net::protocol_name(protocol), range.first, range.last));
    }
  }
  return out.empty() ? "-" : fmt::format("{}", fmt::join(out, " "));
}

void add_clouds(Node row, const std::vector<std::string>& clouds) {
  Node here = add(row, "td");
  set(here, "data-label", "Clouds");
  if (clouds.size() == 3) {
    add_text(here, "all");
    return;
  }
  for (const std::string& cloud : clouds) {
    set(add(here, "span", cloud), "class", "badge cloud");
    add_text(here, " ");
  }
}

void add_remarks(Node row, const CatalogueRule& rule, const CatalogueOpening& opening) {
  const bool nothing = opening.when.always() && rule.title.empty() && rule.note.empty() &&
                       rule.source.empty() && !rule.log;
  Node here = prose(row, "Remarks", nothing);
  if (!opening.when.always()) add_condition(add(here, "div"), opening.when);
  if (!rule.title.empty()) add(here, "div", rule.title);
  if (!rule.note.empty()) add(here, "div", rule.note);
  if (rule.log) add(here, "div", "logged");
  if (!rule.source.empty()) html::add_source(add(here, "div"), rule.source);
}

void add_rules(Node parent, const CatalogueFeature& feature) {
  const bool any = std::any_of(feature.rules.begin(), feature.rules.end(),
                               [](const auto& rule) { return !rule.openings.empty(); });
  if (!any) return;
  Node box = add(parent, "div");
  set(box, "class", "rules");
  Node body = html::table(box, "Rules", {"Rule", "From", "To", "Service", "Clouds", "Remarks"});
  for (const CatalogueRule& rule : feature.rules) {
    for (const CatalogueOpening& opening : rule.openings) {
      Node row = add(body, "tr");
      set(row, "class", rule.allow ? "allow" : "deny");
      set(row, "data-clouds", fmt::format("{}", fmt::join(opening.clouds, " ")));
      set(row, "data-ports", ports(opening));
      set(row, "data-rule", feature.name + "." + rule.name);
      heading(row, rule.allow ? rule.name : "deny " + rule.name, "row");
      add_peers(row, "From", opening.from, rule.both_ways);
      add_peers(row, "To", opening.to, false);
      Node service = cell(row, opening.service);
      set(service, "data-label", "Service");
      if (!opening.default_service.empty()) {
        add(service, "small", " by default " + opening.default_service);
      }
      add_clouds(row, opening.clouds);
      add_remarks(row, rule, opening);
    }
  }
}

void add_inputs(Node parent, const std::vector<CatalogueInput>& inputs, const char* what) {
  if (inputs.empty()) return;
  Node body = html::table(parent, what, {"Name", "Type", "Default", "Meaning"});
  for (const CatalogueInput& input : inputs) {
    Node row = add(body, "tr");
    heading(row, input.name, "row");
    cell(row, input.type);
    cell(row, input.default_value.value_or("must be given"));
    Node meaning = prose(row, "Meaning", input.description.empty() && input.validations.empty());
    if (!input.description.empty()) add(meaning, "div", input.description);
    for (const std::string& message : input.validations) {
      add(add(meaning, "div"), "small", "Checked: " + message);
    }
  }
}

void add_fact(Node list, const char* head, const std::string& text) {
  if (text.empty()) return;
  add(list, "dt", head);
  add(list, "dd", text);
}

void add_facts(Node parent, const CatalogueFeature& feature, std::size_t clouds) {
  Node list = add(parent, "dl");
  set(list, "class", "facts");
  add_fact(list, "Declared in", feature.declared_in);
  if (!feature.source.empty()) {
    add(list, "dt", "Source");
    Node source = add(list, "dd");
    html::add_source(source, feature.source);
    if (!feature.source_date.empty()) add_text(source, fmt::format(" ({})", feature.source_date));
  }
  add_fact(list, "Requires", fmt::format("{}", fmt::join(feature.requires_, ", ")));
  add_fact(list, "Conflicts with", fmt::format("{}", fmt::join(feature.conflicts, ", ")));
  add_fact(list, "Switches itself on if", feature.automatic);
  add_fact(list, "Only if", feature.when);
  if (feature.clouds.size() < clouds) {
    add_fact(list, "Clouds",
             feature.clouds.empty() ? "none" : fmt::format("{}", fmt::join(feature.clouds, ", ")));
  }
  add_fact(list, "Roles", fmt::format("{}", fmt::join(feature.roles, ", ")));
}

void add_errata(Node parent, const CatalogueFeature& feature) {
  std::vector<std::string> all = feature.errata;
  for (const CatalogueEndpoint& endpoint : feature.endpoints) {
    for (const std::string& text : endpoint.errata) all.push_back(endpoint.name + ": " + text);
  }
  if (all.empty()) return;
  set(add(parent, "p", "Where the documents are wrong:"), "class", "errata");
  Node list = add(parent, "ul");
  for (const std::string& text : all) add(list, "li", text);
}

void add_tier(Node parent, const CatalogueFeature& feature) {
  if (feature.tier.empty()) return;
  add_text(parent, " ");
  set(add(parent, "span", feature.tier), "class", "badge " + feature.tier);
}

void add_feature(Node parent, const CatalogueFeature& feature, std::size_t clouds) {
  Node section = add(parent, "section");
  set(section, "class", "feature");
  set(section, "id", "feature-" + feature.name);
  set(section, "data-tier", feature.tier);
  Node head = add(section, "h2");
  set(add(head, "a", feature.name), "href", "#feature-" + feature.name);
  if (!feature.title.empty()) add_text(head, ": " + feature.title);
  add_tier(head, feature);
  add_facts(section, feature, clouds);
  add_inputs(section, feature.parameters, "Parameters");
  add_rules(section, feature);
  add_errata(section, feature);
}

void add_label(Node parent, const char* text, const char* name, const char* type) {
  Node label = add(parent, "label", text);
  Node input = add(label, "input");
  set(input, "type", type);
  set(input, "id", name);
  set(input, "name", name);
  set(input, "autocomplete", "off");
}

void add_choices(Node form, const char* head, const char* name,
                 const std::vector<std::string>& values) {
  Node group = add(form, "fieldset");
  add(group, "legend", head);
  for (const std::string& value : values) {
    Node label = add(group, "label");
    Node input = add(label, "input");
    set(input, "type", "checkbox");
    set(input, "name", name);
    set(input, "value", value);
    add_text(label, " " + value);
  }
}

// Hidden until the script has taken it over.
void add_form(Node parent, const std::vector<std::string>& clouds) {
  Node form = add(parent, "form");
  set(form, "id", "filter");
  set(form, "role", "search");
  set(form, "hidden", "hidden");
  add_label(form, "Search", "q", "search");
  add_label(form, "Port", "port", "text");
  add_choices(form, "Tier", "tier", {"required", "recommended", "optional"});
  add_choices(form, "Cloud", "cloud", clouds);
  set(add(form, "button", "Clear"), "type", "reset");
}

void add_head(Node body, const std::string& title, const Catalogue& catalogue) {
  add(body, "h1", title);
  Node line = add(body, "p");
  if (!catalogue.revision.empty()) {
    add_text(line, fmt::format("Revision {}. ", catalogue.revision));
  }
  if (!catalogue.source.empty()) {
    add_text(line, "Source: ");
    html::add_source(line, catalogue.source, catalogue.source);
    add_text(line, ". ");
  }
  if (const std::string whom = readers(catalogue); !whom.empty()) add_text(line, whom + " ");
  add_text(line, fmt::format("A text with ${{…}} in it depends on a parameter{}; servers are the "
                             "nodes of the cluster. Replies to what is open need no rule.",
                             catalogue.region.empty() ? " or on the region of the cluster" : ""));
  add_form(body, catalogue.clouds);
  std::size_t rules = 0;
  for (const CatalogueFeature& feature : catalogue.features) {
    for (const CatalogueRule& rule : feature.rules) rules += rule.openings.size();
  }
  Node count = add(body, "p", counted(rules, "rule"));
  set(count, "id", "count");
  set(count, "role", "status");
}

void add_contents(Node body, const Catalogue& catalogue) {
  Node nav = add(body, "nav");
  set(nav, "aria-label", "Features");
  Node list = add(nav, "ul");
  for (const CatalogueFeature& feature : catalogue.features) {
    Node item = add(list, "li");
    set(add(item, "a", feature.name), "href", "#feature-" + feature.name);
    add_tier(item, feature);
  }
}

void add_roles(Node body, const Catalogue& catalogue) {
  if (catalogue.roles.empty()) return;
  Node rows = html::table(body, "Roles", {"Name", "Who", "Members"});
  for (const CatalogueRole& role : catalogue.roles) {
    Node row = add(rows, "tr");
    heading(row, role.name, "row");
    if (role.title.empty()) {
      prose(row, "Who", true);
    } else {
      add_text(prose(row, "Who", false), role.title);
    }
    cell(row, role.members.empty() ? "the cluster says" : role.members);
  }
}

void add_regions(Node body, const Catalogue& catalogue) {
  if (catalogue.regions.empty()) return;
  Node rows = html::table(body, "Regions", {"Cloud", "What a cluster may name"});
  for (const auto& [cloud, known] : catalogue.regions) {
    std::vector<std::string> words;
    for (const Region& region : known) {
      std::string word = region.name;
      for (const auto& [name, value] : region.values) word += fmt::format(" ({} {})", name, value);
      words.push_back(std::move(word));
    }
    Node row = add(rows, "tr");
    heading(row, cloud, "row");
    add_text(prose(row, "What a cluster may name", false),
             fmt::format("{}", fmt::join(words, ", ")));
  }
}

// Only the script that is in the template may run, whatever else might come into the page.
std::string head(const std::string& title, std::string_view page) {
  constexpr std::string_view begin = "<script>", end = "</script>";
  const std::size_t at = page.find(begin);
  const std::size_t stop = page.find(end);
  if (at == page.npos || stop == page.npos) bug("the template of a page lacks its script");
  const std::string_view script = page.substr(at + begin.size(), stop - at - begin.size());
  pugi::xml_document document;
  Node policy = add(document, "meta");
  set(policy, "http-equiv", "Content-Security-Policy");
  set(policy, "content",
      fmt::format("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{}'; "
                  "base-uri 'none'; form-action 'none'",
                  sha256_base64(script)));
  add(document, "title", title);
  return saved(document);
}

}  // namespace

std::string catalogue_html(const Catalogue& catalogue) {
  const std::string title = "Firewall requirements: " + catalogue.module;
  pugi::xml_document document;
  add_head(document, title, catalogue);
  add_contents(document, catalogue);
  add_roles(document, catalogue);
  add_inputs(document, catalogue.variables, "Variables");
  add_regions(document, catalogue);
  for (const CatalogueFeature& feature : catalogue.features)
    add_feature(document, feature, catalogue.clouds.size());
  std::string page(html::part("catalogue.html"));
  const std::string first = head(title, page);
  // From the end, so that no text of the module is searched.
  replace(page, "<!-- catalogue -->", saved(document));
  replace(page, "/* page.css */", html::part("page.css"));
  replace(page, "<!-- head -->", first);
  return page;
}

}  // namespace hcipol::report
