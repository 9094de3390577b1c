// What a `target` block may hold beside `sees`: declared by each backend, checked by sema.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sema/value.h"

namespace hcipol::sema {

/// One attribute of a target block.
struct OptionSpec {
  std::string_view name;
  /// A type of the language as it is written there: "string", "bool", "number", "list(string)",
  /// "map(address)", "map(string)".
  std::string_view type;
  /// What holds without it, as text for `hcipolc targets`.
  std::string_view default_text;
  std::string_view description;
  bool required = false;
  /// A "string" that is the path of a text in the policy's directory: it is read, for
  /// policy::TargetView::texts.
  bool file = false;
};

/// A backend by name with its options.
struct TargetSchema {
  std::string_view backend;
  std::span<const OptionSpec> options;
};

/// The options that a target block sets, already of their declared types.
using Options = std::map<std::string, Value, std::less<>>;

}  // namespace hcipol::sema
