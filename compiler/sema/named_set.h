// A set of peers under the name that the policy gives it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/peer_set.h"
#include "support/span.h"

namespace hcipol::sema {

/// A role, site, node, endpoint, literal … It is made once per cluster and referred to by pointer,
/// so that sets are never copied and devices can turn each into one object of theirs.
struct NamedSet {
  enum class Kind { any, internet, private_, servers, site, node, role, endpoint, proxy, literal };

  Kind kind = Kind::literal;
  /// As the policy writes it: "management", "hci/aad-authority", "site.east", "10.0.7.0/27",
  /// "*.powershellgallery.com", "any except servers".
  std::string name;
  std::string title;
  /// What it denotes. An endpoint denotes its names if it has any, else its addresses, else its
  /// service tag (as the pseudo-name tag_name(tag), which no host can have).
  net::PeerSet set;
  /// The other representations of an endpoint, from which a device takes the most exact that it can
  /// express: a service tag, the tag's prefixes (if the policy reads a service tag file),
  /// addresses.
  std::string tag;
  net::AddressSet tag_addresses;
  net::AddressSet addresses;
  Span span;

  /// Host names or patterns that a device would have to match as names. Every name at once (`any`,
  /// `internet`) is none: such a set is given by its addresses.
  bool has_names() const { return !set.names.empty() && !set.names.others() && !is_tag_only(); }
  /// An endpoint that is known by its service tag alone.
  bool is_tag_only() const {
    return !tag.empty() && set.addresses.empty() && set.names.entries().size() == 1 &&
           set.names.entries().front().pattern == tag_name(tag);
  }

  static constexpr std::string_view tag_prefix = "!tag.";
  static net::DomainPattern tag_name(const std::string& tag) {
    return {std::string(tag_prefix) + tag, false};
  }
};

/// What the sets denote together.
net::PeerSet union_of(const std::vector<const NamedSet*>& sets);

/// One side of a flow: a union of named sets. `a except b` has become a set of its own.
struct Peers {
  std::vector<const NamedSet*> parts;

  net::PeerSet set() const { return union_of(parts); }
};

}  // namespace hcipol::sema
