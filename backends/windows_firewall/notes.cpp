// Sentences say what happens on the server, and what to do about it.
#include "backends/windows_firewall/notes.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/windows_firewall/settings.h"

namespace hcipol::backends::windows_firewall {

namespace {

// "Over a thousand rules slow the start of the server" (field reports); Windows itself has no
// limit.
constexpr std::size_t many_rules = 1000;

}  // namespace

void add_notes(const Document& document, bool allows_out, bool logs, EmitContext& context) {
  bool names = false;
  bool tags = false;
  bool builtins = false;
  std::size_t most = 0;
  for (const Script& script : document.scripts) {
    for (const Keyword& keyword : script.keywords) {
      (keyword.addresses == nullptr ? names : tags) = true;
    }
    builtins = builtins || !script.builtins.empty();
    most = std::max(most, script.rules.size());
  }
  if (document.lock_down) {
    context.note(title,
                 "Apply sets the default outbound action of its profiles to Block: what no rule "
                 "allows, of this policy or of others, does not leave the servers any more. Apply "
                 "refuses while a server could not reach its name servers or domain controllers");
  } else if (allows_out) {
    context.note(title,
                 "its outbound allow rules change nothing while a profile's default outbound "
                 "action is Allow, as it is unless somebody set it to Block; the scripts leave "
                 "the profiles alone and warn");
  }
  if (names) {
    context.note(title,
                 "rules by host name need Windows Server 2022 or Azure Stack HCI 21H2, Defender "
                 "Antivirus with network protection on (on servers also "
                 "AllowNetworkProtectionOnWinServer), no proxy and no DNS over HTTPS; a name that "
                 "is not resolved yet is not allowed yet");
  }
  if (tags) {
    context.note(title,
                 "service tags as dynamic keywords need Windows Server 2022 or Azure Stack HCI "
                 "21H2; on older servers Apply stops before it changes anything");
  }
  if (builtins) {
    context.note(title,
                 "it counts on rules of Windows' own as Windows made them; Apply stops before it "
                 "changes anything where one is missing or was narrowed");
  }
  if (logs) {
    context.note(title,
                 "it logs by profile, not by rule (Set-NetFirewallProfile -LogAllowed, "
                 "-LogBlocked): `log` has no effect here");
  }
  if (most > many_rules) {
    context.note(title, fmt::format("a server gets {} rules; more than {} slow its start", most,
                                    many_rules));
  }
}

}  // namespace hcipol::backends::windows_firewall
