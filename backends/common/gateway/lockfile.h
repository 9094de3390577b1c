// Addresses of host names as somebody looked them up and committed them: nothing is looked up here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/reporter.h"
#include "net/address_set.h"
#include "net/domain_set.h"
#include "policy/model.h"
#include "support/date.h"

namespace hcipol::backends::gateway {

/// One `date YYYY-MM-DD`, then a line for each name: the name as the policy writes it (also a
/// pattern), and its addresses or prefixes, all between single blanks. `#` begins a comment line.
struct LockedNames {
  std::string path;  ///< for people
  FileId file = FileId::no_file;
  Date date{};
  std::map<net::DomainPattern, net::AddressSet> addresses;

  /// Names beside `names` that have some of the addresses as well.
  std::vector<net::DomainPattern> sharers(const net::AddressSet& addresses,
                                          const net::DomainSet& names) const;
};

/// Reports at its place what is no such line, a name that stands twice or has no address, and a
/// date that is missing, after `today` or more than `days` before it; nothing then.
std::optional<LockedNames> read_lockfile(const policy::OptionText& file, Date today, long days,
                                         Reporter& reporter);

}  // namespace hcipol::backends::gateway
