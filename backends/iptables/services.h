// A set of services as what single lines can match.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/iptables/document.h"
#include "net/by_service.h"

namespace hcipol::backends::iptables {

/// The services of `set` that packets of the family can have, one element per line. In `fault`,
/// what iptables cannot match, as the object of "cannot express".
std::vector<Service> lines_of(const net::ServiceSet& set, net::Family family, std::string& fault);

/// The services that it matches.
net::ServiceSet set_of(const Service& service);

/// What lines match of a set of services.
struct ServiceLines {
  std::array<std::span<const Service>, 2> by_family;
  std::string fault;  ///< what iptables cannot match, as the object of "cannot express"

  std::span<const Service> in(net::Family family) const {
    return by_family[static_cast<std::size_t>(family)];
  }
};

/// What lines match of each set of services that occurs, made once: many flows share one.
class ServiceBook {
 public:
  explicit ServiceBook(Document& document) : document_(document) {}

  /// The set must stay.
  const ServiceLines& lines(const net::ServiceSet& set);

 private:
  struct Hash {
    std::size_t operator()(const net::ServiceSet* set) const { return net::ServiceSetHash()(*set); }
  };
  struct Equal {
    bool operator()(const net::ServiceSet* a, const net::ServiceSet* b) const { return *a == *b; }
  };

  std::span<const Service> make(const net::ServiceSet& set, net::Family family, std::string& fault);

  Document& document_;
  std::unordered_map<const net::ServiceSet*, ServiceLines, Hash, Equal> entries_;
};

}  // namespace hcipol::backends::iptables
