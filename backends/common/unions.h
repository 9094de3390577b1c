// Unions of named sets: most flows share theirs with others, so a device's form of each is made
// once.
#pragma once

#include <cstddef>
#include <functional>
#include <unordered_map>
#include <vector>

#include "flow/flow.h"

namespace hcipol::backends {

using Union = std::vector<const flow::NamedSet*>;

struct UnionHash {
  std::size_t operator()(const Union& sets) const {
    std::size_t sum = 0;
    for (const flow::NamedSet* set : sets) {
      sum = sum * 31 + std::hash<const flow::NamedSet*>()(set);
    }
    return sum;
  }
};

/// References to what it holds stay valid.
template <class T>
using ByUnion = std::unordered_map<Union, T, UnionHash>;

}  // namespace hcipol::backends
