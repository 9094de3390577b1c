// One text a member, so that a changed member is a changed line.
#include "report/packets_json.h"

#include <fmt/format.h>

#include <charconv>

#include <nlohmann/json.hpp>

#include "sema/named_set.h"
#include "support/text.h"

namespace hcipol::report {

namespace {

constexpr std::string_view except = "except ";
constexpr std::uint32_t details = 0x10000;  ///< of one protocol, on the service axis

std::string detail_text(std::uint8_t protocol, std::uint32_t detail) {
  return net::has_types(protocol) ? fmt::format("{}:{}", detail >> 8, detail & 0xff)
                                  : fmt::format("{}", detail);
}

void append_protocol(std::uint8_t protocol, const net::ServiceSet& set, Json& out) {
  for (const net::PortRange& range : set.ports(protocol)) {
    const std::string name = net::protocol_name(protocol);
    const std::string first = detail_text(protocol, range.first);
    const std::string last = detail_text(protocol, range.last);
    out.push_back(first == last ? fmt::format("{}/{}", name, first)
                                : fmt::format("{}/{}-{}", name, first, last));
  }
}

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t most) {
  std::uint32_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = code == std::errc() && end == text.data() + text.size() && value <= most;
  return good ? std::optional(value) : std::nullopt;
}

std::optional<std::uint32_t> detail(std::uint8_t protocol, std::string_view text) {
  if (!net::has_types(protocol)) return number(text, details - 1);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto type = number(text.substr(0, colon), 0xff);
  const auto code = number(text.substr(colon + 1), 0xff);
  return type && code ? std::optional(*type << 8 | *code) : std::nullopt;
}

std::optional<net::ServiceRange> service_range(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view name = text.substr(0, slash);
  const std::string_view rest = text.substr(slash + 1);
  const std::size_t dash = rest.find('-');
  const std::string_view low = rest.substr(0, dash);
  const std::string_view high = dash == std::string_view::npos ? low : rest.substr(dash + 1);
  if (name == "ip") {
    const auto first = number(low, 0xff), last = number(high, 0xff);
    if (!first || !last || *first > *last) return std::nullopt;
    return net::ServiceRange{*first * details, *last * details + details - 1};
  }
  const auto protocol = net::protocol_number(name);
  if (!protocol) return std::nullopt;
  const std::uint32_t start = *protocol * details;
  if (rest == "any") return net::ServiceRange{start, start + details - 1};
  const auto first = detail(*protocol, low), last = detail(*protocol, high);
  if (!first || !last || *first > *last) return std::nullopt;
  return net::ServiceRange{start + *first, start + *last};
}

std::optional<net::AddressRange> address_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    const auto first = net::parse_address(text.substr(0, dash));
    const auto last = net::parse_address(text.substr(dash + 1));
    const bool good = first && last && first->family == last->family && *first <= *last;
    return good ? std::optional(net::AddressRange{*first, *last}) : std::nullopt;
  }
  const auto cidr = net::parse_cidr(text);
  if (!cidr) return std::nullopt;
  return net::AddressRange{cidr->network, net::last_of(cidr->network, cidr->length)};
}

// A service tag stands under a name that no host can have.
std::optional<net::DomainPattern> pattern(const std::string& text) {
  if (text.starts_with(sema::NamedSet::tag_prefix)) return net::DomainPattern{text, false};
  return net::parse_pattern(text);
}

// The texts of a list, given to `one` until it refuses; false if it did or this is no such list.
template <class One>
bool each_text(const Json& json, One one) {
  if (!json.is_array()) return false;
  for (const Json& item : json) {
    if (!item.is_string() || !one(item.get_ref<const std::string&>())) return false;
  }
  return true;
}

}  // namespace

Json to_json(const net::AddressSet& set) {
  Json out = Json::array();
  for (const net::AddressRange& range : set.ranges()) {
    out.push_back(net::to_string(range));
  }
  return out;
}

Json to_json(const net::DomainSet& set) {
  Json out = Json::array();
  if (set.others()) out.push_back("*");
  for (const net::DomainSet::Entry& entry : set.entries()) {
    out.push_back((entry.included ? "" : std::string(except)) + net::to_string(entry.pattern));
  }
  return out;
}

Json to_json(const net::ServiceSet& set) {
  Json out = Json::array();
  std::uint32_t whole = 0;  // the first of the whole protocols that wait to be written
  const auto flush = [&](std::uint32_t end) {
    if (whole + 1 == end && net::has_ports(static_cast<std::uint8_t>(whole))) {
      out.push_back(net::protocol_name(static_cast<std::uint8_t>(whole)) + "/any");
    } else if (whole + 1 == end) {
      out.push_back(fmt::format("ip/{}", whole));
    } else if (whole < end) {
      out.push_back(fmt::format("ip/{}-{}", whole, end - 1));
    }
  };
  for (std::uint32_t i = 0; i <= 0xff; ++i) {
    const auto protocol = static_cast<std::uint8_t>(i);
    if (set.contains_whole(protocol)) continue;
    flush(i);
    whole = i + 1;
    if (net::has_ports(protocol) || net::has_types(protocol)) append_protocol(protocol, set, out);
  }
  flush(0x100);
  return out;
}

Json to_json(const net::PeerSet& set) {
  Json out = Json::object();
  if (!set.addresses.empty()) out["addresses"] = to_json(set.addresses);
  if (!set.names.empty()) out["hosts"] = to_json(set.names);
  return out;
}

Json to_json(const net::Box& box) {
  return {{"from", to_json(box.from)}, {"to", to_json(box.to)}, {"service", to_json(box.service)}};
}

Json place_json(Span span, const SourceMap& sources) {
  if (span.file == FileId::no_file) return nullptr;
  return {{"file", sources.file(span.file).path}, {"line", sources.line_of(span.file, span.begin)}};
}

std::optional<net::AddressSet> read_addresses(const Json& json) {
  std::vector<net::AddressRange> ranges;
  const bool good = each_text(json, [&](const std::string& text) {
    const auto range = address_range(text);
    if (range) ranges.push_back(*range);
    return range.has_value();
  });
  return good ? std::optional(net::AddressSet::of(std::move(ranges))) : std::nullopt;
}

std::optional<net::DomainSet> read_hosts(const Json& json) {
  bool others = false;
  std::vector<net::DomainSet::Entry> entries;
  const bool good = each_text(json, [&](const std::string& text) {
    if (text == "*") return others = true;
    const bool included = !text.starts_with(except);
    const auto known = pattern(included ? text : text.substr(except.size()));
    if (known) entries.push_back({*known, included});
    return known.has_value();
  });
  return good ? std::optional(net::DomainSet::of(others, std::move(entries))) : std::nullopt;
}

std::optional<net::ServiceSet> read_service(const Json& json) {
  std::vector<net::ServiceRange> ranges;
  const bool good = each_text(json, [&](const std::string& text) {
    const auto range = service_range(text);
    if (range) ranges.push_back(*range);
    return range.has_value();
  });
  return good ? std::optional(net::ServiceSet::of(std::move(ranges))) : std::nullopt;
}

}  // namespace hcipol::report
