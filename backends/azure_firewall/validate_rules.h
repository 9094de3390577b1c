// The checks of what stands in a rule collection group.
#pragma once

#include <fmt/format.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/azure_firewall/validate.h"
#include "backends/common/arm/read_template.h"

namespace hcipol::backends::azure_firewall {

class RuleChecks {
 public:
  using Json = arm::ReadJson;

  RuleChecks(const arm::Values& values, std::vector<Finding>& out) : values_(values), out_(out) {}

  /// The tier of the policy, where the file says it; else everything that some tier has is good.
  std::string tier;

  void expect(bool holds, std::string_view check, std::string what);
  /// The format of what is wrong: nearly always nothing is, and nothing is put together.
  template <class First, class... Rest>
  void expect(bool holds, std::string_view check,
              fmt::format_string<const First&, const Rest&...> what, const First& first,
              const Rest&... rest) {
    if (!holds) expect(false, check, fmt::format(what, first, rest...));
  }
  void priority(const Json& object, std::string_view check, const std::string& of,
                std::set<std::int64_t>& taken);
  void group(const std::string& name, const Json& properties);
  /// Entries of an IP group or of a rule.
  void addresses(const Json& list, const std::string& of, bool tags);

  /// Ids of the IP groups that the rules of the last group refer to.
  const std::set<std::string>& ip_groups() const { return ip_groups_; }
  bool names_in_network_rules() const { return names_in_network_rules_; }

 private:
  std::vector<std::string> texts(const Json& list, std::string_view check, const std::string& of);
  std::size_t kinds(const Json& rule, std::initializer_list<const char*> keys) const;
  void collection(const Json& collection, std::set<std::string>& names,
                  std::set<std::int64_t>& priorities);
  void rule(const Json& rule, const std::string& of);
  void sources(const Json& rule, const std::string& of);
  void network(const Json& rule, const std::string& of);
  void application(const Json& rule, const std::string& of);
  void nat(const Json& rule, const std::string& of);
  void ports(const Json& rule, const std::string& of);
  void fqdn(const std::string& fqdn, const std::string& of, bool patterns);
  void groups(const Json& rule, const char* key, const std::string& of);

  const arm::Values& values_;
  std::vector<Finding>& out_;
  std::set<std::string> ip_groups_;
  bool names_in_network_rules_ = false;
};

/// A member, or null.
const arm::ReadJson& member(const arm::ReadJson& object, const char* key);
/// A text, or "".
std::string text_of(const arm::ReadJson& value);

}  // namespace hcipol::backends::azure_firewall
