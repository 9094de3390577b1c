// The long form of every diagnostic, embedded from explain/CODE.md.
#pragma once

#include <optional>
#include <string_view>

namespace hcipol {

/// The page of a code such as "E0402" (any case), as Markdown; nothing if there is no such code.
std::optional<std::string_view> explain(std::string_view code);

}  // namespace hcipol
