// Host names as dnsmasq takes them: `ipset=/domain/sets` or `nftset=`, of which only the longest
// match counts.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "backends/common/gateway/peers.h"

namespace hcipol::backends::gateway {

/// What names beyond `names`, a union of patterns, a device takes that can only say "a domain and
/// all below it"; sorted.
std::vector<net::DomainPattern> below(const net::DomainSet& names);
/// The same as a sentence; "" if there are none. A long list is shortened unless `all`.
std::string widening(const std::vector<std::string>& more, bool all);

/// Collects which sets each domain fills. dnsmasq 2.90: a domain means itself and all below it; of
/// several lines that match a name only the longest counts; of two lines for a domain only the
/// first. So a domain's line names the sets of its parents, too.
class Domains {
 public:
  /// The lines will point to `references`. The peers must stay until lines() has been called.
  Domains(const Settings& settings, const Dialect& dialect, std::deque<std::string>& references)
      : settings_(settings), dialect_(dialect), references_(references) {}

  void add(const Peer& peer, const LearntSet& set);

  /// Parents before what is below them. Reports a line that would be too long (E0613).
  std::vector<DomainLine> lines(EmitContext& context);

 private:
  /// A domain of a peer, and the set that its addresses go to.
  struct Entry {
    std::string_view domain;
    std::string_view set;
    const Peer* peer;
  };

  std::size_t length_of(const DomainLine& line) const;

  const Settings& settings_;
  const Dialect& dialect_;
  std::deque<std::string>& references_;
  std::vector<Entry> entries_;
};

/// dnsmasq.conf and dnsmasq-cache.conf; nothing if there are no domains. `heading` begins the
/// first.
std::vector<Artefact> print_domains(const Sets& sets, const Dialect& dialect,
                                    const std::string& base, std::string heading);

}  // namespace hcipol::backends::gateway
