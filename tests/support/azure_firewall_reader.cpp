// A template read as Azure would read it.
#include "tests/support/azure_firewall_reader.h"

#include <algorithm>
#include <set>
#include <stdexcept>

namespace hcipol::test::azure {

Json parse_strictly(const std::string& text) {
  std::vector<std::set<std::string>> keys;
  const auto callback = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key &&
        !keys.back().insert(parsed.get<std::string>()).second) {
      throw std::runtime_error("duplicate key " + parsed.dump());
    }
    return true;
  };
  return Json::parse(text, callback);
}

Template::Template(const std::string& text, const std::string& parameter_text)
    : json_(parse_strictly(text)) {
  for (const auto& [name, parameter] : json_["parameters"].items()) {
    parameters_[name] = parameter["defaultValue"];
  }
  const Json values = parse_strictly(parameter_text);
  for (const auto& [name, parameter] : values["parameters"].items()) {
    if (!parameters_.contains(name)) throw std::runtime_error("unknown parameter " + name);
    parameters_[name] = parameter["value"];
  }
  for (const Json& resource : json_["resources"]) {
    ids_.push_back(resource["type"].get<std::string>() + "|" + text_of(resource["name"]));
    if (resource["type"] == "Microsoft.Network/ipGroups") {
      ip_groups_[ids_.back()] = value_of(resource["properties"]["ipAddresses"]);
    }
  }
  read_rules();
}

Json Template::value_of(const Json& value) const {
  if (!value.is_string()) return value;
  const auto text = value.get<std::string>();
  if (!text.starts_with('[') || !text.ends_with(']')) return text;
  if (text.starts_with("[[")) return text.substr(1);
  std::size_t at = 1;
  Json result = expression(text, at);
  if (at != text.size() - 1) throw std::runtime_error("bad expression " + text);
  return result;
}

bool Template::allows(std::uint32_t from, const Destination& to, const Service& service) const {
  for (const Rule& rule : rules_) {
    if (matches(rule, from, to, service)) return rule.allow;
  }
  return false;
}

bool Template::is_group(const Json& resource) {
  return resource["type"] == "Microsoft.Network/firewallPolicies/ruleCollectionGroups";
}

std::uint32_t Template::number(const std::string& dotted) {
  std::uint32_t out = 0;
  std::size_t at = 0;
  for (int octet = 0; octet < 4; ++octet) {
    std::size_t used = 0;
    const unsigned long value = std::stoul(dotted.substr(at), &used);
    if (value > 255) throw std::runtime_error("bad address " + dotted);
    out = out << 8 | static_cast<std::uint32_t>(value);
    at += used;
    if (octet < 3 && dotted.at(at++) != '.') throw std::runtime_error("bad address " + dotted);
  }
  if (at != dotted.size()) throw std::runtime_error("bad address " + dotted);
  return out;
}

std::pair<std::uint32_t, std::uint32_t> Template::range_of(const std::string& entry) {
  if (entry == "*") return {0, 0xffffffff};
  if (const auto dash = entry.find('-'); dash != std::string::npos) {
    const auto first = number(entry.substr(0, dash));
    const auto last = number(entry.substr(dash + 1));
    if (first >= last) throw std::runtime_error("bad range " + entry);
    return {first, last};
  }
  const auto slash = entry.find('/');
  const auto first = number(entry.substr(0, slash));
  if (slash == std::string::npos) return {first, first};
  const int length = std::stoi(entry.substr(slash + 1));
  if (length < 1 || length > 31) throw std::runtime_error("bad prefix " + entry);
  const std::uint32_t host = 0xffffffffu >> length;
  if ((first & host) != 0) throw std::runtime_error("host bits in " + entry);
  return {first, first | host};
}

Json Template::expression(const std::string& text, std::size_t& at) const {
  if (text.at(at) == '\'') {
    const auto end = text.find('\'', at + 1);
    if (end == std::string::npos) throw std::runtime_error("open quote in " + text);
    const std::string out = text.substr(at + 1, end - at - 1);
    at = end + 1;
    return out;
  }
  const auto open = text.find('(', at);
  if (open == std::string::npos) throw std::runtime_error("bad expression " + text);
  const std::string name = text.substr(at, open - at);
  at = open + 1;
  std::vector<Json> arguments;
  while (text.at(at) != ')') {
    arguments.push_back(expression(text, at));
    while (text.at(at) == ',' || text.at(at) == ' ') ++at;
  }
  ++at;
  return call(name, arguments, text, at);
}

Json Template::call(const std::string& name, const std::vector<Json>& arguments,
                    const std::string& text, std::size_t& at) const {
  if (name == "parameters") return value_of(parameters_.at(arguments.at(0).get<std::string>()));
  if (name == "resourceGroup" && text.compare(at, 9, ".location") == 0) {
    at += 9;
    return "westeurope";
  }
  if (name == "resourceId") {
    std::string out = arguments.at(0).get<std::string>() + "|";
    for (std::size_t i = 1; i < arguments.size(); ++i) {
      out += (i > 1 ? "/" : "") + arguments[i].get<std::string>();
    }
    return out;
  }
  if (name == "format" && arguments.at(0) == "{0}/{1}") {
    return arguments.at(1).get<std::string>() + "/" + arguments.at(2).get<std::string>();
  }
  throw std::runtime_error("unknown function in " + text);
}

bool Template::in(const Ranges& ranges, std::uint32_t point) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
    return range.first <= point && point <= range.second;
  });
}

Template::Ranges Template::addresses(const Json& rule, const char* literals,
                                     const char* groups) const {
  Ranges out;
  const auto add = [&](const Json& entries) {
    for (const Json& entry : entries) {
      const auto text = entry.get<std::string>();
      const bool tag = text.find_first_not_of("0123456789./-*") != std::string::npos;
      if (!tag) out.push_back(range_of(text));
    }
  };
  if (rule.contains(literals)) add(rule[literals]);
  if (rule.contains(groups)) {
    for (const Json& id : rule[groups]) add(ip_groups_.at(text_of(id)));
  }
  return out;
}

void Template::read_rules() {
  for (const Json& group : json_["resources"]) {
    if (!is_group(group)) continue;
    for (const Json& collection : group["properties"]["ruleCollections"]) {
      for (const Json& json : collection["rules"]) {
        Rule rule = json["ruleType"] == "NetworkRule" ? network(json) : application(json);
        std::get<1>(rule.order) = group["properties"]["priority"].get<int>();
        std::get<2>(rule.order) = collection["priority"].get<int>();
        rule.allow = collection["action"]["type"] == "Allow";
        rule.from = addresses(json, "sourceAddresses", "sourceIpGroups");
        rules_.push_back(std::move(rule));
      }
    }
  }
  std::stable_sort(rules_.begin(), rules_.end(),
                   [](const Rule& a, const Rule& b) { return a.order < b.order; });
}

Template::Rule Template::application(const Json& json) const {
  Rule out;
  std::get<0>(out.order) = true;
  out.protocols = {6};
  for (const Json& protocol : json["protocols"]) {
    const auto port = protocol["port"].get<std::uint32_t>();
    out.ports.push_back({port, port});
  }
  out.fqdns = json["targetFqdns"].get<std::vector<std::string>>();
  return out;
}

Template::Rule Template::network(const Json& json) const {
  static const std::map<std::string, int> numbers{{"ICMP", 1}, {"TCP", 6}, {"UDP", 17}};
  Rule out;
  for (const Json& protocol : json["ipProtocols"]) {
    if (protocol != "Any") out.protocols.push_back(numbers.at(protocol.get<std::string>()));
  }
  for (const Json& entry : json["destinationPorts"]) {
    const auto text = entry.get<std::string>();
    const auto dash = text.find('-');
    const auto number_at = [&](std::size_t at) {
      return static_cast<std::uint32_t>(std::stoul(text.substr(at)));
    };
    if (text == "*") {
      out.ports.push_back({0, 65535});
    } else {
      out.ports.push_back({number_at(0), number_at(dash == std::string::npos ? 0 : dash + 1)});
    }
  }
  out.to = addresses(json, "destinationAddresses", "destinationIpGroups");
  out.fqdns = json.value("destinationFqdns", std::vector<std::string>());
  return out;
}

bool Template::matches_name(const std::string& pattern, const std::string& host) {
  if (!pattern.starts_with("*.")) return pattern == host;
  const std::string tail = pattern.substr(1);
  return host.size() > tail.size() && host.ends_with(tail);
}

bool Template::matches(const Rule& rule, std::uint32_t from, const Destination& to,
                       const Service& service) {
  const bool protocol = rule.protocols.empty() ||
                        std::find(rule.protocols.begin(), rule.protocols.end(), service.protocol) !=
                            rule.protocols.end();
  if (!protocol || !in(rule.ports, static_cast<std::uint32_t>(service.port))) return false;
  if (!in(rule.from, from)) return false;
  if (to.address) return in(rule.to, *to.address);
  return std::any_of(rule.fqdns.begin(), rule.fqdns.end(),
                     [&](const std::string& fqdn) { return matches_name(fqdn, to.name); });
}

}  // namespace hcipol::test::azure
