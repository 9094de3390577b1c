// An invariant that is waived must not look like one that holds.
#include "report/invariants.h"

#include <fmt/format.h>

#include <set>

#include "support/text.h"

namespace hcipol::report {

std::string invariants_text(std::size_t invariants, std::span<const verify::Waived> waived) {
  if (invariants == 0) return "";
  std::set<std::string> broken;
  std::string lines;
  for (const verify::Waived& entry : waived) {
    broken.insert(entry.invariant);
    lines += fmt::format("  {} in cluster {}: waived by exception {} until {}\n", entry.invariant,
                         entry.cluster, entry.exception, to_string(entry.expires));
  }
  const std::size_t kept = invariants - broken.size();
  std::string out = fmt::format("{} hold{}", counted(kept, "invariant"), kept == 1 ? "s" : "");
  if (!broken.empty()) out += fmt::format(", {} waived", broken.size());
  return out + "\n" + lines;
}

}  // namespace hcipol::report
