// What the facts and the table of deviations ask of a context, and its comparison with what a
// policy opens.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "deviations.h"
#include "facts.h"
#include "library.h"

namespace hcipol::test {

/// What one row, or one addition of the table, is in a context.
struct Asked {
  const Fact* fact = nullptr;          ///< null for an addition
  const Addition* addition = nullptr;  ///< null for a row
  std::string feature;
  std::vector<net::Box> boxes;
  bool listed = false;    ///< the facts alone ask for it here
  bool expected = false;  ///< after the table of deviations
  std::vector<const RowDeviation*> deviations;

  std::string name() const;
};

/// Every row of the context's cloud and region, also of other releases where an entry opens it, and
/// every addition.
std::vector<Asked> asked(const Context& context);

/// Compares feature by feature, in both directions. Rows in `closed` are expected to be closed, by
/// a parameter. Features that are not in `features` are not looked at.
void compare(const Context& context, const std::set<std::string>& features,
             const std::vector<OpenedFlow>& flows, const std::set<std::string>& closed = {});

/// Entries that make a difference in the context: without the entry the feature would have to open
/// something else.
std::set<const void*> entries_at_work(const Context& context);

}  // namespace hcipol::test
