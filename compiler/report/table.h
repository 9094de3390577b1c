// Columns of text, and the lines above them.
#pragma once

#include <string>
#include <vector>

#include "net/service.h"
#include "policy/model.h"

namespace hcipol::report {

/// All rows of a table have one length.
using Row = std::vector<std::string>;

/// Columns are as wide as their longest entry, up to a limit past which only that line is longer.
std::string table(const std::vector<Row>& rows, std::size_t indent);

/// "cluster prod (public, 4 nodes, 2 sites)".
std::string cluster_line(const policy::Cluster& cluster);

/// The members that the language writes one by one: tcp/80 and tcp/443; one of all for a set that
/// leaves some services out.
std::vector<net::ServiceSet> pieces(const net::ServiceSet& set);

}  // namespace hcipol::report
