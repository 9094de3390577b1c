// The script that loads a gateway's files, read back.
#pragma once

#include <string>
#include <string_view>

#include "backends/backend.h"

namespace hcipol::backends::gateway {

/// Throws Unreadable unless the script is a shebang, a comment, `base='BASE'`, an empty line, and
/// `fixed`: what it loads and removes is then what its name says.
void check_script(const Artefact& script, std::string_view base, std::string_view fixed);

}  // namespace hcipol::backends::gateway
