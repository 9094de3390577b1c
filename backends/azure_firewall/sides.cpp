// Names are of no use as sources, and names with exceptions are of none as destinations.
#include "backends/azure_firewall/sides.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/azure_firewall/service_tags.h"
#include "backends/common/arm/naming.h"
#include "backends/common/stand_ins.h"
#include "support/text.h"

namespace hcipol::backends::azure_firewall {

std::vector<std::string> literals(const std::vector<AddressPart>& parts) {
  if (parts.size() == 1) return parts.front().ipv4->entries;
  net::AddressSet all;
  for (const AddressPart& part : parts) all = all | part.ipv4->addresses;
  return Ipv4(all).entries;
}

bool holds_everything(const std::vector<AddressPart>& parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [](const AddressPart& part) { return part.ipv4->everything(); });
}

std::vector<const IpGroup*> groups_of(const std::vector<AddressPart>& parts, PeerTable& peers) {
  std::vector<const IpGroup*> out;
  for (const AddressPart& part : parts) {
    for (const IpGroup* group : peers.groups(*part.set, *part.ipv4)) {
      if (std::find(out.begin(), out.end(), group) == out.end()) out.push_back(group);
    }
  }
  return out;
}

std::uint64_t size_of(const net::AddressSet& ipv4) {
  std::uint64_t size = 0;
  for (const net::AddressRange& range : ipv4.ranges()) size += range.last.low - range.first.low + 1;
  return size;
}

net::AddressSet addresses_of(const std::vector<const Ipv4*>& parts) {
  net::AddressSet out;
  for (const Ipv4* part : parts) out = out | part->addresses;
  return out;
}

bool SideReader::add_source(const flow::Flow& flow, const policy::NamedSet& set, Sources& out) {
  Peer& peer = peers_.of(set);
  out.ipv6 = out.ipv6 || peer.ipv6;
  if (!peer.ipv4.empty()) out.parts.push_back({&set, &peer.ipv4});
  if (!peer.names.empty() || !peer.tags.empty() || peer.names_with_exceptions) {
    if (peer.instead.empty() || peer.names_with_exceptions) {
      context_.cannot(flow, title, fmt::format("`{}` as the source of a connection", set.name))
          .note("the firewall knows who connects by address only");
      return false;
    }
    if (!peer.names.empty()) {
      const net::PeerSet to = flow::peers(flow.to);
      context_.widened(flow, title,
                       fmt::format("it knows `{}` as a source by addresses only", set.name),
                       {{stand_ins(set), {}, ""}},
                       {{Change::Kind::added, {{peer.instead.addresses, {}}, to, flow.service}},
                        {Change::Kind::lost, {{{}, set.set.names}, to, flow.service}}});
    }
    out.parts.push_back({&set, &peer.instead});
  }
  return true;
}

std::optional<Sources> SideReader::sources_of(const flow::Flow& flow) {
  Sources out;
  for (const policy::NamedSet* set : flow.from) {
    if (!add_source(flow, *set, out)) return std::nullopt;
  }
  for (const AddressPart& part : out.parts) out.ipv4.push_back(part.ipv4);
  return out;
}

bool SideReader::add_tag(const flow::Flow& flow, Peer& peer, const std::string& tag,
                         Destinations& out) {
  const TagUse use = tag_use(tag);
  if (use == TagUse::no || !arm::is_tag(tag)) {
    if (peer.instead.empty()) {
      context_.reporter()
          .report<Diag::no_service_tags>(context_.place(flow.rule), title, tag)
          .note("no rule of Azure Firewall takes this tag by name");
      return false;
    }
    out.addresses.push_back({peer.set, &peer.instead});
    return true;
  }
  if (use == TagUse::unknown) notes_.unknown_tag(tag);
  // "Connected Machine agent network requirements": the whole tag, whatever the region.
  if (to_lower(tag).starts_with("azurearcinfrastructure.")) notes_.regional_arc(tag);
  out.tags.push_back(tag);
  return true;
}

bool SideReader::add_destination(const flow::Flow& flow, const policy::NamedSet& set,
                                 Destinations& out) {
  Peer& peer = peers_.of(set);
  out.ipv6 = out.ipv6 || peer.ipv6;
  if (peer.names_with_exceptions) {
    context_.cannot(flow, title, fmt::format("`{}`", net::to_string(set.set.names)))
        .note(
            "rules that allow have no exceptions, and a network rule decides before any "
            "application rule could deny a name");
    return false;
  }
  for (const std::string& tag : peer.tags) {
    if (!add_tag(flow, peer, tag, out)) return false;
  }
  if (!peer.names.empty()) out.named.push_back(&peer);
  if (!peer.ipv4.empty()) out.addresses.push_back({&set, &peer.ipv4});
  return true;
}

std::optional<Destinations> SideReader::destinations_of(const flow::Flow& flow) {
  Destinations out;
  for (const policy::NamedSet* set : flow.to) {
    if (!add_destination(flow, *set, out)) return std::nullopt;
  }
  std::sort(out.tags.begin(), out.tags.end());
  out.tags.erase(std::unique(out.tags.begin(), out.tags.end()), out.tags.end());
  return out;
}

}  // namespace hcipol::backends::azure_firewall
