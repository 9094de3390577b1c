// What people read about a rule in Windows' consoles: its display name and its description.
#pragma once

#include <string>
#include <string_view>

#include "backends/windows_firewall/document.h"

namespace hcipol::backends::windows_firewall {

/// What all rules say that a rule of the policy (or a part of one) becomes. The hash is also of the
/// group and the profiles, which all rules of the document have.
void set_texts(Texts& out, const policy::Rule& rule, const Document& document);

/// The names of a union of sets as display names have them: escaped(), and of bounded length; what
/// is left out has a hash instead, so that two that differ still do.
std::string shown_peers(const std::string& names);

/// "Failover Clustering: TCP 135, 3343 from management (hci/failover-clustering.rpc)", escaped(),
/// with shown_peers() of the other side. Shape and texts of the form must be known. It is made of
/// the rule alone, so that one more rule changes no other's.
std::string display_name(const Form& form);

}  // namespace hcipol::backends::windows_firewall
