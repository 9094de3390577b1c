// Maps whose keys are sets of services: most rules share theirs with others, so what is made of
// each is made once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "net/service.h"
#include "support/hash.h"

namespace hcipol::net {

struct ServiceSetHash {
  std::size_t operator()(const ServiceSet& set) const {
    std::uint64_t hash = 0;
    for (const ServiceRange& range : set.ranges()) {
      mix(hash, std::uint64_t{range.first} << 32 | range.last);
    }
    return static_cast<std::size_t>(hash);
  }
};

/// Without an order. References to what it holds stay valid.
template <class T>
using ByService = std::unordered_map<ServiceSet, T, ServiceSetHash>;

}  // namespace hcipol::net
