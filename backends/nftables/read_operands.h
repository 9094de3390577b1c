// What rules of a table name, as sets of packets.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/common/gateway/read_dnsmasq.h"
#include "backends/nftables/read_table.h"
#include "net/by_service.h"

namespace hcipol::backends::nftables {

/// How dnsmasq refers to a set: "4#inet#TABLE#SET".
std::string reference_to(std::string_view table, std::string_view set, std::string_view type);

/// The operands of rules, each made once.
class Operands {
 public:
  /// All of them must stay.
  Operands(const Table& table, const gateway::LearntNames& names, DeviceReading& out)
      : table_(table), names_(names), out_(out) {}

  /// Of "@set", "prefix" or "{ prefix, prefix }"; null for "".
  const net::PeerSet* peers(std::string_view text, net::Family family, std::size_t line);
  const net::ServiceSet* service(const net::ServiceSet& set);

 private:
  net::PeerSet members(std::string_view name, net::Family family, std::size_t line);
  net::AddressSet prefixes(std::string_view text, net::Family family, std::size_t line) const;
  void disjoint(std::vector<net::AddressRange> ranges, std::size_t line) const;

  const Table& table_;
  const gateway::LearntNames& names_;
  DeviceReading& out_;
  std::map<std::pair<std::string_view, net::Family>, const net::PeerSet*> peers_;
  net::ByService<const net::ServiceSet*> services_;
};

}  // namespace hcipol::backends::nftables
