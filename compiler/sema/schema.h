// Which block stands where with which attributes: the one table behind checks, hints and
// did-you-mean.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace hcipol::sema {

struct AttributeSpec {
  std::string_view name;
  bool required = false;
};

/// `parents` are kinds of blocks, "file" for the top level, or "test file" for that of a
/// `*.test.hcipol` file.
struct BlockSpec {
  std::string_view kind;
  std::span<const std::string_view> parents;
  std::span<const AttributeSpec> attributes;
  /// Attribute names are the user's own: locals, variables of a module, parameters, target options.
  bool any_attribute = false;
  unsigned min_labels = 0;
  unsigned max_labels = 0;
  std::string_view labels;      ///< for messages: "a name in quotes", "no label"
  bool names_something = true;  ///< the first label is a name, not a path or a sentence
  bool alias = false;
  bool needs_body = true;
  bool rules = false;
  std::span<const std::string_view> checks = {};  ///< verbs of the checks that it may hold
};

/// What `tier` of a feature can be, the most needed first.
inline constexpr std::array<std::string_view, 3> feature_tiers{"required", "recommended",
                                                               "optional"};

std::span<const BlockSpec> schema();
const BlockSpec* find_block(std::string_view kind);
/// The attributes of `allow` and `deny`.
std::span<const AttributeSpec> rule_attributes();

}  // namespace hcipol::sema
