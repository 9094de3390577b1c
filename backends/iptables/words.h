// Text of people as words of a restore line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hcipol::backends::iptables {

/// `text` on one line of at most `bytes` bytes. Control characters, malformed bytes and marks that
/// turn the direction of text or cannot be seen become blanks.
std::string readable(std::string_view text, std::size_t bytes);

/// Appends readable text in double quotes, within which iptables-restore 1.8.9 takes `\"` and `\\`;
/// it has no other quotes, and a line break would end the rule.
void put_quoted(std::string& out, std::string_view text);

}  // namespace hcipol::backends::iptables
