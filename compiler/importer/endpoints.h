// From rows to endpoints: one host with its services, for some of the clouds.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "importer/findings.h"
#include "importer/table.h"
#include "net/service.h"

namespace hcipol::importer {

struct Endpoint {
  std::string host;  ///< or a pattern
  net::ServiceSet service;
  std::set<std::string> clouds;  ///< as the language calls them; empty: all
  std::string group;             ///< what the list calls the rows that it belongs to; may be empty
  std::string comment;           ///< without line breaks; may be empty
};

/// In the order of the rows. The same host for the same service, group and clouds is there once.
std::vector<Endpoint> endpoints_of(const std::vector<List>& lists, bool widen_globs,
                                   Findings& findings);

}  // namespace hcipol::importer
