// A set that dnsmasq fills is, beside its addresses, the names that it is filled for.
#include "backends/nftables/read_operands.h"

#include <algorithm>

#include "backends/common/read_text.h"

namespace hcipol::backends::nftables {

using net::Family;

std::string reference_to(std::string_view table, std::string_view set, std::string_view type) {
  const std::string_view family = type.starts_with("type ipv4_addr") ? "4" : "6";
  return std::string(family) + "#inet#" + std::string(table) + "#" + std::string(set);
}

const net::PeerSet* Operands::peers(std::string_view text, Family family, std::size_t line) {
  if (text.empty()) return nullptr;
  const auto [place, fresh] = peers_.try_emplace({text, family}, nullptr);
  if (!fresh) return place->second;
  if (text.starts_with('@')) {
    place->second = out_.keep(members(text.substr(1), family, line));
  } else {
    if (text.starts_with("{ ")) text = text.substr(2, text.size() - 4);
    place->second = out_.keep(net::PeerSet{prefixes(text, family, line), {}});
  }
  return place->second;
}

const net::ServiceSet* Operands::service(const net::ServiceSet& set) {
  const auto [place, fresh] = services_.try_emplace(set, nullptr);
  if (fresh) place->second = out_.keep(set);
  return place->second;
}

net::PeerSet Operands::members(std::string_view name, Family family, std::size_t line) {
  const auto found = table_.sets().find(name);
  if (found == table_.sets().end() || found->second.map) {
    table_.fail(line, "there is no set " + quoted(name));
  }
  const TableSet& set = found->second;
  const bool v4 = set.type.starts_with("type ipv4_addr");
  if (v4 != (family == Family::ipv4)) table_.fail(line, quoted(name) + " is of another family");
  net::PeerSet out;
  std::vector<net::AddressRange> ranges;
  for (const TableLine& element : set.elements) {
    const auto cidr = net::parse_cidr(element.text);
    if (!cidr || cidr->network.family != family) table_.fail(element.number, "an element");
    ranges.push_back({cidr->network, net::last_of(cidr->network, cidr->length)});
  }
  disjoint(ranges, line);
  out.addresses = net::AddressSet::of(std::move(ranges));
  const auto names = names_.find(reference_to(table_.name(), name, set.type));
  if (names != names_.end()) out.names = net::DomainSet::of(false, names->second);
  return out;
}

net::AddressSet Operands::prefixes(std::string_view text, Family family, std::size_t line) const {
  std::vector<net::AddressRange> ranges;
  for (bool more = true; more;) {
    const std::size_t comma = text.find(", ");
    const auto cidr = net::parse_cidr(text.substr(0, comma));
    if (!cidr || cidr->network.family != family) table_.fail(line, "a prefix");
    ranges.push_back({cidr->network, net::last_of(cidr->network, cidr->length)});
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 2);
  }
  disjoint(ranges, line);
  return net::AddressSet::of(std::move(ranges));
}

void Operands::disjoint(std::vector<net::AddressRange> ranges, std::size_t line) const {
  std::sort(ranges.begin(), ranges.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (!(ranges[i - 1].last < ranges[i].first)) table_.fail(line, "intervals that conflict");
  }
}

}  // namespace hcipol::backends::nftables
