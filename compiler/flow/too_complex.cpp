// Ranks rules by what they add to a packet set, and says so at their places.
#include "flow/too_complex.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "flow/flow.h"
#include "support/text.h"

namespace hcipol::flow {

namespace {

constexpr std::size_t most_rules = 3;

std::size_t parts(const net::PeerSet& set) {
  return set.addresses.ranges().size() + set.names.entries().size() + (set.names.others() ? 1 : 0);
}

struct Width {
  const policy::Rule* rule;
  std::size_t from;
  std::size_t to;
  std::size_t service;

  std::size_t combinations() const { return from * to * service; }
};

std::string text(const Width& width) {
  return fmt::format("rule `{}`: {}, {}, {} of services", width.rule->address,
                     counted(width.from, "source"), counted(width.to, "destination"),
                     counted(width.service, "range"));
}

}  // namespace

void report_too_complex(const policy::Cluster& cluster, Reporter& reporter) {
  std::vector<Width> widths;
  for (const policy::Rule& rule : cluster.rules) {
    widths.push_back({&rule, parts(peers(rule.from.parts)), parts(peers(rule.to.parts)),
                      rule.service.ranges().size()});
  }
  // Rules are sorted by address, which decides between equally wide ones.
  std::stable_sort(widths.begin(), widths.end(), [](const Width& a, const Width& b) {
    return a.combinations() > b.combinations();
  });
  if (widths.size() > most_rules) widths.resize(most_rules);

  auto report = reporter.report<Diag::set_too_complex>(cluster.span, cluster.name);
  for (const Width& width : widths) report.label(width.rule->origin.span, text(width));
  report.help("let rules have their sources, destinations or services in common");
}

}  // namespace hcipol::flow
