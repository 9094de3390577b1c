// What a line of iptables matches of a service.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "net/service.h"

namespace hcipol::backends::iptables {

/// The words of a line, as they stand in the file; empty where it says nothing.
struct ServiceWords {
  bool negated = false;       ///< every protocol but this one
  std::string_view protocol;  ///< of -p
  std::string_view ports;     ///< of --dport or --dports
  std::string_view type;      ///< of --icmp-type or --icmpv6-type

  bool operator==(const ServiceWords&) const = default;
};

struct ServiceHash {
  std::size_t operator()(const ServiceWords& words) const;
};

/// Semantics: iptables-extensions(8). In `fault`, what the tools would refuse or what is not known.
net::ServiceSet service_of(const ServiceWords& words, std::string& fault);

}  // namespace hcipol::backends::iptables
