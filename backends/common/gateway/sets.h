// The sets of a Linux gateway as values: prefixes in rules, lists of prefixes, and what dnsmasq
// fills.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "net/address_set.h"
#include "net/domain_set.h"

namespace hcipol::backends::gateway {

/// How a rule recognises its packets' source or destination.
struct Match {
  enum class Kind { prefix, list, learnt };
  Kind kind = Kind::prefix;
  std::string text;  ///< "10.0.0.0/28", or the name of the set
  /// All its packets are from or to one of these, which are disjoint: the prefix, or the few that a
  /// whole list lies in. None if that may change without the policy.
  std::vector<net::Cidr> within = {};
};

/// A set whose members the policy gives.
struct AddressList {
  std::string name;
  net::Family family = net::Family::ipv4;
  std::vector<net::Cidr> members;
};

/// A set that dnsmasq fills with the addresses that it hands out, each with a timeout.
struct LearntSet {
  std::string name;
  net::Family family = net::Family::ipv4;
  std::string title;                        ///< "hci/aad-authority", for people
  std::vector<net::DomainPattern> domains;  ///< whose addresses those are
};

/// `ipset=/domain/set,…` or `nftset=/domain/set,…`: the domain and all below it, unless a longer
/// line matches.
struct DomainLine {
  std::string domain;
  std::vector<std::string_view> sets;  ///< as dnsmasq refers to them
};

struct Sets {
  std::vector<AddressList> lists;
  std::vector<LearntSet> learnt;
  std::vector<DomainLine> domains;

  // Owners of what rules and lines for domains point to.
  std::deque<Match> matches;
  std::deque<std::string> references;  ///< to learnt sets
};

/// Without the prefixes that lie within others. Neighbours are not joined: one more leaves the rest
/// alone.
std::vector<net::Cidr> outermost(std::vector<net::Cidr> prefixes);

/// Entries of learnt sets must outlive every cached answer, since an answer from a cache does not
/// renew them.
inline constexpr unsigned learnt_seconds = 86400;
inline constexpr unsigned cache_seconds = 3600;
/// dnsmasq 2.90 does not start with a longer line.
inline constexpr std::size_t max_dnsmasq_line = 1024;

}  // namespace hcipol::backends::gateway
