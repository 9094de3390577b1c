// The objects of a configuration as sets of packets.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backends/common/reading.h"
#include "backends/palo_alto/read_xml.h"

namespace hcipol::backends::palo_alto {

/// What the members of rules stand for. Throws Unreadable.
class ObjectReader {
 public:
  /// `family`: lists that a device fetches for the other family only are empty.
  ObjectReader(std::string_view file, const ReadContext& context, net::Family family)
      : file_(file), context_(context), family_(family) {}

  /// Reads the sections of objects below a virtual system or a device group.
  void read(Elements& base);
  /// Whether some lists are for one family, so that the families must be read apart.
  bool by_family() const { return by_family_; }

  /// MemberNames of `source` or `destination`; nothing for `any`.
  std::optional<net::PeerSet> peers(const MemberNames& members) const;
  /// MemberNames of `category`; nothing for `any`.
  std::optional<net::DomainSet> categories(const MemberNames& members) const;
  /// What a rule's `service` and `application` match together: a packet must be in both. Nothing
  /// for everything. What a predefined application beside ports matches is taken to be all of the
  /// ports, if one of the rule's applications is known to be spoken on each: what is sent there by
  /// something else is no question of headers, and an allow that asks for it only allows less.
  std::optional<net::ServiceSet> services(const MemberNames& services,
                                          const MemberNames& applications, bool allow) const;
  void check_tag(std::string_view name) const;
  /// The last day on which a rule with this schedule matches anything. It does so from the day on
  /// which any policy was built.
  Date last_day(std::string_view schedule) const;

 private:
  void read_tags(pugi::xml_node section);
  void read_addresses(pugi::xml_node section);
  void read_groups(pugi::xml_node section);
  void read_applications(pugi::xml_node section);
  void read_services(pugi::xml_node section);
  void read_lists(pugi::xml_node section);
  void read_schedules(pugi::xml_node section);
  void read_categories(pugi::xml_node profiles);
  void check_tags(Elements& entry) const;
  net::PeerSet fetched(std::string_view url);
  net::ServiceSet ports(std::uint8_t protocol, std::string_view text) const;
  net::ServiceSet application(std::string_view name) const;
  /// The ports on which an App-ID is known to be spoken.
  net::ServiceSet recognised_on(std::string_view name) const;
  /// Every ICMP type of the protocol that is no application of its own.
  net::ServiceSet rest_of_icmp(std::uint8_t protocol, std::uint8_t echo_request) const;
  /// What the members are. None for "any".
  template <class Set>
  std::optional<std::vector<const Set*>> found(
      const std::unordered_map<std::string_view, Set>& known, std::string_view what,
      const MemberNames& members) const;
  [[noreturn]] void fail(std::string_view what) const { throw Unreadable(file_, 0, what); }

  std::string_view file_;
  const ReadContext& context_;
  net::Family family_;
  bool by_family_ = false;
  std::set<std::string_view> tags_;
  std::map<std::string_view, Date> schedules_;
  std::unordered_map<std::string_view, net::PeerSet> peers_;
  std::unordered_map<std::string_view, net::ServiceSet> services_;
  std::map<std::string_view, net::ServiceSet> applications_;
  net::ServiceSet custom_;  ///< what custom applications take away from the predefined ones
  std::unordered_map<std::string_view, net::DomainSet> categories_;
};

}  // namespace hcipol::backends::palo_alto
