// Reads an emitted template as Azure would: duplicate keys, expressions, rules, first match.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace hcipol::test::azure {

using Json = nlohmann::ordered_json;

/// Parses, and throws if an object has a key twice.
Json parse_strictly(const std::string& text);

/// An address as a number, or a host name.
struct Destination {
  std::optional<std::uint32_t> address;
  std::string name;
};

/// What a packet asks for. The detail is the port.
struct Service {
  int protocol = 6;
  int port = 0;
};

/// A template with its parameters applied. Only the four functions that we mean to use exist.
class Template {
 public:
  Template(const std::string& text, const std::string& parameter_text);

  const Json& json() const { return json_; }
  /// "type|name" of each resource, in order.
  const std::vector<std::string>& ids() const { return ids_; }
  const std::map<std::string, Json>& ip_groups() const { return ip_groups_; }

  std::string text_of(const Json& value) const { return value_of(value).get<std::string>(); }

  /// The value behind a string: itself, or what its expression comes to.
  Json value_of(const Json& value) const;

  /// Network rules before application rules; by priority of group, then of collection; top down.
  bool allows(std::uint32_t from, const Destination& to, const Service& service) const;

  static bool is_group(const Json& resource);

  static std::uint32_t number(const std::string& dotted);

  /// `*`, an address, a prefix without host bits, a range; throws for anything else.
  static std::pair<std::uint32_t, std::uint32_t> range_of(const std::string& entry);

 private:
  // expression := name '(' [argument {',' argument}] ')' ['.' word]; argument := string |
  // expression
  Json expression(const std::string& text, std::size_t& at) const;

  Json call(const std::string& name, const std::vector<Json>& arguments, const std::string& text,
            std::size_t& at) const;

  using Ranges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

  /// A rule with its IP groups looked up. Ports of application rules are ranges, too.
  struct Rule {
    std::tuple<bool, int, int> order;  ///< application, priority of group, of collection
    bool allow = false;
    Ranges from;
    Ranges to;
    std::vector<std::string> fqdns;
    std::vector<int> protocols;  ///< empty: any
    Ranges ports;
  };

  static bool in(const Ranges& ranges, std::uint32_t point);

  Ranges addresses(const Json& rule, const char* literals, const char* groups) const;

  void read_rules();

  Rule application(const Json& json) const;

  Rule network(const Json& json) const;

  /// FAQ 2022-09-12: `*.x` is any depth below x, and not x.
  static bool matches_name(const std::string& pattern, const std::string& host);

  static bool matches(const Rule& rule, std::uint32_t from, const Destination& to,
                      const Service& service);

  Json json_;
  std::map<std::string, Json> parameters_;
  std::map<std::string, Json> ip_groups_;
  std::vector<std::string> ids_;
  std::vector<Rule> rules_;
};

}  // namespace hcipol::test::azure
