// A rule is taken apart from its beginning; what is left over is not known, and so refused.
#include "backends/nftables/read_rule.h"

#include <string>

#include "backends/common/read_text.h"

namespace hcipol::backends::nftables {

namespace {

using ReadAct = ReadRule::Act;

constexpr std::size_t longest_comment = 128;
constexpr std::size_t longest_prefix = 127;

/// Takes a rule's words off its front.
class RuleReader {
 public:
  RuleReader(const Table& table, const TableLine& line)
      : table_(table), line_(line), rest_(line.text) {}

  RuleReading read() {
    if (rest_ == "ct state established,related accept") {
      out_.kind = RuleReading::Kind::connected;
      return out_;
    }
    if (take("ct state invalid ")) {
      out_.kind = RuleReading::Kind::invalid;
      const bool leads_away = rest_ == "drop" || rest_ == "return" || rest_.starts_with("goto ");
      if (!leads_away) fail("another verdict for what is invalid");
      out_.verdict = read_verdict(table_, line_, rest_);
      return out_;
    }
    if (look_up()) return out_;
    match();
    end();
    return out_;
  }

 private:
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  [[noreturn]] void fail(std::string_view what) const { table_.fail(line_.number, what); }

  /// Up to the next blank, or a list in braces.
  std::string_view operand() {
    const bool list = rest_.starts_with("{ ");
    const std::size_t end = list ? rest_.find(" } ") : rest_.find(' ');
    if (end == std::string_view::npos) fail("a rule without an end");
    const std::string_view out = rest_.substr(0, end + (list ? 2 : 0));
    rest_.remove_prefix(out.size() + 1);
    return out;
  }

  void only(net::Family family) {
    out_.families[family == net::Family::ipv4 ? 1 : 0] = false;
    if (!out_.families[0] && !out_.families[1]) fail("packets of both families at once");
  }

  bool look_up() {
    const std::size_t end = rest_.find(" vmap @");
    if (end == std::string_view::npos) return false;
    std::string_view keys = rest_.substr(0, end);
    bool first = true;
    const auto key = [&](std::string_view text) {
      const std::string_view joint = first ? "" : " . ";
      if (!keys.starts_with(joint) || !keys.substr(joint.size()).starts_with(text)) return false;
      keys.remove_prefix(joint.size() + text.size());
      first = false;
      return true;
    };
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
      const std::string ip = family == net::Family::ipv4 ? "ip " : "ip6 ";
      const bool source = key(ip + "saddr"), destination = key(ip + "daddr");
      if (!source && !destination) continue;
      out_.by_source = out_.by_source || source;
      out_.by_destination = out_.by_destination || destination;
      only(family);
    }
    out_.by_protocol = key("meta l4proto");
    out_.by_port = out_.by_protocol && key("th dport");
    if (!keys.empty() || first) return false;
    out_.kind = RuleReading::Kind::look_up;
    out_.map = rest_.substr(end + 7);
    return true;
  }

  void match() {
    if (take("iifname \"lo\" ")) {
      out_.loopback = RuleReading::Loopback::in;
    } else if (take("oifname \"lo\" ")) {
      out_.loopback = RuleReading::Loopback::out;
    }
    if (take("meta nfproto ipv4 ")) only(net::Family::ipv4);
    if (take("meta nfproto ipv6 ")) only(net::Family::ipv6);
    service();
    if (take("ip6 hoplimit 255 ")) {
      only(net::Family::ipv6);
      // Of other packets a bridge forwards some that have it as well.
      static const auto discovery =
          net::ServiceSet::of({{58 * 65536 + 133 * 256, 58 * 65536 + 136 * 256 + 255}});
      if (!out_.service || !discovery.contains(*out_.service)) fail("a hop limit");
      out_.untouched = true;
    }
    side("saddr ", out_.from);
    side("daddr ", out_.to);
  }

  void side(std::string_view name, std::string_view& out) {
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
      if (!take((family == net::Family::ipv4 ? "ip " : "ip6 ") + std::string(name))) continue;
      only(family);
      out = operand();
    }
  }

  void service() {
    if (take("meta l4proto ")) {
      out_.service = numbers(
          255,
          [](unsigned first, unsigned last) {
            return net::ServiceSet::of({{first << 16, (last << 16) + 65535}});
          },
          protocol);
    } else if (take("tcp dport ")) {
      ports(net::protocol::tcp);
    } else if (take("udp dport ")) {
      ports(net::protocol::udp);
    } else if (take("icmp type ")) {
      only(net::Family::ipv4);
      types(net::protocol::icmp, "icmp code ");
    } else if (take("icmpv6 type ")) {
      only(net::Family::ipv6);
      types(net::protocol::icmpv6, "icmpv6 code ");
    }
  }

  void ports(std::uint8_t protocol) {
    out_.service = numbers(65535, [&](unsigned first, unsigned last) {
      return net::ServiceSet::ports(protocol, static_cast<std::uint16_t>(first),
                                    static_cast<std::uint16_t>(last));
    });
  }

  void types(std::uint8_t protocol, std::string_view code) {
    const unsigned base = protocol * 65536U;
    const std::string_view before = rest_;
    const net::ServiceSet whole = numbers(255, [&](unsigned first, unsigned last) {
      return net::ServiceSet::of({{base + first * 256, base + last * 256 + 255}});
    });
    out_.service = whole;
    if (!take(code)) return;
    const auto type = number_of(before.substr(0, before.find(' ')), 255);
    if (!type) {
      fail("codes of several types");
    }
    const unsigned start = base + *type * 256;
    out_.service = numbers(255, [&](unsigned first, unsigned last) {
      return net::ServiceSet::of({{start + first, start + last}});
    });
  }

  static std::optional<unsigned> plain(std::string_view text, unsigned most) {
    return number_of(text, most);
  }

  /// The union of "5", "5-9" or "{ 5, 7-9 }"; protocols may have their names.
  template <class Make>
  net::ServiceSet numbers(unsigned most, Make make,
                          std::optional<unsigned> (*number)(std::string_view, unsigned) = plain) {
    std::string_view text = operand();
    if (text.starts_with('{')) text = text.substr(2, text.size() - 4);
    net::ServiceSet out;
    for (bool more = true; more;) {
      const std::size_t comma = text.find(", ");
      const std::string_view part = text.substr(0, comma);
      const std::size_t dash = part.find('-');
      const auto first = number(part.substr(0, dash), most);
      const auto last =
          dash == std::string_view::npos ? first : number(part.substr(dash + 1), most);
      if (!first || !last || *first > *last) fail("a number: " + quoted(part));
      const net::ServiceSet one = make(*first, *last);
      if (out.intersects(one)) fail("a list that nft refuses: its ranges overlap");
      out = out | one;
      more = comma != std::string_view::npos;
      if (more) text.remove_prefix(comma + 2);
    }
    return out;
  }
  static std::optional<unsigned> protocol(std::string_view text, unsigned most) {
    if (const auto number = net::protocol_number(text)) return *number;
    return number_of(text, most);
  }

  void end() {
    if (take("limit rate 10/minute burst 20 packets log prefix ")) return log();
    const bool renews = take("update ");
    if (renews) renewal();
    const std::size_t at = rest_.find(" comment ");
    out_.verdict = read_verdict(table_, line_, rest_.substr(0, at));
    // dnsmasq does not renew an address that it hands out again, so its use must.
    const bool learnt = out_.to.starts_with("@dns") && out_.verdict.act == ReadAct::allow;
    if (learnt && !renews) fail("an address that is in use would be forgotten");
    if (at != std::string_view::npos && !is_comment(rest_.substr(at + 9))) fail("the comment");
  }

  /// What is in the set already stays there for longer: nothing new comes into it.
  void renewal() {
    const std::string own =
        std::string(out_.to) + " { " + (out_.families[0] ? "ip daddr } " : "ip6 daddr } ");
    if (!out_.to.starts_with("@dns") || !take(own) || !rest_.starts_with("accept")) {
      fail("a packet would get into a set");
    }
  }

  void log() {
    out_.kind = RuleReading::Kind::logs;
    const std::size_t close = rest_.find('"', 1);
    if (!rest_.starts_with('"') || close == std::string_view::npos) fail("a log without a prefix");
    const std::string_view prefix = rest_.substr(1, close - 1);
    if (prefix.size() > longest_prefix) fail("a log prefix that is too long");
    if (prefix.find('$') != std::string_view::npos) fail("a log prefix with a variable");
    rest_.remove_prefix(close + 1);
    if (!take(" group ")) fail("a log without a group");
    const std::size_t at = rest_.find(' ');
    if (!number_of(rest_.substr(0, at), 65535)) fail("a log's group");
    if (at == std::string_view::npos) return;
    rest_.remove_prefix(at);
    if (!take(" comment ") || !is_comment(rest_)) fail("the comment");
  }

  const Table& table_;
  const TableLine& line_;
  std::string_view rest_;
  RuleReading out_;
};

}  // namespace

RuleReading read_rule(const Table& table, const TableLine& line) {
  return RuleReader(table, line).read();
}

ReadVerdict read_verdict(const Table& table, const TableLine& line, std::string_view text) {
  if (text == "accept") return {ReadAct::allow, {}};
  if (text == "return") return {ReadAct::leave, {}};
  for (const std::string_view refusal :
       {"drop", "reject with icmpx admin-prohibited", "reject with tcp reset"}) {
    if (text == refusal) return {ReadAct::deny, {}};
  }
  if (text.starts_with("jump ")) return {ReadAct::jump, text.substr(5)};
  if (text.starts_with("goto ")) return {ReadAct::go, text.substr(5)};
  table.fail(line.number, "a verdict that is not known here");
}

bool is_comment(std::string_view quoted) {
  return quoted.size() >= 2 && quoted.size() <= longest_comment + 2 && quoted.front() == '"' &&
         quoted.find('"', 1) == quoted.size() - 1;
}

}  // namespace hcipol::backends::nftables
