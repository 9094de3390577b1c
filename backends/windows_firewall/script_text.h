// User text for PowerShell scripts and Windows: nothing of it may act, and the file stays ASCII.
#pragma once

#include <string>
#include <string_view>

namespace hcipol::backends::windows_firewall {

/// `text` on one line (see one_line) of at most `characters` characters, and with `/` for `|`,
/// which Windows refuses in rules ([MS-FASP] 2.2.37).
std::string plain(std::string_view text, std::size_t characters);

/// ASCII for .NET's Regex.Unescape: a backslash is doubled, other characters are written `\u00FC`
/// in UTF-16. Windows PowerShell reads a file without a byte order mark as ANSI, so nothing else
/// than ASCII means the same everywhere; and of the five characters that end a PowerShell string
/// in single quotes (`'` and U+2018 … U+201B) only `'` is left.
std::string escaped(std::string_view text);

/// Adds a string literal of PowerShell: in single quotes, where only `'` means something and is
/// doubled. Anything but printable ASCII is a bug().
void append_quoted(std::string& out, std::string_view ascii);

}  // namespace hcipol::backends::windows_firewall
