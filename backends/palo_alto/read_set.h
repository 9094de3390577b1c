// `set` commands as the configuration that they make of an empty one.
#pragma once

#include <string_view>
#include <vector>

#include "backends/palo_alto/read_xml.h"

namespace hcipol::backends::palo_alto {

/// The words of a command line: separated by single blanks, or in quotation marks, between which
/// nothing escapes anything. Throws Unreadable for what a terminal does not pass on as it is: `?`
/// asks for help, `|` and `\` are its own.
void command_words(std::string_view file, std::size_t line, std::string_view text,
                   std::vector<std::string_view>& out);

/// Builds `config` in `tree` from commands of configuration mode, in the form of a complete XML
/// configuration, but without a virtual system or device group that no command speaks of. `vsys` is
/// the virtual system whose name must stand in the commands; without one they are for a firewall
/// that has vsys1 alone. Throws Unreadable for a word that is not known where it stands, for a
/// value that is set twice, and for what is used before it is there.
void read_set(std::string_view file, std::string_view text, std::string_view vsys,
              pugi::xml_document& tree);

}  // namespace hcipol::backends::palo_alto
