// Turns the policy's sets and services into objects of the device, each only once.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/palo_alto/document.h"
#include "backends/palo_alto/set_names.h"
#include "backends/palo_alto/settings.h"
#include "flow/flow.h"
#include "net/by_service.h"

namespace hcipol::backends::palo_alto {

/// Applications of ours for single ICMP types: "hci-icmp-13", "hci-icmp6-135".
inline constexpr std::string_view icmp_prefix = "hci-icmp-";
inline constexpr std::string_view icmp6_prefix = "hci-icmp6-";

/// A set with wildcards has its names in a URL category. Where all that a rule lets through is
/// matched by it, its other names are not matched by address as well.
enum class NamesBy { address, url };

/// Whether there are any such names as names_by_url() gives.
bool has_names_by_url(const sema::NamedSet& set);
/// The names of a set that only a URL category can match: its patterns, and those right above them.
net::DomainSet names_by_url(const sema::NamedSet& set);

/// What a named set is on the device. At most one of `fault` and `missing_tag` says why it is none.
struct Endpoint {
  bool any = false;
  /// Addresses and exact names, for the source or the destination. Empty for a set of wildcards.
  Members members;
  std::vector<std::string_view> hosts;  ///< of these names the members have the addresses
  /// The URL category with all names of a set with wildcards.
  std::string_view category;
  Where where;
  std::string fault;
  std::string missing_tag;
};

/// What a service set is on the device: ports and applications never share a rule, because a rule
/// matches only what matches both (capirca #272).
struct Services {
  bool any = false;
  const Members* ports = nullptr;         ///< service objects; null for none
  const Members* applications = nullptr;  ///< predefined or of the document; null for none
  bool icmp_only = false;                 ///< of the applications
  std::string fault;
};

class Objects {
 public:
  /// `sets` are all that will be asked for: names must be known not to clash before the first one
  /// is used.
  Objects(const flow::DevicePolicy& device, const Settings& settings,
          const std::vector<const sema::NamedSet*>& sets, Document& document);

  const Endpoint& endpoint(const sema::NamedSet& set, NamesBy by = NamesBy::address);
  /// The addresses that stand in for the names of an endpoint: its own or its service tag's. Null
  /// if it has none.
  const Endpoint* stand_in(const sema::NamedSet& set);
  const Services& services(const net::ServiceSet& set);
  /// Reports the objects of which only one could be written (E0614).
  void report_clashes(EmitContext& context);

 private:
  /// Puts an object under its name, which it returns as the document has it.
  template <class Object>
  std::string_view define(std::map<std::string, Object>& objects, std::string name, Object object);

  void make(const sema::NamedSet& set, NamesBy by, Endpoint& out);
  /// How many names of the set have addresses of their own on the device, or would have.
  std::size_t add_names(const sema::NamedSet& set, NamesBy by, Endpoint& out);
  std::string_view category(const sema::NamedSet& set, std::vector<std::string> entries);
  /// Runs of at most `hosts` addresses become one object each.
  Members address_objects(const net::AddressSet& addresses, std::size_t hosts);
  /// The tag as lists that the device fetches; a fault if a URL would be too long.
  void fetch(const std::string& tag, Endpoint& out);
  /// `always`: even a single member gets a group, since more may come without a change of the
  /// policy.
  Members grouped(const sema::NamedSet& set, Members members, std::string_view suffix, bool always);
  std::string title(const sema::NamedSet& set, std::size_t limit) const;

  void make(const net::ServiceSet& set, Services& out);
  void add_ports(const net::ServiceSet& set, std::uint8_t protocol, Members& out);
  /// False for what PAN-OS cannot match.
  bool add_icmp(const net::ServiceSet& set, std::uint8_t protocol, Members& out);
  void add_protocols(const net::ServiceSet& set, Members& out);
  void add_application(std::string name, Application application, Members& out);

  /// Two things whose shortened names are one.
  struct Clash {
    std::string one;
    std::string other;
    std::string name;
  };

  const Settings& settings_;
  Document& document_;
  std::string cloud_;
  std::string cluster_;
  const net::AddressSet all_addresses_ = net::AddressSet::all();
  SetNames names_;
  std::array<std::unordered_map<const sema::NamedSet*, Endpoint>, 2> endpoints_;  ///< by NamesBy
  std::unordered_map<const sema::NamedSet*, Endpoint> stand_ins_;
  net::ByService<Services> services_;
  std::vector<Clash> clashes_;
};

template <class Object>
std::string_view Objects::define(std::map<std::string, Object>& objects, std::string name,
                                 Object object) {
  // What is not taken in is not moved from.
  const auto [known, fresh] = objects.try_emplace(std::move(name), std::move(object));
  if (!fresh && !known->second.holds_same(object)) {
    clashes_.push_back({known->second.words(), object.words(), known->first});
  }
  return known->first;
}

}  // namespace hcipol::backends::palo_alto
