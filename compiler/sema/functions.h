// The built-in functions: a table of names, argument counts and what they do.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sema/evaluator.h"

namespace hcipol::sema {

/// What a function may see beside its arguments.
struct CallContext {
  Evaluator& evaluator;
  const Scope& scope;
  Span call;  ///< the whole call
};

struct Function {
  std::string_view name;
  unsigned min_arguments = 0;
  unsigned max_arguments = 0;
  std::string_view signature;  ///< "matches(text, pattern)"
  std::optional<Value> (*apply)(std::vector<Value>& arguments, CallContext& context) = nullptr;
};

std::span<const Function> functions();
const Function* find_function(std::string_view name);

}  // namespace hcipol::sema
