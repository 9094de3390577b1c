// [MS-FASP] is the judge of what a list may hold.
#include "backends/windows_firewall/read_lists.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "backends/common/read_text.h"
#include "backends/common/regroup.h"

namespace hcipol::backends::windows_firewall {

namespace {

/// [MS-FASP] 2.2.5.
constexpr std::size_t longest_rule_list = 1000;

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

std::optional<std::uint32_t> number_of_protocol(std::string_view word) {
  if (word == "TCP") return 6;
  if (word == "UDP") return 17;
  if (word == "ICMPv4") return 1;
  if (word == "ICMPv6") return 58;
  return number_of(word, 255);
}

net::ServiceSet read_service(ScriptTable& rule, std::string_view word, const ScriptValue* ports,
                             const ScriptValue* types) {
  if (word == "Any") {
    if (ports != nullptr || types != nullptr) rule.fail("ports or types of every protocol");
    return net::ServiceSet::any();
  }
  const auto number = number_of_protocol(word);
  if (!number) rule.fail(fmt::format("protocol {}", word));
  const auto protocol = static_cast<std::uint8_t>(*number);
  if (ports != nullptr && !net::has_ports(protocol)) rule.fail("ports of a protocol without them");
  if (types != nullptr && !net::has_types(protocol)) rule.fail("types of a protocol without them");
  if (ports == nullptr && types == nullptr) return net::ServiceSet::whole(protocol);
  std::vector<net::ServiceRange> out;
  const std::uint32_t base = protocol * 65536u;
  if (ports != nullptr) {
    for (const ScriptValue& port : *ports) {
      const auto [first, last] = numbers(port.text(), '-');
      const auto begin = number_of(first, 65535);
      const auto end = last.empty() ? begin : number_of(last, 65535);
      if (!begin || !end || *begin > *end) rule.fail(fmt::format("no port: {}", port.text()));
      out.push_back({base + *begin, base + *end});
    }
  }
  if (types != nullptr) {
    for (const ScriptValue& each : *types) {
      const auto [first, last] = numbers(each.text(), ':');
      const auto type = number_of(first, 255);
      const auto code = last.empty() ? std::optional<std::uint32_t>(0) : number_of(last, 255);
      if (!type || !code) rule.fail(fmt::format("no ICMP type: {}", each.text()));
      const std::uint32_t point = base + *type * 256 + *code;
      out.push_back({point, last.empty() ? point + 255 : point});
    }
  }
  return net::ServiceSet::of(std::move(out));
}

}  // namespace

const net::PeerSet* ScriptLists::addresses(ScriptTable& rule, const ScriptValue& list) {
  if (list.elements() > longest_rule_list) rule.fail("more than 1,000 addresses");
  return keyword_addresses(rule, list);
}

const net::PeerSet* ScriptLists::keyword_addresses(ScriptTable& keyword, const ScriptValue& list) {
  const auto [known, fresh] = peers_.try_emplace(list.source, nullptr);
  if (!fresh) return known->second;
  std::vector<net::AddressRange> ranges;
  for (const ScriptValue& address : list) {
    const auto range = read_range(address.text());
    if (!range) keyword.fail(fmt::format("no address: {}", address.text()));
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

const net::ServiceSet* ScriptLists::service(ScriptTable& rule, std::string_view protocol,
                                            const ScriptValue* ports, const ScriptValue* types) {
  // No string or list of strings has a tab in it.
  service_ = protocol;
  for (const ScriptValue* list : {ports, types}) {
    service_ += '\t';
    if (list == nullptr) continue;
    if (list->elements() > longest_rule_list) rule.fail("more than 1,000 ports or types");
    service_ += list->source;
  }
  const auto [known, fresh] = services_.try_emplace(service_, nullptr);
  if (!fresh) return known->second;
  return known->second = out_.keep(read_service(rule, protocol, ports, types));
}

}  // namespace hcipol::backends::windows_firewall
