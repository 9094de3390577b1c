// A PAN-OS configuration as far as this backend writes one: objects by name, rules in order.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "policy/model.h"

/// Shapes, limits and child order: PAN-OS 10.0 schema, as far as no other source is named. All
/// names and texts in a document are already legal for the device; print() only escapes them.
namespace hcipol::backends::palo_alto {

/// Longest names. Objects and rules: 63; what older parts of PAN-OS name: 31.
inline constexpr std::size_t name_limit = 63;
inline constexpr std::size_t short_name_limit = 31;
inline constexpr std::size_t rule_description_limit = 1024;
inline constexpr std::size_t object_description_limit = 1023;
inline constexpr std::size_t category_description_limit = 255;
inline constexpr std::size_t port_text_limit = 1023;
inline constexpr std::size_t url_entry_limit = 255;
inline constexpr std::size_t list_url_limit = 255;
/// netbox-panorama-configpump #12: `load config partial from` takes no longer file name.
inline constexpr std::size_t file_name_limit = 32;

struct Tag {
  std::string color;
  std::string comments;
};

// Objects of one name must hold the same; what people read of them may differ.

struct Address {
  enum class Kind { netmask, range, fqdn };
  Kind kind = Kind::netmask;
  std::string value;

  bool holds_same(const Address& other) const { return value == other.value; }
  const std::string& words() const { return value; }
};

/// Names of objects or zones, or words like `any`: letters, digits, blanks, `.`, `_` and `-`.
/// Whoever keeps such a list keeps what it names: names of objects are the keys of the document's
/// maps, those of zones the target's settings.
using Members = std::vector<std::string_view>;

/// Always static.
struct AddressGroup {
  Members members;  ///< sorted
  std::string description;

  bool holds_same(const AddressGroup& other) const { return members == other.members; }
  const std::string& words() const { return description; }
};

struct Service {
  const char* protocol = "";  ///< "tcp" or "udp"
  std::string ports;          ///< "445,5000-5099"

  bool holds_same(const Service& other) const { return ports == other.ports; }
  const std::string& words() const { return ports; }
};

/// An application that is told by numbers in the headers alone.
struct Application {
  enum class Ident { ip_protocol, icmp_type, icmp6_type };
  Ident ident = Ident::ip_protocol;
  std::uint8_t number = 0;  ///< the protocol or the ICMP type, with every code
};

/// A custom URL category of type "URL List".
struct UrlCategory {
  std::vector<std::string> entries;  ///< sorted; each ends with a slash
  std::string description;

  bool holds_same(const UrlCategory& other) const { return entries == other.entries; }
  const std::string& words() const { return description; }
};

/// A list of addresses that the device fetches every hour (an external dynamic list).
struct ExternalList {
  std::string url;
  std::string certificate_profile;  ///< empty for none

  bool holds_same(const ExternalList& other) const { return url == other.url; }
  const std::string& words() const { return url; }
};

/// Where a file's objects and rules stand.
struct Location {
  /// `shared` is Panorama's: rules before and after those of every device group.
  enum class Rules { vsys, device_group, shared };

  Rules rules = Rules::vsys;
  std::string name;             ///< of the virtual system or the device group
  bool named = false;           ///< the target says `vsys`: the command line wants it said, too
  bool shared_objects = false;  ///< objects stand in `shared`, wherever the rules are
  /// The rule bases of rules and clean-up: "rulebase", "pre-rulebase", "post-rulebase".
  std::string rulebase = "rulebase";
  std::string cleanup_rulebase = "rulebase";

  bool panorama() const { return rules != Rules::vsys; }
};

/// Rules share lists, which the document owns. They are sorted; `any` stands alone.
struct SecurityRule {
  std::string name;
  const Members* from = nullptr;
  const Members* to = nullptr;
  const Members* source = nullptr;
  const Members* destination = nullptr;
  const Members* service = nullptr;
  const Members* category = nullptr;
  const Members* application = nullptr;
  std::string description;
  bool allow = true;
  bool exception = false;
  enum class Type { universal, intrazone, interzone };
  Type type = Type::universal;
  bool log_start = false;
  /// Outside of it the rule matches nothing; "" for always. A key of the document's.
  std::string_view schedule;
  const policy::Rule* origin = nullptr;  ///< null for the clean-up
};

/// The tag of rules that are exceptions.
inline constexpr std::string_view exception_tag = "hcipol-exception";

struct Document {
  std::string file_name;
  bool set_commands = false;  ///< as commands for the command line, not as XML
  std::string version;
  Location location;
  std::string log_setting;    ///< of every rule; empty for none
  std::string profile_group;  ///< of every rule that allows; empty for none
  std::string before;         ///< a rule of the device that ours go before; empty for the top

  std::map<std::string, Tag> tags;
  std::map<std::string, Address> addresses;
  std::map<std::string, AddressGroup> address_groups;
  std::map<std::string, Service> services;
  std::map<std::string, Application> applications;
  std::map<std::string, UrlCategory> url_categories;
  std::map<std::string, ExternalList> external_lists;
  std::map<std::string, Date> schedules;  ///< by name: the last day
  std::string object_tag;                 ///< of every object
  std::string cluster_tag;                ///< of objects that belong to the cluster

  std::vector<SecurityRule> rules;
  std::vector<SecurityRule> cleanup;  ///< after the rules; perhaps in another rule base
  bool denies_rest = true;            ///< whether there is to be such a clean-up
  std::vector<std::string> denied;    ///< what the clean-up denies: "any -> servers"

  bool opens_by_name = false;  ///< whether a rule allows what goes to an FQDN object

  // Owners of what the rules point to.
  std::deque<policy::Rule> parts;  ///< origins that are not the policy's
  std::deque<Members> lists;
  std::deque<Members> application_lists;
  std::set<std::string, std::less<>> app_ids;  ///< names of predefined applications
};

}  // namespace hcipol::backends::palo_alto
