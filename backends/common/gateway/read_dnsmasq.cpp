// One bad line keeps dnsmasq from starting, so nothing is passed over.
#include "backends/common/gateway/read_dnsmasq.h"

#include <algorithm>
#include <set>

#include "backends/common/read_text.h"

namespace hcipol::backends::gateway {

namespace {

constexpr std::size_t longest_dnsmasq_line = 1024;

using References = std::set<std::string, std::less<>>;
using ByDomain = std::map<std::string, References, std::less<>>;

/// The references of the longest domain above this one; null if there is none.
const References* parent_of(const ByDomain& domains, std::string_view domain) {
  for (std::size_t dot = domain.find('.'); dot != std::string_view::npos; dot = domain.find('.')) {
    domain.remove_prefix(dot + 1);
    if (const auto found = domains.find(domain); found != domains.end()) return &found->second;
  }
  return nullptr;
}

}  // namespace

LearntNames read_domains(std::string_view file, std::string_view text, std::string_view option,
                         const std::function<std::string(std::string_view reference)>& fault) {
  const std::string start = std::string(option) + "=/";
  ByDomain domains;
  for_each_line(file, text, [&](std::string_view line, std::size_t number) {
    const auto fail = [&](std::string_view what) { throw Unreadable(file, number, what); };
    if (line.empty() || line.front() == '#') return;
    const std::size_t end = line.find('/', start.size());
    if (!line.starts_with(start) || end == std::string_view::npos)
      fail("no line of `" + std::string(option) + "`");
    if (line.size() > longest_dnsmasq_line) fail("dnsmasq does not start with a line this long");
    const auto domain = net::parse_pattern(line.substr(start.size(), end - start.size()));
    if (!domain || domain->wildcard) {
      fail("no domain");
      return;
    }
    const auto [place, fresh] = domains.try_emplace(domain->name);
    if (!fresh) fail("of two lines for a domain only the first counts");
    std::string_view rest = line.substr(end + 1);
    for (bool more = true; more;) {
      const std::size_t comma = rest.find(',');
      const std::string_view reference = rest.substr(0, comma);
      if (const std::string what = fault(reference); !what.empty()) fail(what);
      place->second.emplace(reference);
      more = comma != std::string_view::npos;
      if (more) rest.remove_prefix(comma + 1);
    }
  });
  LearntNames out;
  static const References none;
  for (const auto& [domain, references] : domains) {
    const References* above = parent_of(domains, domain);
    if (above == nullptr) above = &none;
    // What the longest line leaves out is taken out again.
    const auto say = [&, &name = domain](const std::string& reference, bool included) {
      out[reference].push_back({{name, false}, included});
      out[reference].push_back({{name, true}, included});
    };
    for (const std::string& reference : references) {
      if (!above->contains(reference)) say(reference, true);
    }
    for (const std::string& reference : *above) {
      if (!references.contains(reference)) say(reference, false);
    }
  }
  return out;
}

unsigned read_cache(std::string_view file, std::string_view text) {
  unsigned longest = 0;
  std::set<std::string_view> seen;
  for_each_line(file, text, [&](std::string_view line, std::size_t number) {
    const auto fail = [&](std::string_view what) { throw Unreadable(file, number, what); };
    if (line.empty() || line.front() == '#') return;
    const std::size_t equals = line.find('=');
    const std::string_view key = line.substr(0, equals);
    if (key != "max-cache-ttl" && key != "max-ttl") fail("option " + quoted(key));
    if (!seen.insert(key).second) fail("dnsmasq does not start if an option stands twice");
    const auto seconds =
        number_of(equals == std::string_view::npos ? "" : line.substr(equals + 1), 1u << 30);
    if (!seconds || *seconds == 0) {
      fail("no number of seconds");
      return;
    }
    longest = std::max(longest, *seconds);
  });
  if (seen.size() != 2) throw Unreadable(file, 0, "nothing bounds how long answers are kept");
  return longest;
}

}  // namespace hcipol::backends::gateway
