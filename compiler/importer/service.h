// What a row says about ports and protocols, and what that means for a host of it.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "importer/host.h"
#include "importer/table.h"
#include "net/service.h"

namespace hcipol::importer {

/// The port and protocol fields of a row.
struct Ports {
  std::vector<net::PortRange> ranges;  ///< without a protocol of their own
  net::ServiceSet exact;               ///< "udp/123"
  std::set<std::string> protocols;     ///< http, https, tcp, udp
  std::optional<Cell> place;           ///< the first field that says anything
  bool said() const { return !ranges.empty() || !exact.empty(); }
};

/// Nothing if the row is refused. `words` are numbers beside the host, in lists without columns.
std::optional<Ports> read_ports(const Row& row, const std::vector<Cell>& words, Findings& findings);

struct Service {
  net::ServiceSet set;
  bool assumed = false;  ///< neither scheme nor port: tcp/443
};

/// The service of one host; nothing if its scheme and port contradict each other (reported).
std::optional<Service> service_of(const Host& host, const Ports& ports, const Cell& address,
                                  Findings& findings);

}  // namespace hcipol::importer
