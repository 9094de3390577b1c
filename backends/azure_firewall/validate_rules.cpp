// Sources: the REST reference and "Azure Firewall rule processing", the FAQ on wildcards, the known
// issues of 2025-09, and issues of those who were refused (azure-cli#18932, #24493,
// terraform-provider-azurerm#15760, #8312, bicep#17330, azure-docs#57934, #69563).
#include "backends/azure_firewall/validate_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "backends/azure_firewall/service_tags.h"
#include "backends/common/arm/naming.h"
#include "backends/common/read_text.h"
#include "net/address_set.h"
#include "support/text.h"

namespace hcipol::backends::azure_firewall {

namespace {

using Json = arm::ReadJson;

constexpr std::uint32_t last_nat_port = 63'999;
constexpr std::int64_t last_protocol_port = 64'000;

/// "FQDN tags overview", 2026-03-28; Office365 is followed by a product and a category.
constexpr std::array<std::string_view, 11> fqdn_tags{"WindowsUpdate",
                                                     "WindowsDiagnostics",
                                                     "MicrosoftActiveProtectionService",
                                                     "AppServiceEnvironment",
                                                     "AzureBackup",
                                                     "AzureHDInsight",
                                                     "WindowsVirtualDesktop",
                                                     "AzureKubernetesService",
                                                     "Windows365",
                                                     "MicrosoftIntune",
                                                     "citrixHdxPlusForWindows365"};

bool is_fqdn_tag(const std::string& tag) {
  return tag.starts_with("Office365.") ||
         std::find(fqdn_tags.begin(), fqdn_tags.end(), tag) != fqdn_tags.end();
}

/// Why an entry is no address of IPv4; nothing if it is one.
std::optional<std::string> fault_of_address(const std::string& entry) {
  const auto is_v4 = [](const auto& address) {
    return address && address->family == net::Family::ipv4;
  };
  if (const auto dash = entry.find('-'); dash != std::string::npos) {
    const auto first = net::parse_address(entry.substr(0, dash));
    const auto last = net::parse_address(entry.substr(dash + 1));
    if (!is_v4(first) || !is_v4(last)) return "is no range";
    return *first < *last ? std::nullopt
                          : std::optional<std::string>("is a range that runs backwards");
  }
  const std::string_view text = entry;
  const auto slash = text.find('/');
  const auto address = net::parse_address(entry.substr(0, slash));
  if (!address) return "is no address";
  if (address->family != net::Family::ipv4) return "is IPv6";
  if (slash == std::string_view::npos) return std::nullopt;
  const auto length = number_of(text.substr(slash + 1), 32);
  if (!length) return "has no length of a prefix";
  if (net::first_of(*address, *length) != *address) return "has host bits";
  return std::nullopt;
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Labels of letters, digits, `-` and `_`, at most 63 each and 253 in all.
bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  while (true) {
    const std::string_view label = name.substr(0, name.find('.'));
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
        !std::all_of(label.begin(), label.end(), good)) {
      return false;
    }
    if (label.size() == name.size()) return true;
    name.remove_prefix(label.size() + 1);
  }
}

}  // namespace

const Json& member(const Json& object, const char* key) {
  static const Json null;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : null;
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : "";
}

void RuleChecks::expect(bool holds, std::string_view check, std::string what) {
  if (!holds) out_.push_back({std::string(check), std::move(what)});
}

void RuleChecks::priority(const Json& object, std::string_view check, const std::string& of,
                          std::set<std::int64_t>& taken) {
  const Json& value = member(object, "priority");
  const std::int64_t number = value.is_number_integer() ? value.get<std::int64_t>() : 0;
  expect(number >= 100 && number <= 65'000, check, "{}: its priority is not 100 to 65000", of);
  expect(taken.insert(number).second, check, "{}: priority {} twice", of, number);
}

void RuleChecks::group(const std::string& name, const Json& properties) {
  ip_groups_.clear();
  std::set<std::string> names;
  std::set<std::int64_t> priorities;
  const Json& collections = member(properties, "ruleCollections");
  expect(collections.is_array() && !collections.empty(), "C2", "{} has no collections", name);
  for (const Json& one : collections) collection(one, names, priorities);
}

void RuleChecks::collection(const Json& collection, std::set<std::string>& names,
                            std::set<std::int64_t>& priorities) {
  const std::string name = text_of(member(collection, "name"));
  expect(!name.empty(), "N3", "a collection without a name");
  expect(arm::is_azure_name(name), "N2", "`{}` as the name of a collection", name);
  expect(names.insert(to_lower(name)).second, "N3", "two collections `{}`", name);
  priority(collection, "P2", name, priorities);
  const bool nat = member(collection, "ruleCollectionType") == "FirewallPolicyNatRuleCollection";
  expect(nat || member(collection, "ruleCollectionType") == "FirewallPolicyFilterRuleCollection",
         "C1", "{}: its type", name);
  const std::string action = text_of(member(member(collection, "action"), "type"));
  expect(nat ? action == "DNAT" : action == "Allow" || action == "Deny", "C1", "{}: its action",
         name);
  const Json& rules = member(collection, "rules");
  expect(rules.is_array() && !rules.empty(), "C2", "{} has no rules", name);
  std::set<std::string> rule_names;
  std::set<std::string> types;
  for (const Json& one : rules) {
    const std::string rule_name = text_of(member(one, "name"));
    expect(!rule_name.empty(), "N3", "{}: a rule without a name", name);
    expect(arm::is_azure_name(rule_name), "N2", "`{}` as the name of a rule", rule_name);
    expect(rule_names.insert(to_lower(rule_name)).second, "N3", "{}: two rules `{}`", name,
           rule_name);
    types.insert(text_of(member(one, "ruleType")));
    rule(one, rule_name);
  }
  expect(types.size() <= 1, "C1", "{}: two types of rules", name);
  expect(nat == types.contains("NatRule"), "C1", "{}: NAT rules in a filter, or the reverse", name);
}

std::vector<std::string> RuleChecks::texts(const Json& list, std::string_view check,
                                           const std::string& of) {
  std::vector<std::string> out;
  Json evaluated;
  try {
    evaluated = values_.value(list);
  } catch (const Unreadable& error) {
    expect(false, check, "{}: {}", of, error.what());
    return out;
  }
  expect(evaluated.is_array() && !evaluated.empty(), check, "{}: an empty list", of);
  if (!evaluated.is_array()) return out;
  out.reserve(evaluated.size());
  for (Json& element : evaluated) {
    const bool good = element.is_string() && !element.get_ref<const std::string&>().empty();
    expect(good, check, "{}: an entry that is no text", of);
    if (good) out.push_back(std::move(element.get_ref<std::string&>()));
  }
  std::set<std::string> seen;
  for (const std::string& text : out) {
    expect(seen.insert(to_lower(text)).second, "A3", "{}: `{}` twice", of, text);
  }
  return out;
}

std::size_t RuleChecks::kinds(const Json& rule, std::initializer_list<const char*> keys) const {
  std::size_t count = 0;
  for (const char* key : keys) count += member(rule, key).is_null() ? 0 : 1;
  return count;
}

void RuleChecks::addresses(const Json& list, const std::string& of, bool tags) {
  for (const std::string& entry : texts(list, "A1", of)) {
    if (entry == "*") continue;
    if (is_letter(entry.front()) && entry.find(':') == std::string::npos) {
      expect(tags && arm::is_tag(entry) && tag_use(entry) != TagUse::no, "A2",
             "{}: `{}`, which is no service tag that a rule takes here", of, entry);
      continue;
    }
    const auto fault = fault_of_address(entry);
    expect(!fault, "A1", "{}: `{}` {}", of, entry, fault.value_or(""));
  }
}

void RuleChecks::groups(const Json& rule, const char* key, const std::string& of) {
  if (member(rule, key).is_null()) return;
  for (std::string& id : texts(member(rule, key), "R1", of)) ip_groups_.insert(std::move(id));
}

void RuleChecks::sources(const Json& rule, const std::string& of) {
  expect(kinds(rule, {"sourceAddresses", "sourceIpGroups"}) == 1, "R1",
         "{}: sources as addresses or as IP groups", of);
  if (!member(rule, "sourceAddresses").is_null()) {
    addresses(member(rule, "sourceAddresses"), of, false);
  }
  groups(rule, "sourceIpGroups", of);
}

void RuleChecks::rule(const Json& rule, const std::string& of) {
  sources(rule, of);
  const std::string type = text_of(member(rule, "ruleType"));
  if (type == "NetworkRule") return network(rule, of);
  if (type == "ApplicationRule") return application(rule, of);
  if (type == "NatRule") return nat(rule, of);
  expect(false, "C1", "{}: a rule of type `{}`", of, type);
}

void RuleChecks::network(const Json& rule, const std::string& of) {
  expect(kinds(rule, {"destinationAddresses", "destinationIpGroups", "destinationFqdns"}) == 1,
         "R2", "{}: one kind of destination", of);
  if (!member(rule, "destinationAddresses").is_null()) {
    addresses(member(rule, "destinationAddresses"), of, true);
  }
  groups(rule, "destinationIpGroups", of);
  if (!member(rule, "destinationFqdns").is_null()) {
    names_in_network_rules_ = true;
    expect(tier != "Basic", "T1", "{}: host names in a network rule", of);
    for (const std::string& name : texts(member(rule, "destinationFqdns"), "R2", of)) {
      fqdn(name, of, false);
    }
  }
  bool icmp = false;
  for (const std::string& protocol : texts(member(rule, "ipProtocols"), "R2", of)) {
    const bool known =
        protocol == "TCP" || protocol == "UDP" || protocol == "ICMP" || protocol == "Any";
    expect(known, "R2", "{}: the protocol `{}`", of, protocol);
    icmp = icmp || protocol == "ICMP";
  }
  expect(!icmp || member(rule, "destinationPorts") == Json({"*"}), "Q2", "{}: ICMP with ports", of);
  ports(rule, of);
}

void RuleChecks::ports(const Json& rule, const std::string& of) {
  for (const std::string& text : texts(member(rule, "destinationPorts"), "R2", of)) {
    if (text == "*") continue;
    const std::string_view words = text;
    const auto dash = words.find('-');
    const auto first = number_of(words.substr(0, dash), 65'535);
    const bool single = dash == std::string_view::npos;
    const auto last = single ? first : number_of(words.substr(dash + 1), 65'535);
    const bool good = first && last && *first > 0 && (single || *first < *last);
    expect(good, "Q1", "{}: the port `{}`", of, text);
  }
}

void RuleChecks::application(const Json& rule, const std::string& of) {
  const std::initializer_list<const char*> targets{"targetFqdns", "fqdnTags", "targetUrls",
                                                   "webCategories"};
  expect(kinds(rule, targets) == 1, "R3", "{}: one kind of target", of);
  const Json& protocols = member(rule, "protocols");
  expect(protocols.is_array() && !protocols.empty(), "R3", "{}: no protocols", of);
  bool https = false;
  for (const Json& each : protocols) {
    const std::string type = text_of(member(each, "protocolType"));
    expect(type == "Http" || type == "Https", "R3", "{}: protocol `{}`", of, type);
    https = https || type == "Https";
    const Json& port = member(each, "port");
    const std::int64_t number = port.is_number_integer() ? port.get<std::int64_t>() : 0;
    expect(number >= 1 && number <= last_protocol_port, "Q1", "{}: the port of a protocol", of);
  }
  if (!member(rule, "targetFqdns").is_null()) {
    for (const std::string& name : texts(member(rule, "targetFqdns"), "R3", of)) {
      fqdn(name, of, true);
    }
  }
  if (!member(rule, "fqdnTags").is_null()) {
    expect(https, "R3", "{}: FQDN tags without HTTPS", of);
    for (const std::string& tag : texts(member(rule, "fqdnTags"), "R3", of)) {
      expect(is_fqdn_tag(tag), "F4", "{}: the FQDN tag `{}`", of, tag);
    }
  }
  const bool premium_only =
      !member(rule, "targetUrls").is_null() || member(rule, "terminateTLS") == true;
  expect(!premium_only || tier == "Premium", "T1", "{}: URLs or TLS inspection", of);
  expect(member(rule, "webCategories").is_null() || tier != "Basic", "T1", "{}: categories", of);
}

void RuleChecks::nat(const Json& rule, const std::string& of) {
  const std::vector<std::string> ports = texts(member(rule, "destinationPorts"), "R4", of);
  const auto port = ports.size() == 1 ? number_of(ports.front(), last_nat_port) : std::nullopt;
  expect(port && *port > 0, "R4", "{}: NAT takes one port, 1 to 63999", of);
  expect(!text_of(member(rule, "translatedPort")).empty() &&
             kinds(rule, {"translatedAddress", "translatedFqdn"}) == 1,
         "R4", "{}: NAT needs a port and an address or name to lead to", of);
}

void RuleChecks::fqdn(const std::string& fqdn, const std::string& of, bool patterns) {
  if (fqdn == "*" && patterns) return;
  const bool wildcard = fqdn.starts_with('*');
  std::string_view name = fqdn;
  if (wildcard) name.remove_prefix(fqdn.starts_with("*.") ? 2 : 1);
  expect(is_host_name(name) && (!wildcard || patterns), "F1", "{}: the host name `{}`", of, fqdn);
  expect(!net::parse_address(fqdn), "F1", "{}: the address `{}` as a name", of, fqdn);
  expect(!wildcard || fqdn.starts_with("*."), "F2", "{}: `{}` also matches names that only end so",
         of, fqdn);
  if (fqdn.find("--") != std::string::npos && fqdn.find("xn--") == std::string::npos) {
    out_.push_back({"F2", "`" + fqdn + "`", true});
  }
}

}  // namespace hcipol::backends::azure_firewall
