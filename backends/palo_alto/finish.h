// What can be said only once all rules of a document are there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backends/palo_alto/document.h"

namespace hcipol::backends::palo_alto {

/// Makes the rules' names unique, completes what means all of ICMP, and defines the tags in use.
/// `identities` says what each rule is, in the order of the rules and then of the clean-up; no two
/// are equal.
void finish(Document& document, const std::vector<std::string>& identities,
            std::string_view cluster);

}  // namespace hcipol::backends::palo_alto
