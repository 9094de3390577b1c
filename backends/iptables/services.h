// A set of services as what single lines can match.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "backends/iptables/document.h"
#include "net/by_service.h"

namespace hcipol::backends::iptables {

/// The services of `set` that packets of the family can have, one element per line. In `fault`,
/// what iptables cannot match, as the object of "cannot express".
std::vector<Service> lines_of(const net::ServiceSet& set, net::Family family, std::string& fault);

/// The services that it matches.
net::ServiceSet set_of(const Service& service);

/// What lines match of each set of services that occurs, made once: many flows share one.
class ServiceBook {
 public:
  explicit ServiceBook(Document& document) : document_(document) {}

  /// As lines_of().
  const std::vector<const Service*>& lines(const net::ServiceSet& set, net::Family family,
                                           std::string& fault) {
    const auto [place, fresh] = entries_[static_cast<std::size_t>(family)].try_emplace(set);
    Entry& entry = place->second;
    if (fresh) {
      for (Service& service : lines_of(set, family, entry.fault)) {
        entry.lines.push_back(&document_.services.emplace_back(std::move(service)));
      }
    }
    if (!entry.fault.empty()) fault = entry.fault;
    return entry.lines;
  }

 private:
  struct Entry {
    std::vector<const Service*> lines;
    std::string fault;
  };

  Document& document_;
  std::array<net::ByService<Entry>, 2> entries_;  ///< by family
};

}  // namespace hcipol::backends::iptables
