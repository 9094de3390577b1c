// The sets of a gateway as ipset and dnsmasq would fill them, from their files.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backends/common/reading.h"

namespace hcipol::backends::iptables {

/// A kernel's sets. Semantics: ipset(8) 7.17, dnsmasq(8) 2.90 and what was measured of them
/// (a domain is itself and all below it; of the lines that match a name the longest counts).
class SetTable {
 public:
  /// Runs the lines of a file for `ipset restore`. Throws Unreadable, as all that follow.
  void restore(std::string_view file, std::string_view text);
  /// `ipset=/domain/set,set` for dnsmasq; the sets must be there, and be learnt ones.
  void learn(std::string_view file, std::string_view text);
  /// The times to live: no answer may stay in a cache for longer than addresses in the sets.
  void read_cache(std::string_view file, std::string_view text);

  /// The members and names of a set, for rules of the family.
  net::PeerSet members(std::string_view name, net::Family family) const;
  bool has(std::string_view name) const { return sets_.contains(name); }
  bool learns() const { return learns_; }
  std::vector<std::string_view> names() const;

 private:
  struct Set {
    std::string_view type;
    net::Family family = net::Family::ipv4;
    std::size_t most = 0;
    unsigned timeout = 0;  ///< seconds; 0 for members that stay
    std::vector<net::AddressRange> members;
    std::vector<net::DomainSet::Entry> names;
    /// The names that its comment says, each with all below it, and whether those are all.
    std::vector<net::DomainPattern> said;
    bool said_all = true;
  };
  using Words = std::vector<std::string_view>;

  void run(const Words& words);
  void say(std::string_view comment);
  void check_said(std::string_view name, const Set& set) const;
  void create(const Words& words);
  void add(const Words& words);
  Set& at(std::string_view name);
  [[noreturn]] void fail(std::string_view what) const;

  std::map<std::string, Set, std::less<>> sets_;
  bool learns_ = false;
  Set said_;               ///< what a comment says of the set in the next line
  std::string said_name_;  ///< "": no comment
  std::string_view file_;
  std::size_t line_ = 0;
};

}  // namespace hcipol::backends::iptables
