// From what a cell says to the hosts that it means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "importer/cell.h"
#include "importer/findings.h"

namespace hcipol::importer {

/// A word that is a URL, a host name or a pattern of one, maybe with mistakes. Not prose.
bool looks_like_address(std::string_view word);

/// What stands between blanks, commas and line ends; blanks inside brackets divide nothing.
struct Word {
  enum class Kind { address, number, text };
  Kind kind = Kind::text;
  Cell cell;
};
/// Neighbouring words of text are one.
std::vector<Word> words_of(const Cell& cell);

/// An address as a device takes it.
struct Host {
  std::string name;     ///< a host or a pattern, in lower case
  std::string printed;  ///< what the list says, if that is another host
  std::string scheme;   ///< "http", "https", or empty
  std::optional<std::uint16_t> port;
};

/// Nothing if the address is refused. With `widen_globs`, a `*` beside other characters of a label
/// stands for all names below the label.
std::optional<Host> read_host(const Cell& address, bool widen_globs, Findings& findings);

}  // namespace hcipol::importer
