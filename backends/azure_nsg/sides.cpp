// Sources: "Network security groups" and "Service tags" of Azure's documentation, the REST
// reference of security rules (2025-05-01), and "What is IPv6 for Azure Virtual Network?" for
// ICMPv6.
#include "backends/azure_nsg/sides.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "backends/common/arm/naming.h"
#include "backends/common/stand_ins.h"

namespace hcipol::backends::azure_nsg {

namespace {

constexpr std::uint8_t esp = 50;
constexpr std::uint8_t ah = 51;

class SideReader {
 public:
  SideReader(const flow::Flow& flow, bool source, EmitContext& context)
      : flow_(flow), source_(source), context_(context) {}

  std::optional<Side> read() {
    for (const policy::NamedSet* set : source_ ? flow_.from : flow_.to) {
      if (!add(*set)) return std::nullopt;
    }
    std::sort(side_.tags.begin(), side_.tags.end());
    side_.tags.erase(std::unique(side_.tags.begin(), side_.tags.end()), side_.tags.end());
    return std::move(side_);
  }

 private:
  bool add(const policy::NamedSet& set) {
    side_.addresses = side_.addresses | set.set.addresses;
    if (set.set.names.empty() || set.set.names.is_all()) return true;
    if (!set.set.names.is_union()) return refuse(set);
    bool names = false;
    for (const net::DomainPattern& pattern : set.set.names.patterns()) {
      if (!pattern.name.starts_with(policy::NamedSet::tag_prefix)) {
        names = true;
      } else if (!add_tag(set, pattern.name.substr(policy::NamedSet::tag_prefix.size()))) {
        return false;
      }
    }
    return !names || by_other_means(set);
  }

  bool refuse(const policy::NamedSet& set) {
    context_.cannot(flow_, title, fmt::format("`{}`", set.name))
        .note("security rules know addresses and service tags, and no host names")
        .help("leave this flow to a firewall: say in the target what it `sees`");
    return false;
  }

  bool add_tag(const policy::NamedSet& set, const std::string& tag) {
    if (arm::is_tag(tag)) {
      side_.tags.push_back(tag);
      return true;
    }
    if (set.tag_addresses.empty()) {
      context_.reporter().report<Diag::no_service_tags>(context_.place(flow_.rule), title, tag);
      return false;
    }
    side_.addresses = side_.addresses | set.tag_addresses;
    return true;
  }

  /// What else the endpoint says of itself: addresses, else its service tag.
  bool by_other_means(const policy::NamedSet& set) {
    const bool by_tag = set.addresses.empty();
    if (by_tag && set.tag.empty()) return refuse(set);
    net::PeerSet instead{set.addresses, {}};
    if (by_tag && arm::is_tag(set.tag)) instead = {{}, net::DomainSet(set.tag_name(set.tag))};
    if (by_tag && !arm::is_tag(set.tag)) instead = {set.tag_addresses, {}};
    const net::PeerSet names{{}, set.set.names};
    const net::PeerSet other = flow::peers(source_ ? flow_.to : flow_.from);
    const auto box = [&](const net::PeerSet& here) {
      return source_ ? net::Box{here, other, flow_.service} : net::Box{other, here, flow_.service};
    };
    std::vector<std::string> names_instead = stand_ins(set);
    Wider wider{{}, {}, net::to_string(flow_.service)};
    (source_ ? wider.from : wider.to) = std::move(names_instead);
    context_.widened(flow_, title,
                     fmt::format("it knows `{}` by {} only", set.name,
                                 by_tag ? "the service tag `" + set.tag + "`" : "addresses"),
                     {std::move(wider)},
                     {{Change::Kind::added, box(instead)}, {Change::Kind::lost, box(names)}});
    if (by_tag) return add_tag(set, set.tag);
    side_.addresses = side_.addresses | set.addresses;
    return true;
  }

  const flow::Flow& flow_;
  bool source_;
  EmitContext& context_;
  Side side_;
};

std::vector<std::string> port_texts(const std::vector<net::PortRange>& ranges) {
  std::vector<std::string> out;
  for (const net::PortRange& range : ranges) {
    if (range.first == 0 && range.last == 65'535) return {"*"};
    out.push_back(range.first == range.last ? std::to_string(range.first)
                                            : fmt::format("{}-{}", range.first, range.last));
  }
  return out;
}

Prefixes prefixes_of(const net::AddressSet& addresses) {
  Prefixes out;
  for (const net::Cidr& cidr : addresses.cidrs()) out.push_back(net::to_short_string(cidr));
  return out;
}

}  // namespace

std::vector<Alternative> alternatives(const Side& side) {
  if (side.addresses == net::AddressSet::all()) return {{{"*"}, {}, ""}};
  std::vector<Alternative> out;
  for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
    if (!side.addresses.has(family)) continue;
    out.push_back({prefixes_of(side.addresses.only(family)), family,
                   family == net::Family::ipv6 ? "-v6" : ""});
  }
  for (const std::string& tag : side.tags) out.push_back({{tag}, {}, "-" + tag});
  return out;
}

std::optional<Side> side_of(const flow::Flow& flow, bool source, EmitContext& context) {
  return SideReader(flow, source, context).read();
}

Parts parts_of(const net::ServiceSet& service) {
  Parts out;
  if (service.is_any()) {
    out.parts.push_back({service, "*", {"*"}, "", false});
    return out;
  }
  for (const std::uint8_t protocol : service.protocols()) {
    const net::ServiceSet here = service.only(protocol);
    switch (protocol) {
      case net::protocol::tcp:
        out.parts.push_back({here, "Tcp", port_texts(service.ports(protocol)), "-tcp", false});
        break;
      case net::protocol::udp:
        out.parts.push_back({here, "Udp", port_texts(service.ports(protocol)), "-udp", false});
        break;
      case net::protocol::icmp:
        out.icmp_widened = !service.contains_whole(protocol);
        out.parts.push_back({here, "Icmp", {"*"}, "-icmp", true});
        break;
      case net::protocol::icmpv6: out.icmpv6_lost = true; break;
      case esp: out.parts.push_back({here, "Esp", {"*"}, "-esp", false}); break;
      case ah: out.parts.push_back({here, "Ah", {"*"}, "-ah", false}); break;
      default: out.impossible = out.impossible | net::ServiceSet::whole(protocol);
    }
  }
  return out;
}

}  // namespace hcipol::backends::azure_nsg
