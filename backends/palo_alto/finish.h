// What can be said only once all rules of a document are there.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "backends/palo_alto/document.h"

namespace hcipol::backends::palo_alto {

/// What a rule is; no two rules have the same.
struct Identity {
  bool cleanup = false;
  std::string_view flow;  ///< its id
  std::string suffix;     ///< which of the flow's rules

  std::string text() const { return fmt::format("{}\n{}\n{}", cleanup, flow, suffix); }
};

/// Makes the rules' names unique, completes what means all of ICMP, and defines the tags in use.
/// `identities` are those of the rules and then of the clean-up, in their order.
void finish(Document& document, const std::vector<Identity>& identities, std::string_view cluster);

}  // namespace hcipol::backends::palo_alto
