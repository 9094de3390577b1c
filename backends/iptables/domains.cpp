// dnsmasq refuses to start over one bad line, so lengths are checked here and nothing is left to
// it.
#include "backends/iptables/domains.h"

#include <fmt/format.h>

#include <algorithm>

namespace hcipol::backends::iptables {

namespace {

constexpr std::size_t longest_list = 160;

/// The length of "ipset=/domain/a,b".
std::size_t length_of(const DomainLine& line) {
  std::size_t length = std::string_view("ipset=//").size() + line.domain.size();
  for (const std::string& set : line.sets) length += set.size() + 1;
  return length - 1;
}

}  // namespace

net::DomainSet below(const net::DomainSet& names) {
  std::vector<net::DomainPattern> taken;
  for (const net::DomainPattern& pattern : names.patterns()) {
    taken.push_back({pattern.name, false});
    taken.push_back({pattern.name, true});
  }
  return net::DomainSet::of(std::move(taken)) - names;
}

std::string widening(const net::DomainSet& more, bool all) {
  if (more.empty()) return {};
  std::string list = net::to_string(more);
  const auto patterns = more.patterns();
  if (!all && list.size() > longest_list && patterns.size() > 2) {
    list = fmt::format("{}, {} and {} more", net::to_string(patterns[0]),
                       net::to_string(patterns[1]), patterns.size() - 2);
  }
  return fmt::format("dnsmasq takes a name with all below it, so these match as well: {}", list);
}

void Domains::add(const Peer& peer, const std::string& set) {
  for (const net::DomainPattern& pattern : peer.names) {
    Entry& entry = domains_[{pattern.name, false}];
    if (entry.sets.empty()) entry.span = peer.set->span;
    entry.sets.push_back(set);
  }
}

std::vector<DomainLine> Domains::lines(EmitContext& context) const {
  std::vector<DomainLine> out;
  out.reserve(domains_.size());
  for (const auto& [pattern, entry] : domains_) {
    DomainLine& line = out.emplace_back(DomainLine{pattern.name, entry.sets});
    net::DomainPattern parent = pattern;
    for (auto dot = parent.name.find('.'); dot != std::string::npos; dot = parent.name.find('.')) {
      parent.name.erase(0, dot + 1);
      const auto found = domains_.find(parent);
      if (found == domains_.end()) continue;
      line.sets.insert(line.sets.end(), found->second.sets.begin(), found->second.sets.end());
    }
    std::sort(line.sets.begin(), line.sets.end());
    line.sets.erase(std::unique(line.sets.begin(), line.sets.end()), line.sets.end());
    const std::size_t length = length_of(line);
    if (length > max_dnsmasq_line) {
      context.reporter().report<Diag::device_limit>(
          entry.span, "the name `" + pattern.name + "`", "dnsmasq",
          fmt::format("it belongs to {} sets, whose names take {} bytes of a line of {}",
                      line.sets.size(), length, max_dnsmasq_line));
    }
  }
  return out;
}

}  // namespace hcipol::backends::iptables
