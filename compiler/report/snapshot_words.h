// Private to report/snapshot: the words that both halves use.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "flow/flow.h"

namespace hcipol::report {

inline constexpr int snapshot_version = 2;

inline constexpr std::array set_kinds{
    std::pair{policy::NamedSet::Kind::any, std::string_view("any")},
    std::pair{policy::NamedSet::Kind::internet, std::string_view("internet")},
    std::pair{policy::NamedSet::Kind::private_, std::string_view("private")},
    std::pair{policy::NamedSet::Kind::servers, std::string_view("servers")},
    std::pair{policy::NamedSet::Kind::site, std::string_view("site")},
    std::pair{policy::NamedSet::Kind::node, std::string_view("node")},
    std::pair{policy::NamedSet::Kind::role, std::string_view("role")},
    std::pair{policy::NamedSet::Kind::endpoint, std::string_view("endpoint")},
    std::pair{policy::NamedSet::Kind::proxy, std::string_view("proxy")},
    std::pair{policy::NamedSet::Kind::literal, std::string_view("literal")}};

inline constexpr std::array rule_kinds{
    std::pair{policy::Rule::Kind::allow, std::string_view("allow")},
    std::pair{policy::Rule::Kind::deny, std::string_view("deny")},
    std::pair{policy::Rule::Kind::exception, std::string_view("except")}};

inline std::string_view word(policy::NamedSet::Kind kind) {
  for (const auto& [known, text] : set_kinds) {
    if (known == kind) return text;
  }
  return {};
}

inline std::string_view word(policy::Rule::Kind kind) {
  for (const auto& [known, text] : rule_kinds) {
    if (known == kind) return text;
  }
  return {};
}

}  // namespace hcipol::report
