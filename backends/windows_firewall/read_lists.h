// Lists of addresses, ports and types as sets, by what Windows takes them for.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backends/common/reading.h"
#include "backends/windows_firewall/read_script.h"

namespace hcipol::backends::windows_firewall {

/// Lists are understood once for all scripts of a cluster, which must live as long: they are known
/// again by how they are written. What Windows would refuse fails in the table that it is from.
class ScriptLists {
 public:
  explicit ScriptLists(DeviceReading& out) : out_(out) {}

  const net::PeerSet* addresses(ScriptTable& rule, const ScriptValue& list);
  /// Those of a dynamic keyword, which may be many.
  const net::PeerSet* keyword_addresses(ScriptTable& keyword, const ScriptValue& list);
  const net::PeerSet* names(net::DomainSet set);
  /// All of them, at least one.
  const net::PeerSet* united(const std::vector<const net::PeerSet*>& parts);
  /// Null for no list.
  const net::ServiceSet* service(ScriptTable& rule, std::string_view protocol,
                                 const ScriptValue* ports, const ScriptValue* types);

 private:
  DeviceReading& out_;
  std::unordered_map<std::string_view, const net::PeerSet*> peers_;
  std::unordered_map<std::string, const net::ServiceSet*> services_;
  std::string service_;  ///< how the one that is looked for is written
};

}  // namespace hcipol::backends::windows_firewall
