// Only ports that one program of Windows owns: those of others (80, 443, 135) are also for programs
// that a rule of Windows' own would not let listen.
#include "backends/windows_firewall/builtin.h"

#include <algorithm>
#include <array>
#include <utility>

#include "backends/windows_firewall/document.h"
#include "backends/windows_firewall/services.h"

namespace hcipol::backends::windows_firewall {

namespace {

/// Captured from servers, or from Microsoft's scripts and pages that enable them by name.
constexpr std::array rows{
    BuiltinRule{"FPS-SMB-In-TCP", "TCP", "445"},
    BuiltinRule{"FPSSMBD-iWARP-In-TCP", "TCP", "5445"},
    BuiltinRule{"FPS-ICMP4-ERQ-In", "ICMPv4", "8"},
    BuiltinRule{"FPS-ICMP6-ERQ-In", "ICMPv6", "128"},
    BuiltinRule{"WINRM-HTTP-In-TCP", "TCP", "5985", false},
    BuiltinRule{"FailoverClustering-NetFt-UDP-In", "UDP", "3343"},
    BuiltinRule{"FailoverClustering-ClusSvc-TCP-In", "TCP", "3343"},
    BuiltinRule{"FailoverClusterSet-TCP-In", "TCP", "4433"},
    BuiltinRule{"VIRT-REMOTEDESKTOP-In-TCP-NoScope", "TCP", "2179"},
    BuiltinRule{"VIRT-MIGL-In-TCP-NoScope", "TCP", "6600"},
    BuiltinRule{"RemoteDesktop-UserMode-In-TCP", "TCP", "3389"},
    BuiltinRule{"RemoteDesktop-UserMode-In-UDP", "UDP", "3389"},
};

}  // namespace

std::vector<const BuiltinRule*> take_builtins(std::vector<Match>& matches,
                                              std::string_view profiles) {
  const bool in_public = profiles == "Any" || profiles.find("Public") != std::string_view::npos;
  std::vector<const BuiltinRule*> out;
  std::vector<Match> rest;
  for (Match& match : matches) {
    auto& details = match.ports.empty() ? match.icmp_types : match.ports;
    std::vector<std::string> left;
    for (std::string& detail : details) {
      const auto* row = std::find_if(rows.begin(), rows.end(), [&](const BuiltinRule& each) {
        return each.protocol == match.protocol && each.detail == detail &&
               (each.in_public || !in_public);
      });
      if (row == rows.end()) {
        left.push_back(std::move(detail));
      } else {
        out.push_back(row);
        match.service = match.service - service_of(*row);
      }
    }
    // An empty list would be every port.
    if (left.empty() && !details.empty()) continue;
    details = std::move(left);
    rest.push_back(std::move(match));
  }
  matches = std::move(rest);
  return out;
}

}  // namespace hcipol::backends::windows_firewall
