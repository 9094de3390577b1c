// A flow that somebody asks about, written in the language beside the policy.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/pipeline.h"

namespace hcipol::driver {

/// The flow as one cluster reads it.
struct Question {
  std::size_t cluster = 0;  ///< index in policy.clusters
  std::optional<sema::Flow> flow;
  std::string missing;  ///< without a flow: what this cluster does not have, as a sentence
};

/// Words of a text that may be names; the loader reads what they stand for.
std::vector<std::string> names_in(std::string_view text);

/// Reads the text in the scope of each of the clusters. Mistakes are reported with the file
/// `<flow>`. What only some clusters lack (a node, a role) is an answer for those and no mistake.
/// Empty if something was reported. Must come before emit(), which drops the trees.
std::vector<Question> ask(Compilation& compilation, const std::string& text,
                          const std::vector<std::size_t>& clusters);

}  // namespace hcipol::driver
