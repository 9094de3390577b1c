// Lists of addresses, ports and types as sets, by what Windows takes them for.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "backends/common/reading.h"
#include "backends/windows_firewall/read_script.h"

namespace hcipol::backends::windows_firewall {

using TextList = std::vector<const std::string*>;

/// Lists are understood once for all scripts of a cluster. What Windows would refuse fails in the
/// table that it is from.
class ScriptLists {
 public:
  explicit ScriptLists(DeviceReading& out) : out_(out) {}

  const net::PeerSet* addresses(ScriptTable& rule, const TextList& texts);
  /// Those of a dynamic keyword, which may be many.
  const net::PeerSet* keyword_addresses(ScriptTable& keyword, const TextList& texts);
  const net::PeerSet* names(net::DomainSet set);
  /// All of them, at least one.
  const net::PeerSet* united(const std::vector<const net::PeerSet*>& parts);
  const net::ServiceSet* service(ScriptTable& rule, const std::string& protocol,
                                 const TextList& ports, const TextList& types);

 private:
  DeviceReading& out_;
  std::unordered_map<std::string, const net::PeerSet*> peers_;
  std::unordered_map<std::string, const net::ServiceSet*> services_;
};

}  // namespace hcipol::backends::windows_firewall
