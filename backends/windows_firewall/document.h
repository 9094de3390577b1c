// What a Windows Firewall script is made of: rules, address lists and host names, ready to print.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backends/windows_firewall/builtin.h"
#include "backends/windows_firewall/proxy.h"
#include "net/by_service.h"
#include "policy/model.h"

namespace hcipol::backends::windows_firewall {

/// A list of addresses as Windows takes them: "10.0.0.1", "10.0.0.0/28", "10.0.0.4-10.0.0.6".
struct AddressList {
  std::vector<std::string> entries;
  /// The name under which the script keeps the list beside the rules; empty for a list that is
  /// short enough to stand in each rule.
  std::string key;
  std::string hash;   ///< of the entries
  std::string place;  ///< of one of several that a union is cut into: ", addresses 1001-2000"
};

/// A set of address families.
using Families = unsigned;
inline constexpr Families v4 = 1;
inline constexpr Families v6 = 2;
inline constexpr Families both = v4 | v6;

/// What one rule matches of a packet beside its addresses.
struct Match {
  std::string protocol;                 ///< "Any", "TCP", "ICMPv6", "47"
  Families families = both;             ///< in which the protocol exists
  std::vector<std::string> ports;       ///< of the serving side: "443", "5000-5099"; empty for all
  std::vector<std::string> icmp_types;  ///< "8", "3:4"; empty for every type
  net::ServiceSet service;              ///< the same as a set
};

/// An object of Windows that rules refer to for addresses (a dynamic keyword address).
struct Keyword {
  std::string id;    ///< a GUID in braces
  std::string name;  ///< a host name or pattern, which Windows resolves, or a service tag
  const AddressList* addresses = nullptr;  ///< of a service tag: of any length
};

/// What people read about a rule, and what Windows shows of it: escaped(), see script_text.h.
struct Texts {
  Texts() = default;
  Texts(const Texts&) = delete;
  Texts& operator=(const Texts&) = delete;

  std::string_view title;    ///< with which display names begin
  std::string_view address;  ///< in the policy, with which they end; empty if it is the title
  std::string_view description;
  std::string_view hash;  ///< of all of them, and of what all rules of the document have
  std::string all;        ///< what they are parts of
};

struct Peers;

/// What all else that rules of several servers have in common follows from.
struct Shape {
  const policy::Rule* source = nullptr;  ///< never null
  const Match* match = nullptr;          ///< never null
  Peers* peers = nullptr;                ///< the other side, never null
  const AddressList* remote = nullptr;   ///< of it; null for every address, and for keywords
  // What tells it from others for the same service.
  const AddressList* at = nullptr;  ///< the server's own addresses if it has more of the family
  std::string_view by;              ///< ", by name", ", by service tag"; empty if by addresses
  std::string_view family;          ///< ", IPv4" where the server and the other side may have both
  bool inbound = true;
  bool block = false;

  friend bool operator==(const Shape&, const Shape&) = default;
};

/// What rules have in common that differ in their server, its addresses and the flow's id only.
struct Form {
  Shape shape;
  std::size_t number = 0;                ///< among the document's
  std::string display_name;              ///< escaped()
  const Texts* texts = nullptr;          ///< never null
  std::vector<std::string> keyword_ids;  ///< instead of Shape::remote
};

/// One rule of Windows Firewall: the arguments of New-NetFirewallRule. All text is printable ASCII.
struct Rule {
  std::string name;
  const Form* form = nullptr;          ///< never null
  const AddressList* local = nullptr;  ///< the server's own addresses, never null
};

/// A rule of Windows' own that is enabled in place of a rule of the policy.
struct BuiltinUse {
  const BuiltinRule* builtin = nullptr;  ///< never null
  const policy::Rule* source = nullptr;
};

/// The script of one server.
struct Script {
  std::string file;    ///< "e1.ps1"
  std::string server;  ///< the policy's name of it
  const policy::Node* node = nullptr;
  const AddressList* addresses = nullptr;
  std::vector<Keyword> keywords;     ///< sorted by name
  std::vector<Rule> rules;           ///< unique names
  std::vector<BuiltinUse> builtins;  ///< sorted by name, then by rule
  /// Rules of the policy that this script does not carry, with the reason: for its reader.
  std::vector<std::string> left_out;
};

struct Document {
  std::string
      policy;  ///< name of the policy, "" without one; printable ASCII like all that follows
  std::string cluster;
  std::string group;
  std::string name_prefix;  ///< with which every rule's name begins
  std::string profile;      ///< "Any", "Domain, Private"
  bool lock_down = false;   ///< the profiles' default outbound action becomes Block
  ProxySettings proxy;
  std::vector<Script> scripts;
  // Owners of what the rules point to.
  std::deque<AddressList> lists;
  std::unordered_map<const policy::Rule*, Texts> texts;
  std::deque<Form> forms;
  net::ByService<std::vector<Match>> matches;
  std::deque<std::vector<Match>> rests;  ///< of matches, without what Windows' own rules are for
  std::deque<policy::Rule> parts;        ///< sources that are not the policy's
};

}  // namespace hcipol::backends::windows_firewall
