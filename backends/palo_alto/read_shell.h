// The functions of the shell that the lines for the XML API use, as they must be: they decide
// whether a refusal is seen.
#pragma once

#include <string>
#include <vector>

namespace hcipol::backends::palo_alto {

using ShellLines = std::vector<std::string>;

/// Tells apart a success (0), a refusal (1) and a device that cannot be asked (2).
const ShellLines& api_shell_function();
/// Fails likewise, but not for a lock that is one's own already.
const ShellLines& lock_shell_function();
/// Fails likewise, but not for a rule that is where it shall be.
const ShellLines& move_shell_function();
/// Fails unless the job has ended and found nothing.
const ShellLines& validate_shell_function();
/// Goes on where an entry is refused, and ends where no answer can be had.
const ShellLines& remove_shell_function();

}  // namespace hcipol::backends::palo_alto
