// The figures are written down here a second time, and counted on the bytes, because the printer's
// could be wrong. Sources: azure-docs, includes/firewall-limits.md (2023-10-10), the known issues
// of 2025-09, and "Best practices for templates" (2022-05-26).
#include "backends/azure_firewall/validate_limits.h"

#include <set>
#include <string>
#include <string_view>

#include "support/text.h"

namespace hcipol::backends::azure_firewall {

namespace {

using Json = arm::ReadJson;

/// Both sides of one kind of rules, each of which may be literals, IP groups or names.
std::size_t entries(const Json& rule, std::initializer_list<const char*> keys,
                    const arm::Values& values) {
  std::size_t out = 0;
  for (const char* key : keys) {
    const Json& list = member(rule, key);
    if (list.is_array()) {
      out += list.size();
    } else if (!list.is_null()) {
      out += values.value(list).size();
    }
  }
  return out;
}

/// What dump() writes of a text.
std::size_t dumped_text(std::string_view text) {
  std::size_t out = 2 + text.size();
  if (printable_ascii_but<'"', '\\'>(text)) return out;
  for (const char c : text) {
    const bool short_form = std::string_view("\b\f\n\r\t\"\\").find(c) != std::string_view::npos;
    out += short_form ? 1 : c >= 0 && c < 0x20 ? 5 : 0;  // "\n", "\u0001"
  }
  return out;
}

/// How long dump() is.
std::size_t dumped_bytes(const Json& value) {
  if (value.is_string()) return dumped_text(value.get_ref<const std::string&>());
  if (!value.is_structured()) return value.dump().size();
  std::size_t out = 2 + (value.empty() ? 0 : value.size() - 1);  // commas
  for (auto element = value.begin(); element != value.end(); ++element) {
    if (value.is_object()) out += dumped_text(element.key()) + 1;
    out += dumped_bytes(*element);
  }
  return out;
}

/// Of a template's texts, those in brackets.
std::size_t longest_expression(const Json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return text.starts_with('[') && !text.starts_with("[[") ? text.size() : 0;
  }
  std::size_t out = 0;
  if (value.is_structured()) {
    for (const Json& element : value) out = std::max(out, longest_expression(element));
  }
  return out;
}

}  // namespace

void check_groups(const std::vector<const Json*>& groups, const arm::Values& values,
                  RuleChecks& checks) {
  std::size_t pairs = 0;
  std::size_t collections = 0;
  std::set<std::string> translated;
  for (const Json* group : groups) {
    const Json& list = member(*group, "ruleCollections");
    checks.expect(dumped_bytes(list) <= 2'000'000, "L1", "the bytes of a group");
    collections += list.size();
    for (const Json& collection : list) {
      for (const Json& rule : member(collection, "rules")) {
        const std::string type = text_of(member(rule, "ruleType"));
        if (type == "NetworkRule") {
          pairs +=
              entries(rule, {"sourceAddresses", "sourceIpGroups"}, values) *
              entries(rule, {"destinationAddresses", "destinationIpGroups", "destinationFqdns"},
                      values);
        }
        if (type != "NatRule") continue;
        for (const Json& address : member(rule, "destinationAddresses")) {
          translated.insert(text_of(address));
        }
      }
    }
  }
  checks.expect(groups.size() <= 60, "L1", "groups");
  checks.expect(collections <= 2'000, "L1", "collections");
  checks.expect(pairs <= 20'000, "L1", "pairs of source and destination");
  checks.expect(translated.size() <= 250, "L1", "addresses that are translated");
}

void check_template(const Json& json, RuleChecks& checks) {
  checks.expect(member(json, "parameters").size() <= 256, "L1", "parameters");
  checks.expect(member(json, "variables").size() <= 256, "L1", "variables");
  checks.expect(member(json, "outputs").size() <= 64, "L1", "outputs");
  const Json& resources = member(json, "resources");
  checks.expect(resources.size() <= 800, "L1", "resources");
  std::size_t ip_groups = 0;
  for (const Json& each : resources) {
    ip_groups += member(each, "type") == "Microsoft.Network/ipGroups" ? 1 : 0;
  }
  checks.expect(ip_groups <= 200, "L1", "IP groups");
  checks.expect(longest_expression(json) <= 24'576, "L1", "characters of an expression");
}

}  // namespace hcipol::backends::azure_firewall
