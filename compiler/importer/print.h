// Endpoints as a feature, in the language.
#pragma once

#include <string>
#include <vector>

#include "importer/endpoints.h"

namespace hcipol::importer {

struct Naming {
  std::string feature;
  std::string from;  ///< the role that opens the connections
  std::string list;  ///< what the list is called in texts
};

/// One endpoint and one rule for each group, cloud and service, in the order in which they come
/// first. Not in canonical layout.
std::string print(const std::vector<Endpoint>& endpoints, const std::vector<std::string>& left_out,
                  const Naming& naming);

/// A text as a name of the language: "HPE Azure.md" → "hpe-azure-md"; at most `size` characters,
/// `otherwise` if nothing is left.
std::string slug(std::string_view text, std::size_t size, std::string_view otherwise);

}  // namespace hcipol::importer
