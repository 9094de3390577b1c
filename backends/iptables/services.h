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

/// What lines match of a set of services.
struct ServiceLines {
  std::array<std::vector<const Service*>, 2> own;  ///< by family
  bool alike = false;                              ///< IPv6's are those of IPv4
  std::string fault;  ///< what iptables cannot match, as the object of "cannot express"

  const std::vector<const Service*>& in(net::Family family) const {
    return own[alike ? 0 : static_cast<std::size_t>(family)];
  }
};

/// What lines match of each set of services that occurs, made once: many flows share one.
class ServiceBook {
 public:
  explicit ServiceBook(Document& document) : document_(document) {}

  const ServiceLines& lines(const net::ServiceSet& set);

 private:
  void add(const net::ServiceSet& set, net::Family family, ServiceLines& out);

  Document& document_;
  net::ByService<ServiceLines> entries_;
};

}  // namespace hcipol::backends::iptables
