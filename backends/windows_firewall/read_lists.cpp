// [MS-FASP] is the judge of what a list may hold.
#include "backends/windows_firewall/read_lists.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>

#include "backends/common/read_text.h"
#include "backends/common/regroup.h"

namespace hcipol::backends::windows_firewall {

namespace {

/// [MS-FASP] 2.2.5.
constexpr std::size_t longest_rule_list = 1000;

std::string joined_lines(const TextList& texts) {
  std::string out;
  for (const std::string* text : texts) out += *text + "\n";
  return out;
}

/// "10.0.0.1", "10.0.0.0/28", "10.0.0.4-10.0.0.6".
std::optional<net::AddressRange> read_range(std::string_view text) {
  std::optional<net::AddressRange> out;
  if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    const auto first = net::parse_address(text.substr(0, dash));
    const auto last = net::parse_address(text.substr(dash + 1));
    if (!first || !last || first->family != last->family || *last < *first) return std::nullopt;
    out = {*first, *last};
  } else {
    const auto cidr = net::parse_cidr(text);
    if (!cidr || cidr->length == 0) return std::nullopt;
    out = {cidr->network, net::last_of(cidr->network, cidr->length)};
  }
  // [MS-FASP] 2.2.37: neither the unspecified nor the loopback address of IPv6.
  const bool v6 = out->first.family == net::Family::ipv6;
  if (v6 && out->first.high == 0 && out->first.low <= 1) return std::nullopt;
  return out;
}

/// What is before and after the separator; a separator without anything after it is kept.
std::pair<std::string_view, std::string_view> numbers(std::string_view text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos || at + 1 == text.size()) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

net::ServiceSet read_service(ScriptTable& rule, const std::string& word, const TextList& ports,
                             const TextList& types) {
  static const std::map<std::string_view, std::uint8_t> words{
      {"TCP", 6}, {"UDP", 17}, {"ICMPv4", 1}, {"ICMPv6", 58}};
  if (word == "Any") {
    if (!ports.empty() || !types.empty()) rule.fail("ports or types of every protocol");
    return net::ServiceSet::any();
  }
  const auto named = words.find(word);
  const auto number =
      named != words.end() ? std::optional<std::uint32_t>(named->second) : number_of(word, 255);
  if (!number) rule.fail("protocol " + word);
  const auto protocol = static_cast<std::uint8_t>(*number);
  if (!ports.empty() && !net::has_ports(protocol)) rule.fail("ports of a protocol without them");
  if (!types.empty() && !net::has_types(protocol)) rule.fail("types of a protocol without them");
  if (ports.empty() && types.empty()) return net::ServiceSet::whole(protocol);
  std::vector<net::ServiceRange> out;
  const std::uint32_t base = protocol * 65536u;
  for (const std::string* text : ports) {
    const auto [first, last] = numbers(*text, '-');
    const auto end = last.empty() ? number_of(first, 65535) : number_of(last, 65535);
    const auto begin = number_of(first, 65535);
    if (!begin || !end || *begin > *end) rule.fail("no port: " + *text);
    out.push_back({base + *begin, base + *end});
  }
  for (const std::string* text : types) {
    const auto [first, last] = numbers(*text, ':');
    const auto type = number_of(first, 255);
    const auto code = last.empty() ? std::optional<std::uint32_t>(0) : number_of(last, 255);
    if (!type || !code) rule.fail("no ICMP type: " + *text);
    const std::uint32_t point = base + *type * 256 + *code;
    out.push_back({point, last.empty() ? point + 255 : point});
  }
  return net::ServiceSet::of(std::move(out));
}

}  // namespace

const net::PeerSet* ScriptLists::addresses(ScriptTable& rule, const TextList& texts) {
  if (texts.size() > longest_rule_list) rule.fail("more than 1,000 addresses");
  return keyword_addresses(rule, texts);
}

const net::PeerSet* ScriptLists::keyword_addresses(ScriptTable& keyword, const TextList& texts) {
  const auto [known, fresh] = peers_.try_emplace(joined_lines(texts), nullptr);
  if (!fresh) return known->second;
  std::vector<net::AddressRange> ranges;
  for (const std::string* text : texts) {
    const auto range = read_range(*text);
    if (!range) keyword.fail("no address: " + *text);
    ranges.push_back(*range);
  }
  return known->second = out_.keep(net::PeerSet{net::AddressSet::of(std::move(ranges)), {}});
}

const net::PeerSet* ScriptLists::names(net::DomainSet set) {
  return out_.keep(net::PeerSet{{}, std::move(set)});
}

const net::PeerSet* ScriptLists::united(const std::vector<const net::PeerSet*>& parts) {
  return parts.size() == 1 ? parts.front() : out_.keep(union_of(parts));
}

const net::ServiceSet* ScriptLists::service(ScriptTable& rule, const std::string& protocol,
                                            const TextList& ports, const TextList& types) {
  if (ports.size() > longest_rule_list || types.size() > longest_rule_list) {
    rule.fail("more than 1,000 ports or types");
  }
  const auto key = fmt::format("{}\t{}\t{}", protocol, joined_lines(ports), joined_lines(types));
  const auto [known, fresh] = services_.try_emplace(key, nullptr);
  if (!fresh) return known->second;
  return known->second = out_.keep(read_service(rule, protocol, ports, types));
}

}  // namespace hcipol::backends::windows_firewall
