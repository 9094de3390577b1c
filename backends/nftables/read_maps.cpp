// Keys are taken apart into the parts that the look-up names.
#include "backends/nftables/read_maps.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "backends/common/read_text.h"

namespace hcipol::backends::nftables {

namespace {

using net::Family;

class MapReader {
 public:
  MapReader(const Table& table, const RuleReading& rule, Family family, Operands& operands)
      : table_(table), rule_(rule), family_(family), operands_(operands) {}

  std::vector<MapElement> read(std::size_t line) {
    const auto found = table_.sets().find(rule_.map);
    if (found == table_.sets().end() || !found->second.map) {
      table_.fail(line, "there is no map " + quoted(rule_.map));
    }
    const TableSet& map = found->second;
    if (map.type.substr(0, map.type.find(';') + 1) != type()) {
      table_.fail(line, quoted(rule_.map) + " has keys of another type");
    }
    const bool intervals = map.type.ends_with(" flags interval;");
    std::vector<MapElement> out;
    std::unordered_set<std::string_view> texts;
    for (const TableLine& element : map.elements) {
      const auto [text, verdict] = split(element);
      if (!texts.insert(text).second) table_.fail(element.number, "an element stands twice");
      Key key{{}, {}, {}, 0, 0, element.number};
      MapElement& read = out.emplace_back();
      read.verdict = verdict;
      read.line = element.number;
      read_key(text, read.match, key);
      if (!intervals && !is_single(key)) {
        table_.fail(element.number, "an interval in a map of single values");
      }
      keys_.push_back(std::move(key));
    }
    check_apart();
    return out;
  }

 private:
  /// An element's key; parts that it has not are alike in all.
  struct Key {
    std::optional<net::Cidr> from;
    std::optional<net::Cidr> to;
    std::optional<std::uint8_t> protocol;
    std::uint16_t first = 0;  ///< ports
    std::uint16_t last = 0;
    std::size_t line = 0;

    auto lengths() const { return std::pair(from ? from->length : 0, to ? to->length : 0); }
    auto before_ports() const { return std::tuple(from, to, protocol); }
  };

  bool is_single(const Key& key) const {
    const unsigned width = net::width(family_);
    return key.first == key.last && (!key.from || key.from->length == width) &&
           (!key.to || key.to->length == width);
  }

  std::string type() const {
    const std::string address = family_ == Family::ipv4 ? "ipv4_addr" : "ipv6_addr";
    std::string out;
    const auto part = [&](bool has, const std::string& text) {
      if (has) out += (out.empty() ? "type " : " . ") + text;
    };
    part(rule_.by_source, address);
    part(rule_.by_destination, address);
    part(rule_.by_protocol, "inet_proto");
    part(rule_.by_port, "inet_service");
    return out + " : verdict;";
  }

  /// "KEY comment "…" : VERDICT".
  std::pair<std::string_view, ReadVerdict> split(const TableLine& element) const {
    std::string_view text = element.text;
    const std::size_t comment = text.find(" comment \"");
    const std::size_t colon =
        comment == std::string_view::npos ? text.find(" : ") : text.rfind("\" : ");
    if (colon == std::string_view::npos) table_.fail(element.number, "an element of a map");
    if (comment == std::string_view::npos) {
      return {text.substr(0, colon), read_verdict(table_, element, text.substr(colon + 3))};
    }
    if (colon <= comment || !is_comment(text.substr(comment + 9, colon + 1 - (comment + 9)))) {
      table_.fail(element.number, "the comment");
    }
    return {text.substr(0, comment), read_verdict(table_, element, text.substr(colon + 4))};
  }

  void read_key(std::string_view text, ReadRule& read, Key& key) {
    std::vector<std::string_view> parts;
    for (bool more = true; more;) {
      const std::size_t dot = text.find(" . ");
      parts.push_back(text.substr(0, dot));
      more = dot != std::string_view::npos;
      if (more) text.remove_prefix(dot + 3);
    }
    const std::size_t expected = (rule_.by_source ? 1U : 0U) + (rule_.by_destination ? 1U : 0U) +
                                 (rule_.by_protocol ? 1U : 0U) + (rule_.by_port ? 1U : 0U);
    if (parts.size() != expected) table_.fail(key.line, "a key with another number of parts");
    std::size_t at = 0;
    const auto address = [&](std::optional<net::Cidr>& out) {
      const net::PeerSet* peers = operands_.peers(parts[at], family_, key.line);
      out = net::parse_cidr(parts[at++]);
      if (!out) table_.fail(key.line, "a key that is no prefix");
      return peers;
    };
    if (rule_.by_source) read.from = address(key.from);
    if (rule_.by_destination) read.to = address(key.to);
    if (!rule_.by_protocol) return;
    key.protocol = protocol(parts[at++]);
    if (!key.protocol) table_.fail(key.line, "a key's protocol");
    if (!rule_.by_port) {
      read.service = operands_.service(net::ServiceSet::whole(*key.protocol));
      return;
    }
    const std::size_t dash = parts[at].find('-');
    const auto first = number_of(parts[at].substr(0, dash), 65535);
    const auto last =
        dash == std::string_view::npos ? first : number_of(parts[at].substr(dash + 1), 65535);
    // What stands where ports are is something else in other protocols.
    if (!net::has_ports(*key.protocol) || !first || !last || *first > *last) {
      table_.fail(key.line, "a key's service");
    }
    key.first = static_cast<std::uint16_t>(*first);
    key.last = static_cast<std::uint16_t>(*last);
    read.service = operands_.service(net::ServiceSet::ports(*key.protocol, key.first, key.last));
  }

  static std::optional<std::uint8_t> protocol(std::string_view text) {
    if (const auto named = net::protocol_number(text)) return named;
    const auto number = number_of(text, 255);
    return number ? std::optional(static_cast<std::uint8_t>(*number)) : std::nullopt;
  }

  /// Of elements of intervals: keys of one address by their ends, others by ports where all before
  /// them is the same, which prefixes of one length are or have nothing in common.
  void check_apart() {
    const bool one_address = !rule_.by_protocol && rule_.by_source != rule_.by_destination;
    std::sort(keys_.begin(), keys_.end(), [](const Key& a, const Key& b) {
      return std::tuple(a.before_ports(), a.first) < std::tuple(b.before_ports(), b.first);
    });
    for (std::size_t i = 1; i < keys_.size(); ++i) {
      const Key& key = keys_[i];
      const Key& before = keys_[i - 1];
      if (one_address) {
        const net::Cidr& one = rule_.by_source ? *before.from : *before.to;
        const net::Cidr& next = rule_.by_source ? *key.from : *key.to;
        if (!(net::last_of(one.network, one.length) < next.network)) {
          table_.fail(key.line, "elements that lie within each other");
        }
        continue;
      }
      if (key.lengths() != keys_.front().lengths()) {
        table_.fail(key.line, "elements that may lie within each other");
      }
      if (key.before_ports() == before.before_ports() && key.first <= before.last) {
        table_.fail(key.line, "ports that another element has");
      }
    }
  }

  const Table& table_;
  const RuleReading& rule_;
  Family family_;
  Operands& operands_;
  std::vector<Key> keys_;
};

}  // namespace

std::vector<MapElement> read_map(const Table& table, const RuleReading& rule, std::size_t line,
                                 Family family, Operands& operands) {
  return MapReader(table, rule, family, operands).read(line);
}

}  // namespace hcipol::backends::nftables
