// Sorts rules into collections and groups, and gives them names and priorities.
#pragma once

#include <array>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "backends/azure_firewall/document.h"
#include "backends/azure_firewall/settings.h"
#include "flow/flow.h"

namespace hcipol::backends::azure_firewall {

class RuleGroups {
 public:
  /// `name` is what the rule is called unless another is called the same.
  void add(const flow::Flow& flow, Rule rule);
  /// Moves everything into the document. The IP groups must have their names.
  void finish(const Settings& settings, Document& document);

 private:
  /// Exceptions first, then by module and feature.
  using Key = std::tuple<bool, std::string, std::string>;
  using Collections = std::map<Key, RuleCollection>;

  std::vector<RuleCollection> finished(Collections& collections) const;
  void add_groups(Collections& collections, const char* kind, const char* comment, int priority,
                  Document& document) const;

  std::string cluster_part_;
  Collections network_;
  Collections application_;
};

}  // namespace hcipol::backends::azure_firewall
