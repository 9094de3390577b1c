// What the policy's sets are called on the device.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/palo_alto/cleanup.h"
#include "flow/flow.h"
#include "sema/named_set.h"

namespace hcipol::backends::palo_alto {

/// Each once, in the order in which they are first met.
std::vector<const sema::NamedSet*> all_sets(const std::vector<flow::Flow>& flows,
                                            const std::vector<Scope>& scopes);

/// Up to this many addresses in a row are hosts of their own.
std::size_t hosts_apart(sema::NamedSet::Kind kind);

class SetNames {
 public:
  /// `sets` are all that will be asked for: names must be known not to clash before the first one
  /// is used.
  SetNames(const std::vector<const sema::NamedSet*>& sets, std::string prefix);

  /// Not yet shortened.
  std::string of(const sema::NamedSet& set) const;

 private:
  /// Sets that want names which the device does not tell apart. Those of one name and one content
  /// may share an object: `servers` and its copy for this device.
  struct Owners {
    const sema::NamedSet* first = nullptr;
    bool clash = false;
    bool mixed = false;  ///< the same addresses, listed in two ways, are two objects

    void add(const sema::NamedSet& set);
  };

  std::string prefix_;
  std::unordered_map<std::string, Owners> owners_;  ///< by slug, in lower case
};

}  // namespace hcipol::backends::palo_alto
