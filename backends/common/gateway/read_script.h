// The script that loads a gateway's files: what its head says of them, and it read back.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "backends/backend.h"

namespace hcipol::backends::gateway {

/// The line of the script that names what belongs beside it, whatever the order of the artefacts:
/// `files='a b'` and a line break.
std::string files_line(std::span<const Artefact> artefacts);

/// Throws Unreadable unless the script is a shebang, a comment, `base='BASE'`, `files`, an empty
/// line, and `fixed`: what it loads and removes is then what its name says.
void check_script(const Artefact& script, std::string_view base, std::string_view files,
                  std::string_view fixed);

}  // namespace hcipol::backends::gateway
