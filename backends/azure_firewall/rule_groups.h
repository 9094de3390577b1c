// Sorts rules into collections and the two groups, and gives them names and priorities.
#pragma once

#include <array>
#include <map>
#include <string>
#include <tuple>

#include "backends/azure_firewall/document.h"
#include "backends/azure_firewall/settings.h"
#include "flow/flow.h"

namespace hcipol::backends::azure_firewall {

class RuleGroups {
 public:
  /// `name` is what the rule is called unless another is called the same.
  void add(const flow::Flow& flow, Rule rule);
  /// Moves everything into the document.
  void finish(const Settings& settings, Document& document);

 private:
  /// Exceptions first, then by module and feature.
  using Key = std::tuple<bool, std::string, std::string>;
  using Collections = std::map<Key, RuleCollection>;

  RuleCollectionGroup finished(Collections& collections) const;

  Collections network_;
  Collections application_;
};

}  // namespace hcipol::backends::azure_firewall
