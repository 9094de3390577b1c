// Rules that every Windows Server has, or gets with a feature, and what each is for.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hcipol::backends::windows_firewall {

struct Match;

/// An inbound allow rule of Windows' own, from every address to every address of the server.
struct BuiltinRule {
  std::string_view name;      ///< the same in every language of Windows
  std::string_view protocol;  ///< as in Match
  std::string_view detail;    ///< its port, or its ICMP type
  bool in_public = true;      ///< also in the profile Public
};

/// Takes ports and ICMP types that rules of Windows' own are for, in all of the target's profiles,
/// out of `matches`, and matches of which nothing is left. Returns these rules.
std::vector<const BuiltinRule*> take_builtins(std::vector<Match>& matches,
                                              std::string_view profiles);

}  // namespace hcipol::backends::windows_firewall
