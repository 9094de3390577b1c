// Reads scripts back from PowerShell's syntax tree, and decides packets as Windows documents it.
#pragma once

#include <arpa/inet.h>
#include <dlfcn.h>
#include <tree_sitter/api.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// GTEST_SKIP returns from the test, so it cannot be a function.
#define NEEDS_POWERSHELL_GRAMMAR()                                                \
  if (powershell() == nullptr) {                                                  \
    GTEST_SKIP() << "HCIPOL_TREE_SITTER_POWERSHELL names no grammar: run "        \
                    "tests/unit/backends/build_tree_sitter_powershell.sh OUTDIR"; \
  }

namespace hcipol::test::windows_firewall {

/// tree-sitter's grammar of PowerShell, or null if the machine has none: the file that the
/// environment or the build names as HCIPOL_TREE_SITTER_POWERSHELL
/// (build_tree_sitter_powershell.sh makes one).
inline const TSLanguage* powershell() {
  static const TSLanguage* language = []() -> const TSLanguage* {
    const char* path = std::getenv("HCIPOL_TREE_SITTER_POWERSHELL");
#ifdef HCIPOL_TREE_SITTER_POWERSHELL
    if (path == nullptr) path = HCIPOL_TREE_SITTER_POWERSHELL;
#endif
    if (path == nullptr || *path == '\0') return nullptr;
    void* library = dlopen(path, RTLD_NOW);
    if (library == nullptr) return nullptr;
    void* symbol = dlsym(library, "tree_sitter_powershell");
    if (symbol == nullptr) return nullptr;
    return reinterpret_cast<const TSLanguage* (*)()>(symbol)();
  }();
  return language;
}

/// What a table of a script can hold: texts, lists and hashtables, and nothing that is computed.
struct Value {
  enum class Kind { text, list, map } kind = Kind::text;
  std::string text;
  std::vector<Value> list;
  std::map<std::string, Value> map;

  const Value& at(const std::string& key) const {
    const auto found = map.find(key);
    if (found == map.end()) throw std::runtime_error("no key " + key);
    return found->second;
  }
  std::vector<std::string> texts(const std::string& key) const {
    std::vector<std::string> out;
    const auto found = map.find(key);
    if (found == map.end()) return out;
    if (found->second.kind != Kind::list) throw std::runtime_error(key + " is not a list");
    for (const Value& each : found->second.list) out.push_back(each.text);
    return out;
  }
};

/// A parsed script. Throws if the text is not PowerShell.
class ParsedScript {
 public:
  explicit ParsedScript(std::string text) : text_(std::move(text)) {
    const std::unique_ptr<TSParser, void (*)(TSParser*)> parser(ts_parser_new(), ts_parser_delete);
    if (!ts_parser_set_language(parser.get(), powershell())) throw std::runtime_error("wrong ABI");
    tree_.reset(ts_parser_parse_string(parser.get(), nullptr, text_.data(),
                                       static_cast<std::uint32_t>(text_.size())));
    visit(ts_tree_root_node(tree_.get()), [&](TSNode node) {
      if (type(node) == "ERROR" || ts_node_is_missing(node)) {
        const auto line = std::to_string(ts_node_start_point(node).row + 1);
        throw std::runtime_error("line " + line + " is not PowerShell: " + source(node));
      }
      if (type(node) == "assignment_expression") assign(node);
    });
  }

  /// The value of `$name` in the tables above the engine.
  const Value& table(const std::string& name) const { return tables_.at(name); }

  /// Types of all nodes in order: equal for scripts that differ in the text of strings alone.
  std::string shape() const {
    std::string out;
    visit(ts_tree_root_node(tree_.get()), [&](TSNode node) { out += type(node) + "\n"; });
    return out;
  }

  /// Text of every command: "New-NetFirewallRule @parameters -ErrorAction Stop".
  std::vector<std::string> commands() const {
    std::vector<std::string> out;
    visit(ts_tree_root_node(tree_.get()), [&](TSNode node) {
      if (type(node) == "command") out.push_back(source(node));
    });
    return out;
  }

 private:
  template <class Visitor>
  static void visit(TSNode node, Visitor visitor) {
    visitor(node);
    for (std::uint32_t i = 0; i < ts_node_child_count(node); ++i) {
      visit(ts_node_child(node, i), visitor);
    }
  }
  static std::string type(TSNode node) { return ts_node_type(node); }
  std::string source(TSNode node) const {
    const std::uint32_t begin = ts_node_start_byte(node);
    return text_.substr(begin, ts_node_end_byte(node) - begin);
  }
  static std::vector<TSNode> children(TSNode node) {
    std::vector<TSNode> out;
    for (std::uint32_t i = 0; i < ts_node_named_child_count(node); ++i) {
      const TSNode child = ts_node_named_child(node, i);
      if (type(child) != "comment") out.push_back(child);
    }
    return out;
  }

  void assign(TSNode node) {
    const auto parts = children(node);
    const std::string name = source(parts.front());
    // Everything of the same name in the engine would be a different thing.
    for (const char* table : {"policy", "proxy", "builtin", "addresses", "keywords", "rules"}) {
      if (name == std::string("$") + table) {
        if (tables_.contains(table)) throw std::runtime_error(name + " is assigned twice");
        tables_[table] = value(parts.back());
      }
    }
  }

  // Layers of operators with nothing to do have one child each.
  Value value(TSNode node) const {
    const std::string kind = type(node);
    if (kind == "verbatim_string_characters")
      return {Value::Kind::text, unquoted(source(node)), {}, {}};
    if (kind == "array_expression") return list(node);
    if (kind == "hash_literal_expression") return map(node);
    if (kind == "element_access") return element(node);
    const auto parts = children(node);
    if (parts.size() == 1) return value(parts.front());
    throw std::runtime_error("not a plain value: " + source(node));
  }

  // PowerShell, ScanStringLiteral: any of five quotes ends a string, two in a row are the second.
  static std::string unquoted(const std::string& literal) {
    static const std::vector<std::string> quotes{"'", "\xe2\x80\x98", "\xe2\x80\x99",
                                                 "\xe2\x80\x9a", "\xe2\x80\x9b"};
    const auto quote_at = [&](std::size_t at) {
      for (const std::string& quote : quotes) {
        if (literal.compare(at, quote.size(), quote) == 0) return quote.size();
      }
      return std::size_t{0};
    };
    std::string out;
    std::size_t at = quote_at(0);
    if (at == 0) throw std::runtime_error("no string: " + literal);
    while (true) {
      if (at >= literal.size()) throw std::runtime_error("string without end: " + literal);
      const std::size_t quote = quote_at(at);
      if (quote == 0) {
        out += literal[at++];
        continue;
      }
      at += quote;
      if (at == literal.size()) return out;
      const std::size_t second = quote_at(at);
      if (second == 0) throw std::runtime_error("text after a string: " + literal);
      out += literal.substr(at, second);
      at += second;
    }
  }

  Value list(TSNode node) const {
    Value out;
    out.kind = Value::Kind::list;
    const auto statements = children(node);
    if (statements.empty()) return out;
    for (const TSNode statement : children(statements.front())) {
      TSNode inner = statement;
      while (type(inner) != "array_literal_expression") inner = children(inner).at(0);
      for (const TSNode each : children(inner)) out.list.push_back(value(each));
    }
    return out;
  }

  Value map(TSNode node) const {
    Value out;
    out.kind = Value::Kind::map;
    const auto bodies = children(node);
    if (bodies.empty()) return out;
    for (const TSNode each : children(bodies.front())) {
      const auto parts = children(each);
      TSNode key = children(parts.at(0)).at(0);
      const std::string name = type(key) == "simple_name" ? source(key) : value(key).text;
      if (!out.map.emplace(name, value(parts.at(1))).second) {
        throw std::runtime_error("key twice: " + name);
      }
    }
    return out;
  }

  // `$addresses['key']`
  Value element(TSNode node) const {
    const auto parts = children(node);
    return tables_.at(source(parts.at(0)).substr(1)).at(value(parts.at(1)).text);
  }

  std::string text_;
  std::unique_ptr<TSTree, void (*)(TSTree*)> tree_{nullptr, ts_tree_delete};
  std::map<std::string, Value> tables_;
};

/// First and last address as 4 or 16 bytes; throws for what New-NetFirewallRule refuses.
struct Span16 {
  std::string first;
  std::string last;
};

inline std::string bytes_of(const std::string& text) {
  std::array<char, 16> out{};
  if (inet_pton(AF_INET, text.c_str(), out.data()) == 1) return {out.data(), 4};
  if (inet_pton(AF_INET6, text.c_str(), out.data()) == 1) return {out.data(), 16};
  throw std::runtime_error("no address: " + text);
}

inline Span16 span_of(const std::string& text) {
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  Span16 span{bytes_of(text.substr(0, std::min(dash, slash))), {}};
  span.last = span.first;
  if (dash != std::string::npos) span.last = bytes_of(text.substr(dash + 1));
  if (slash != std::string::npos) {
    const std::size_t length = std::stoul(text.substr(slash + 1));
    if (length == 0 || length > span.first.size() * 8) throw std::runtime_error("mask: " + text);
    for (std::size_t bit = length; bit < span.first.size() * 8; ++bit) {
      const auto mask = static_cast<char>(0x80 >> (bit % 8));
      if ((span.first[bit / 8] & mask) != 0) throw std::runtime_error("host bits: " + text);
      span.last[bit / 8] = static_cast<char>(span.last[bit / 8] | mask);
    }
  }
  const bool ordered = std::memcmp(span.first.data(), span.last.data(), span.first.size()) <= 0;
  if (span.first.size() != span.last.size() || !ordered) throw std::runtime_error("range: " + text);
  // [MS-FASP] 2.2.37: neither the unspecified nor the loopback address of IPv6.
  if (span.first.size() == 16 && span.first.substr(0, 15) == std::string(15, '\0') &&
      span.first[15] <= 1) {
    throw std::runtime_error("`::` or `::1`: " + text);
  }
  return span;
}

/// A packet at a server's network card.
struct WindowsPacket {
  bool inbound = true;
  std::string local;   ///< bytes
  std::string remote;  ///< bytes
  unsigned protocol = 0;
  unsigned detail = 0;  ///< port that is asked for, or ICMP type × 256 + code
};

/// New-NetFirewallRule's arguments as Windows matches them, from a table of a script.
class WindowsRules {
 public:
  explicit WindowsRules(const Value& table) {
    for (const Value& each : table.list) rules_.push_back(read(each));
  }

  /// "Block", "Allow" or "Default": block beats allow, both beat the profile's default action.
  std::string verdict(const WindowsPacket& packet) const {
    std::string out = "Default";
    for (const Rule& rule : rules_) {
      if (!matches(rule, packet)) continue;
      if (rule.action == "Block") return "Block";
      out = "Allow";
    }
    return out;
  }

 private:
  struct Rule {
    bool inbound = true;
    std::string action;
    std::optional<unsigned> protocol;
    std::vector<std::pair<unsigned, unsigned>> local_ports;
    std::vector<std::pair<unsigned, unsigned>> remote_ports;
    std::vector<std::pair<unsigned, unsigned>> types;
    std::optional<std::vector<Span16>> local;
    std::optional<std::vector<Span16>> remote;
  };

  static Rule read(const Value& table) {
    Rule out;
    out.inbound = table.at("Direction").text == "Inbound";
    if (!out.inbound && table.at("Direction").text != "Outbound")
      throw std::runtime_error("Direction");
    out.action = table.at("Action").text;
    if (out.action != "Allow" && out.action != "Block") throw std::runtime_error("Action");
    const std::string& protocol = table.at("Protocol").text;
    static const std::map<std::string, unsigned> known{
        {"TCP", 6}, {"UDP", 17}, {"ICMPv4", 1}, {"ICMPv6", 58}};
    if (known.contains(protocol)) {
      out.protocol = known.at(protocol);
    } else if (protocol != "Any") {
      out.protocol = static_cast<unsigned>(std::stoul(protocol));
    }
    out.local_ports = ports(table.texts("LocalPort"));
    out.remote_ports = ports(table.texts("RemotePort"));
    for (const std::string& text : table.texts("IcmpType")) out.types.push_back(type(text));
    const bool has_ports = !out.local_ports.empty() || !out.remote_ports.empty();
    if (has_ports && out.protocol != 6u && out.protocol != 17u) throw std::runtime_error("ports");
    if (!out.types.empty() && out.protocol != 1u && out.protocol != 58u) {
      throw std::runtime_error("types");
    }
    out.local = spans(table.texts("LocalAddress"));
    if (!table.texts("RemoteDynamicKeywordAddresses").empty()) {
      if (out.inbound) throw std::runtime_error("Windows resolves no names for inbound rules");
      out.remote.emplace();  // no address is known to have the name
      return out;
    }
    out.remote = spans(table.texts("RemoteAddress"));
    check_families(out);
    return out;
  }

  static std::vector<std::pair<unsigned, unsigned>> ports(const std::vector<std::string>& texts) {
    if (texts.size() > 1000) throw std::runtime_error("more than 1,000 ports");
    std::vector<std::pair<unsigned, unsigned>> out;
    for (const std::string& text : texts) {
      const std::size_t dash = text.find('-');
      const auto first = static_cast<unsigned>(std::stoul(text.substr(0, dash)));
      const auto last = dash == std::string::npos
                            ? first
                            : static_cast<unsigned>(std::stoul(text.substr(dash + 1)));
      if (first > last || last > 65535) throw std::runtime_error("port: " + text);
      out.emplace_back(first, last);
    }
    return out;
  }
  static std::pair<unsigned, unsigned> type(const std::string& text) {
    const std::size_t colon = text.find(':');
    const auto number = static_cast<unsigned>(std::stoul(text.substr(0, colon)));
    if (colon == std::string::npos) return {number << 8, (number << 8) | 0xff};
    const auto code = static_cast<unsigned>(std::stoul(text.substr(colon + 1)));
    return {(number << 8) | code, (number << 8) | code};
  }
  static std::optional<std::vector<Span16>> spans(const std::vector<std::string>& texts) {
    if (texts.empty()) throw std::runtime_error("an empty list would mean every address");
    if (texts.size() > 1000) throw std::runtime_error("more than 1,000 addresses");
    if (texts.size() == 1 && texts.front() == "Any") return std::nullopt;
    std::vector<Span16> out;
    for (const std::string& text : texts) out.push_back(span_of(text));
    return out;
  }
  static bool has(const std::vector<Span16>& spans, std::size_t size) {
    return std::any_of(spans.begin(), spans.end(),
                       [&](const Span16& span) { return span.first.size() == size; });
  }
  static void check_families(const Rule& rule) {
    if (!rule.local) throw std::runtime_error("LocalAddress is Any");
    for (const std::size_t size : {std::size_t{4}, std::size_t{16}}) {
      if (rule.remote && has(*rule.local, size) != has(*rule.remote, size)) {
        throw std::runtime_error("a family on one side only");
      }
      if (rule.protocol == (size == 4 ? 58u : 1u) && has(*rule.local, size)) {
        throw std::runtime_error("ICMP of the other family");
      }
    }
  }

  static bool in(const std::vector<std::pair<unsigned, unsigned>>& ranges, unsigned value) {
    return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
             return range.first <= value && value <= range.second;
           });
  }
  static bool in(const std::optional<std::vector<Span16>>& spans, const std::string& address) {
    return !spans || std::any_of(spans->begin(), spans->end(), [&](const Span16& span) {
      return span.first.size() == address.size() &&
             std::memcmp(span.first.data(), address.data(), address.size()) <= 0 &&
             std::memcmp(address.data(), span.last.data(), address.size()) <= 0;
    });
  }
  static bool matches(const Rule& rule, const WindowsPacket& packet) {
    if (rule.inbound != packet.inbound) return false;
    if (rule.protocol && *rule.protocol != packet.protocol) return false;
    // The port that is asked for is local when the packet comes in, remote when it goes out; the
    // other side's is some ephemeral port, which no rule of ours may ask about.
    const auto& asked = packet.inbound ? rule.local_ports : rule.remote_ports;
    const auto& other = packet.inbound ? rule.remote_ports : rule.local_ports;
    if (!other.empty()) return false;
    return in(asked, packet.detail) && in(rule.types, packet.detail) &&
           in(rule.local, packet.local) && in(rule.remote, packet.remote);
  }

  std::vector<Rule> rules_;
};

}  // namespace hcipol::test::windows_firewall
