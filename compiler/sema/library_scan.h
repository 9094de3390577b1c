// Which names a library file declares, without parsing it, and which names a parsed file mentions.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "syntax/ast.h"

namespace hcipol::sema {

/// The labels of the file's features and endpoints, or nothing if the file must be parsed in any
/// case: it declares something else at its top level, or a feature in it may switch itself on
/// (`auto`). Relies on the canonical layout that `hcipolc fmt` writes and a test enforces for the
/// library.
std::optional<std::vector<std::string_view>> lazy_names(std::string_view text);

/// Calls `visit` for every name, member, label and text below the items, but for what an `extend`
/// hides: to hide a feature is no reason to read it.
void for_each_word(const std::vector<syntax::Item>& items,
                   const std::function<void(std::string_view)>& visit);

}  // namespace hcipol::sema
