// Lists of endpoints imported in memory, and what the features that come of them open.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/session.h"

namespace hcipol::test {

/// A host or pattern, and one service: "tcp/443", "udp/123", "tcp/5000-5099".
using Opened = std::set<std::pair<std::string, std::string>>;

/// `hcipolc import endpoints NAME` with more flags; NAME has this text.
Outcome import_list(const std::string& name, const std::string& text,
                    const std::vector<std::string>& flags = {});

/// What the feature of an imported text lets the servers of a cluster open, where the cluster has
/// this feature and no other. Compiling must succeed, or the test fails.
Opened opened_by(const std::string& imported, const std::string& cloud);

/// "" if both open the same flows; else where they differ. A pattern opens what it covers, and
/// ports count one by one, however they are written.
std::string difference(const Opened& expected, const Opened& actual);

}  // namespace hcipol::test
