// Files that are compiled into the binary by embed.cmake.
#pragma once

#include <string_view>

namespace hcipol {

/// `path` is relative to the folder that was embedded: "hci/21h2/module.hcipol".
struct EmbeddedFile {
  std::string_view path;
  std::string_view text;
};

}  // namespace hcipol
