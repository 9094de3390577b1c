// Host names as dnsmasq takes them: `ipset=/domain/sets`, of which only the longest match counts.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backends/iptables/document.h"
#include "backends/iptables/peers.h"

namespace hcipol::backends::iptables {

/// What names beyond `names` a device takes that can only say "a domain and all below it".
net::DomainSet below(const net::DomainSet& names);
/// The same as a sentence; "" if there are none. A long list is shortened unless `all`.
std::string widening(const net::DomainSet& more, bool all);

/// Collects which sets each domain fills. dnsmasq 2.90: a domain means itself and all below it; of
/// several lines that match a name only the longest counts; of two lines for a domain only the
/// first. So a domain's line names the sets of its parents, too.
class Domains {
 public:
  void add(const Peer& peer, const std::string& set);

  /// Parents before what is below them. Reports a line that would be too long (E0613).
  std::vector<DomainLine> lines(EmitContext& context) const;

 private:
  struct Entry {
    std::vector<std::string> sets;
    Span span;  ///< of the first peer with this domain
  };

  struct BySuffix {
    bool operator()(const net::DomainPattern& a, const net::DomainPattern& b) const {
      return net::by_suffix(a, b) < 0;
    }
  };

  std::map<net::DomainPattern, Entry, BySuffix> domains_;
};

}  // namespace hcipol::backends::iptables
