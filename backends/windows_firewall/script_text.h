// The texts of PowerShell scripts: the parts that are the same in every script; and user text, of
// which nothing may act and which stays ASCII.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace hcipol::backends::windows_firewall {

/// The engine, which follows the tables of every script, in its order: functions first, then the
/// run. Embedded from this folder.
inline constexpr std::array<std::string_view, 14> engine_parts{
    "compare.ps1",      "rules.ps1", "store.ps1",   "undo.ps1",    "memory.ps1",
    "machine.ps1",      "needs.ps1", "lockout.ps1", "inbound.ps1", "backup.ps1",
    "proxy_layers.ps1", "proxy.ps1", "look.ps1",    "engine.ps1"};

/// `text` on one line (see one_line) of at most `characters` characters, and with `/` for `|`,
/// which Windows refuses in rules ([MS-FASP] 2.2.37).
std::string plain(std::string_view text, std::size_t characters);

/// ASCII for .NET's Regex.Unescape: a backslash is doubled, other characters are written `\u00FC`
/// in UTF-16. Windows PowerShell reads a file without a byte order mark as ANSI, so nothing else
/// than ASCII means the same everywhere; and of the five characters that end a PowerShell string
/// in single quotes (`'` and U+2018 … U+201B) only `'` is left.
std::string escaped(std::string text);

/// Adds a string literal of PowerShell: in single quotes, where only `'` means something and is
/// doubled. Anything but printable ASCII is a bug().
void append_quoted(std::string& out, std::string_view ascii);

/// Adds what stands between the quotes of such a literal.
void append_between_quotes(std::string& out, std::string_view ascii);

}  // namespace hcipol::backends::windows_firewall
