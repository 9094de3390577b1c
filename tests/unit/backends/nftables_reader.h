// A reader of what `nft -n -j list ruleset` says that the kernel holds. It walks packets through
// the table by the semantics of nft(8) and shares nothing with the printer.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gateway_policy.h"

namespace hcipol::test::nftables {

using gateway::ProbePacket;
using nlohmann::json;

class RulesetReader {
 public:
  /// The objects of one inet table; anything else in the ruleset is an error.
  RulesetReader(const std::string& text, const std::string& table) {
    const json document = json::parse(text);
    for (const json& entry : document.at("nftables")) {
      const std::string kind = entry.begin().key();
      const json& object = entry.begin().value();
      if (kind == "metainfo") continue;
      const std::string& owner = object.at(kind == "table" ? "name" : "table");
      if (owner != table || object.at("family") != "inet") {
        throw std::runtime_error("foreign object: " + entry.dump());
      }
      if (kind == "set" || kind == "map") {
        sets_[object.at("name")] = object;
      } else if (kind == "chain") {
        chains_[object.at("name")];
        if (object.contains("hook")) base(object);
      } else if (kind == "rule") {
        chains_[object.at("chain")].push_back(object);
      } else if (kind != "table") {
        throw std::runtime_error("unknown object: " + entry.dump());
      }
    }
    if (bases_.empty()) throw std::runtime_error("no base chain");
  }

  /// "ACCEPT", "DROP", "REJECT", or "" if the base chain's policy lets it go on.
  std::string verdict(const ProbePacket& packet, const std::string& hook = "forward") const {
    return walk(bases_.at(hook), packet, 0);
  }

  /// How many rules and look-ups the packet meets.
  std::size_t steps(const ProbePacket& packet) const {
    steps_ = 0;
    walk(bases_.at("forward"), packet, 0);
    return steps_;
  }

  const std::map<std::string, std::vector<json>>& chains() const { return chains_; }
  const std::map<std::string, json>& sets() const { return sets_; }

 private:
  void base(const json& chain) {
    const std::string& hook = chain.at("hook");
    if ((hook != "forward" && hook != "input" && hook != "output") ||
        chain.at("type") != "filter" || chain.at("policy") != "accept" || chain.at("prio") != 0) {
      throw std::runtime_error("another hook: " + chain.dump());
    }
    if (!bases_.emplace(hook, chain.at("name")).second) {
      throw std::runtime_error("two base chains of one hook");
    }
  }

  std::string walk(const std::string& chain, const ProbePacket& packet, unsigned depth) const {
    if (depth > 15) throw std::runtime_error("deeper than the kernel goes");
    for (const json& rule : chains_.at(chain)) {
      ++steps_;
      const json* verdict = matched(rule.at("expr"), packet);
      if (verdict == nullptr) continue;
      const std::string& kind = verdict->begin().key();
      if (kind == "accept") return "ACCEPT";
      if (kind == "drop") return "DROP";
      if (kind == "reject") return "REJECT";
      if (kind == "return") return {};
      const std::string inner = walk(verdict->at(kind).at("target"), packet, depth + 1);
      // A goto does not come back here, but to where this chain was jumped from.
      if (!inner.empty() || kind == "goto") return inner;
    }
    return {};
  }

  /// The verdict statement of a rule of which all matches hold.
  const json* matched(const json& statements, const ProbePacket& packet) const {
    for (const json& statement : statements) {
      const std::string& kind = statement.begin().key();
      const json& body = statement.begin().value();
      if (kind == "match") {
        const std::string& op = body.at("op");
        if (op != "==" && op != "in") throw std::runtime_error("operator " + op);
        if (!holds(body.at("left"), body.at("right"), packet)) return nullptr;
      } else if (kind == "vmap") {
        return found(body, packet);
      } else if (kind == "accept" || kind == "drop" || kind == "reject" || kind == "return" ||
                 kind == "jump" || kind == "goto") {
        return &statement;
      } else if (kind == "set") {
        renewal(body, packet);
      } else if (kind != "limit" && kind != "log" && kind != "counter") {
        throw std::runtime_error("statement " + statement.dump());
      }
    }
    return nullptr;
  }

  /// `update @set { … }` must not make members: the packet's own address is one already.
  void renewal(const json& body, const ProbePacket& packet) const {
    if (body.at("op") != "update") throw std::runtime_error("statement " + body.dump());
    if (!holds(body.at("elem"), body.at("set"), packet)) {
      throw std::runtime_error("a packet would become a member: " + body.dump());
    }
  }

  const json* found(const json& body, const ProbePacket& packet) const {
    const json& data = body.at("data");
    const auto value = values(body.at("key"), packet);
    if (!value) return nullptr;
    static const json none = json::array();
    const json& elements = data.is_string() ? members(data) : data.at("set");
    for (const json& element : elements) {
      if (is(element.at(0), *value)) return &element.at(1);
    }
    return nullptr;
  }

  bool holds(const json& left, const json& right, const ProbePacket& packet) const {
    const auto value = values(left, packet);
    return value && is(right, *value);
  }

  struct Value {
    std::optional<net::Address> address;
    unsigned number = 0;
    std::optional<std::string> word = std::nullopt;
  };
  using Values = std::vector<Value>;

  /// The fields of a packet; nothing if it has not all of them.
  static std::optional<Values> values(const json& expression, const ProbePacket& packet) {
    Values out;
    if (expression.contains("concat")) {
      for (const json& part : expression.at("concat")) {
        const auto value = field(part, packet);
        if (!value) return std::nullopt;
        out.push_back(*value);
      }
      return out;
    }
    const auto value = field(expression, packet);
    if (!value) return std::nullopt;
    return Values{*value};
  }

  static std::optional<Value> field(const json& part, const ProbePacket& packet) {
    const bool v6 = packet.from.family == net::Family::ipv6;
    if (part.contains("meta")) {
      const std::string& key = part.at("meta").at("key");
      if (key == "l4proto") return Value{{}, packet.protocol};
      if (key == "iifname") return Value{{}, 0, packet.in_interface};
      if (key == "oifname") return Value{{}, 0, packet.out_interface};
      if (key == "nfproto") return Value{{}, v6 ? 10U : 2U};
    } else if (part.contains("ct")) {
      if (part.at("ct").at("key") == "state") return Value{{}, state(packet.state)};
    } else {
      const std::string& protocol = part.at("payload").at("protocol");
      const std::string& name = part.at("payload").at("field");
      if (protocol == "ip" || protocol == "ip6") {
        if ((protocol == "ip6") != v6) return std::nullopt;
        if (name == "saddr") return Value{packet.from, 0};
        if (name == "daddr") return Value{packet.to, 0};
        if (name == "hoplimit") return Value{{}, packet.hop_limit};
      }
      static const std::map<std::string, unsigned> numbers{
          {"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"icmpv6", 58}};
      const bool any = protocol == "th";
      if (!any && numbers.at(protocol) != packet.protocol) return std::nullopt;
      if ((protocol == "icmp" && v6) || (protocol == "icmpv6" && !v6)) return std::nullopt;
      if (name == "dport") return Value{{}, packet.detail};
      if (name == "type") return Value{{}, packet.detail / 256};
      if (name == "code") return Value{{}, packet.detail % 256};
    }
    throw std::runtime_error("field " + part.dump());
  }

  static unsigned state(const std::string& name) {
    static const std::map<std::string, unsigned> bits{
        {"INVALID", 1}, {"ESTABLISHED", 2}, {"RELATED", 4}, {"NEW", 8}, {"UNTRACKED", 64}};
    return bits.at(name);
  }

  const json& members(const std::string& reference) const {
    static const json none = json::array();
    const json& set = sets_.at(reference.substr(1));
    return set.contains("elem") ? set.at("elem") : none;
  }

  bool is(const json& right, const Values& values) const {
    if (right.is_object() && right.contains("elem")) return is(right.at("elem").at("val"), values);
    if (right.is_object() && right.contains("set")) return any_is(right.at("set"), values);
    // Bits, of which one is enough.
    if (right.is_array()) return any_is(right, values);
    if (right.is_string() && right.get<std::string>().front() == '@') {
      return any_is(members(right), values);
    }
    if (right.is_object() && right.contains("concat")) {
      const json& parts = right.at("concat");
      if (parts.size() != values.size()) throw std::runtime_error("concat " + right.dump());
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (!one_is(parts.at(i), values[i])) return false;
      }
      return true;
    }
    if (values.size() != 1) throw std::runtime_error("value " + right.dump());
    return one_is(right, values.front());
  }

  bool any_is(const json& elements, const Values& values) const {
    for (const json& element : elements) {
      if (is(element, values)) return true;
    }
    return false;
  }

  static bool one_is(const json& right, const Value& value) {
    if (right.is_number()) return !value.address && value.number == right.get<unsigned>();
    if (right.is_string()) {
      if (value.word) return *value.word == right.get<std::string>();
      if (!value.address) return named(right, value.number);
      return net::parse_address(right.get<std::string>()).value() == *value.address;
    }
    if (right.contains("prefix")) {
      const auto network = net::parse_address(right.at("prefix").at("addr").get<std::string>());
      const unsigned length = right.at("prefix").at("len");
      return value.address && value.address->family == network.value().family &&
             net::first_of(*value.address, length) == network.value();
    }
    const json& range = right.at("range");
    if (value.address) {
      return !(*value.address < net::parse_address(range.at(0).get<std::string>()).value()) &&
             !(net::parse_address(range.at(1).get<std::string>()).value() < *value.address);
    }
    return range.at(0).get<unsigned>() <= value.number &&
           value.number <= range.at(1).get<unsigned>();
  }

  /// What `-n` leaves as words.
  static bool named(const std::string& word, unsigned number) {
    static const std::map<std::string, unsigned> numbers{{"ipv4", 2}, {"ipv6", 10}};
    return numbers.at(word) == number;
  }

  std::map<std::string, std::string> bases_;  ///< by hook
  std::map<std::string, std::vector<json>> chains_;
  std::map<std::string, json> sets_;
  mutable std::size_t steps_ = 0;
};

}  // namespace hcipol::test::nftables
