// Text in columns.
#include "report/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/text.h"

namespace hcipol::report {

std::string table(const std::vector<Row>& rows, std::size_t indent) {
  constexpr std::size_t widest = 48;
  std::vector<std::size_t> width(rows.empty() ? 0 : rows.front().size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::size_t length = code_points(row[i]);
      if (length <= widest) width[i] = std::max(width[i], length);
    }
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 == row.size()) break;
      const std::size_t length = code_points(row[i]);
      line.append(width[i] > length ? width[i] - length : 0, ' ');
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string cluster_line(const policy::Cluster& cluster) {
  std::string sites;
  if (!cluster.sites.empty()) sites = fmt::format(", {}", counted(cluster.sites.size(), "site"));
  return fmt::format("cluster {} ({}, {}{})\n", cluster.name, cluster.cloud,
                     counted(cluster.nodes.size(), "node"), sites);
}

std::vector<net::ServiceSet> pieces(const net::ServiceSet& set) {
  if (net::to_string(set).find(" except ") != std::string::npos) return {set};
  std::vector<net::ServiceSet> out;
  for (const std::uint8_t protocol : set.protocols()) {
    const net::ServiceSet own = set.only(protocol);
    if (set.contains_whole(protocol)) {
      out.push_back(own);
      continue;
    }
    for (const net::ServiceRange& range : own.ranges()) {
      out.push_back(net::ServiceSet::of({range}));
    }
  }
  return out;
}

}  // namespace hcipol::report
