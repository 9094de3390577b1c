// dnsmasq refuses to start over one bad line, so lengths are checked here and nothing is left to
// it.
#include "backends/common/gateway/domains.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "backends/common/text.h"

namespace hcipol::backends::gateway {

namespace {

constexpr std::size_t longest_list = 160;

constexpr std::string_view how_to_learn =
    R"(# `sh apply.sh apply` gives this to the dnsmasq of this machine, in one file with the names of all
# clusters here. By hand, where no other cluster is, once the sets exist:
#   cp dnsmasq.conf /etc/dnsmasq.d/{0}.conf
#   cp dnsmasq-cache.conf /etc/dnsmasq.d/hcipolc-cache.conf
#   dnsmasq --test -C /etc/dnsmasq.conf -7 /etc/dnsmasq.d,.dpkg-dist,.dpkg-old,.dpkg-new
#   systemctl restart dnsmasq
# Whatever opens the connections of the rules with these sets (behind a gateway the servers, or the
# proxy that they use) must ask this dnsmasq and no other resolver. The sets are empty after a boot
# and after the first load: until it asks again, which caches of its own put off, names are blocked.
# Every domain here stands for itself and all names below it. Only the longest line that matches a
# name counts, so it repeats the sets of shorter ones; of two lines for one domain, in whatever
# files, only the first counts: where clusters share this machine without apply.sh, make one line of
# them, {1}=/DOMAIN/SET,SET, or the names of all clusters but one stay blocked.
)";

/// In a file of its own because dnsmasq 2.90 does not start if an option stands twice, as it would
/// with two clusters behind one gateway.
constexpr std::string_view cache_file =
    R"(# hcipolc: once per machine, beside the dnsmasq.conf of every cluster. Entries of the sets
# live {0} s and an answer from the cache does not renew them, so neither dnsmasq nor its
# clients may keep answers longer. Where dnsmasq has one of these options already, apply.sh
# leaves it out here: dnsmasq refuses to start if one stands twice.
max-cache-ttl={1}
max-ttl={1}
)";

}  // namespace

std::vector<net::DomainPattern> below(const net::DomainSet& names) {
  std::vector<net::DomainPattern> taken = names.patterns();
  // Of one alone it is the other of the two: all names below a name, or the name above a wildcard.
  if (taken.size() == 1) {
    taken.front().wildcard = !taken.front().wildcard;
    return taken;
  }
  const std::size_t count = taken.size();
  for (std::size_t i = 0; i < count; ++i) taken.push_back({taken[i].name, !taken[i].wildcard});
  return (net::DomainSet::of(std::move(taken)) - names).patterns();
}

std::string widening(const std::vector<std::string>& more, bool all) {
  if (more.empty()) return {};
  std::string list = fmt::format("{}", fmt::join(more, ", "));
  if (!all && list.size() > longest_list && more.size() > 2) {
    list = fmt::format("{}, {} and {} more", more[0], more[1], more.size() - 2);
  }
  return fmt::format("dnsmasq takes a name with all below it, so these match as well: {}", list);
}

/// The length of "ipset=/domain/a,b".
std::size_t Domains::length_of(const DomainLine& line) const {
  std::size_t length = dialect_.domain_option.size() + std::string_view("=//").size();
  length += line.domain.size();
  for (const std::string_view set : line.sets) length += set.size() + 1;
  return length - 1;
}

void Domains::add(const Peer& peer, const LearntSet& set) {
  const std::string& reference =
      references_.emplace_back(dialect_.reference(settings_.base, set.name, set.family));
  for (const net::DomainPattern& pattern : peer.names) {
    entries_.push_back({pattern.name, reference, &peer});
  }
}

std::vector<DomainLine> Domains::lines(EmitContext& context) {
  std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return net::by_suffix(a.domain, b.domain) < 0;
  });
  std::vector<DomainLine> out;
  out.reserve(entries_.size());
  std::vector<std::size_t> parents;  // indices into `out`, the nearest last
  for (auto at = entries_.begin(); at != entries_.end();) {
    const Entry& first = *at;
    DomainLine& line = out.emplace_back(DomainLine{std::string(first.domain), {}});
    for (; at != entries_.end() && at->domain == first.domain; ++at) line.sets.push_back(at->set);
    while (!parents.empty() && !net::is_below(line.domain, out[parents.back()].domain)) {
      parents.pop_back();
    }
    // Its line has the sets of its own parents already.
    if (!parents.empty()) {
      const std::vector<std::string_view>& more = out[parents.back()].sets;
      line.sets.insert(line.sets.end(), more.begin(), more.end());
    }
    parents.push_back(out.size() - 1);
    std::sort(line.sets.begin(), line.sets.end());
    line.sets.erase(std::unique(line.sets.begin(), line.sets.end()), line.sets.end());
    const std::size_t length = length_of(line);
    if (length > max_dnsmasq_line) {
      context.reporter().report<Diag::device_limit>(
          first.peer->set->span, "the name `" + line.domain + "`", "dnsmasq",
          fmt::format("it belongs to {} sets, whose names take {} bytes of a line of {}",
                      line.sets.size(), length, max_dnsmasq_line));
    }
  }
  return out;
}

std::vector<Artefact> print_domains(const Sets& sets, const Dialect& dialect,
                                    const std::string& base, std::string heading) {
  if (sets.domains.empty()) return {};
  std::string out = std::move(heading);
  out += fmt::format(how_to_learn, base, dialect.domain_option);
  for (const DomainLine& line : sets.domains) {
    put(out, dialect.domain_option, "=/", line.domain, "/");
    std::string_view separator;
    for (const std::string_view set : line.sets) {
      put(out, separator, set);
      separator = ",";
    }
    out += '\n';
  }
  return {{"dnsmasq.conf", std::move(out), {}},
          {"dnsmasq-cache.conf", fmt::format(cache_file, learnt_seconds, cache_seconds), {}}};
}

}  // namespace hcipol::backends::gateway
