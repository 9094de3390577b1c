// A set of services as what single rules can match.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include "backends/nftables/document.h"
#include "net/by_service.h"

namespace hcipol::backends::nftables {

/// The services of `set` that packets of the family can have, one element per rule. Not for every
/// service, which no rule need match.
std::vector<Service> rules_of(const net::ServiceSet& set, net::Family family);

/// The services that it matches; null: all.
net::ServiceSet set_of(const Service* service);

/// What rules match of each set of services that occurs, made once: many flows share one.
class ServiceBook {
 public:
  explicit ServiceBook(Document& document) : document_(document) {}

  /// As rules_of(); a null pointer for every service.
  const std::vector<const Service*>& rules(const net::ServiceSet& set, net::Family family) {
    const auto [place, fresh] = entries_[static_cast<std::size_t>(family)].try_emplace(set);
    if (!fresh) return place->second;
    if (set.is_any()) {
      place->second.push_back(nullptr);
      return place->second;
    }
    for (Service& service : rules_of(set, family)) {
      place->second.push_back(&document_.services.emplace_back(std::move(service)));
    }
    return place->second;
  }

 private:
  Document& document_;
  std::array<net::ByService<std::vector<const Service*>>, 2> entries_;  ///< by family
};

}  // namespace hcipol::backends::nftables
