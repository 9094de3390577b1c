// The file is read as it is laid out: any other layout is unknown, and so refused.
#include "backends/nftables/read_table.h"

#include <algorithm>
#include <optional>
#include <set>

#include "backends/common/read_text.h"

namespace hcipol::backends::nftables {

namespace {

constexpr std::size_t longest_name = 255;

/// What stands between `before` and `after`; nothing if they are not at the ends.
std::optional<std::string_view> between(std::string_view text, std::string_view before,
                                        std::string_view after) {
  if (text.size() < before.size() + after.size()) return std::nullopt;
  if (!text.starts_with(before) || !text.ends_with(after)) return std::nullopt;
  return text.substr(before.size(), text.size() - before.size() - after.size());
}

bool is_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= longest_name && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
                  c == '/';
         });
}

bool known_type(const TableSet& set) {
  static const std::set<std::string_view> sets{
      "type ipv4_addr; flags interval;", "type ipv6_addr; flags interval;",
      "type ipv4_addr; flags dynamic,timeout; timeout 86400s; size 1048576;",
      "type ipv6_addr; flags dynamic,timeout; timeout 86400s; size 1048576;"};
  static const std::set<std::string_view> maps{
      "type ipv4_addr : verdict;",
      "type ipv6_addr : verdict;",
      "type inet_proto : verdict;",
      "type inet_proto . inet_service : verdict;",
      "type ipv4_addr . inet_proto . inet_service : verdict;",
      "type ipv6_addr . inet_proto . inet_service : verdict;",
      "type ipv4_addr . ipv4_addr . inet_proto . inet_service : verdict;",
      "type ipv6_addr . ipv6_addr . inet_proto . inet_service : verdict;"};
  if (!set.map) return sets.contains(set.type);
  const auto plain = between(set.type, "", " flags interval;");
  return maps.contains(plain.value_or(set.type));
}

}  // namespace

Table::Table(std::string_view file, std::string_view text) : file_(file) {
  for_each_line(file, text, [&](std::string_view line, std::size_t number) {
    line_ = number;
    read(line);
  });
  line_ = 0;
  finish();
}

void Table::fail(std::size_t line, std::string_view what) const {
  throw Unreadable(file_, line, what);
}

void Table::read(std::string_view line) {
  if (line.starts_with("#") && part_ == Part::head) return;
  switch (part_) {
    case Part::head: return open(line);
    case Part::declaration: return declare(line);
    case Part::emptying: return empty(line);
    case Part::content: return fill(line);
    case Part::done: fail("a line behind the table");
  }
}

void Table::open(std::string_view line) {
  const auto name = between(line, "table inet ", " {");
  if (!name || !is_name(*name)) fail("no table of family inet");
  name_ = *name;
  part_ = Part::declaration;
}

void Table::declare(std::string_view line) {
  if (line == "}") {
    part_ = Part::emptying;
    return;
  }
  if (const auto chain = between(line, "  chain ", " }")) {
    const std::size_t brace = chain->find(" {");
    if (brace == std::string_view::npos) fail("a chain without a brace");
    const std::string_view base = chain->substr(brace + 2);
    const auto hook =
        between(base, " type filter hook ", " priority filter; policy accept;").value_or("");
    if (!base.empty() && hook != "forward" && hook != "input" && hook != "output") {
      fail("another hook");
    }
    chains_.push_back({chain->substr(0, brace), hook, {}});
    if (!is_name(chains_.back().name)) fail("a chain's name");
    if (!chain_places_.emplace(chains_.back().name, chains_.size() - 1).second) {
      fail("a chain stands twice");
    }
    return;
  }
  TableSet set;
  set.map = line.starts_with("  map ");
  const auto text = between(line, set.map ? "  map " : "  set ", " }");
  const std::size_t brace = text ? text->find(" { ") : std::string_view::npos;
  if (brace == std::string_view::npos) fail("no declaration that is known here");
  set.type = text->substr(brace + 3);
  if (!known_type(set)) fail("a type that is not known here");
  const std::string_view name = text->substr(0, brace);
  if (!is_name(name)) fail("a set's name");
  if (!sets_.emplace(name, std::move(set)).second) fail("a set stands twice");
}

void Table::empty(std::string_view line) {
  const std::string own = " inet " + std::string(name_);
  if (line == "flush table" + own) {
    flushed_ = true;
  } else if (line == "table" + own + " {") {
    if (!flushed_) fail("rules of an older file would stay");
    part_ = Part::content;
  } else {
    const bool map = line.starts_with("flush map");
    const auto name = between(line, (map ? "flush map" : "flush set") + own + " ", "");
    if (!name) fail("no command that is known here");
    const auto found = sets_.find(*name);
    if (found == sets_.end() || found->second.map != map) fail("there is no set " + quoted(*name));
    if (found->second.type.find("timeout") != std::string_view::npos) {
      fail("the addresses that dnsmasq has added would be lost");
    }
    found->second.emptied = true;
  }
}

void Table::fill(std::string_view line) {
  if (set_ != nullptr) {
    const auto element = between(line, "      ", ",");
    if (in_elements_ && element) {
      set_->elements.push_back({*element, line_});
    } else if (in_elements_ && line == "    }") {
      in_elements_ = false;
    } else if (!in_elements_ && !typed_ && line == "    " + std::string(set_->type)) {
      typed_ = true;
    } else if (!in_elements_ && typed_ && line == "    elements = {") {
      in_elements_ = true;
    } else if (!in_elements_ && typed_ && line == "  }") {
      set_ = nullptr;
    } else {
      fail("no line of a set that is known here");
    }
    return;
  }
  if (chain_ != nullptr) {
    if (line == "  }") {
      chain_ = nullptr;
    } else if (const auto rule = between(line, "    ", ""); rule && !rule->starts_with(' ')) {
      chain_->rules.push_back({*rule, line_});
    } else {
      fail("no rule that is known here");
    }
    return;
  }
  if (line == "}") {
    part_ = Part::done;
    return;
  }
  if (const auto name = between(line, "  chain ", " {")) {
    const auto found = chain_places_.find(*name);
    if (found == chain_places_.end()) fail("there is no chain " + quoted(*name));
    chain_ = &chains_[found->second];
    return;
  }
  const bool map = line.starts_with("  map ");
  const auto name = between(line, map ? "  map " : "  set ", " {");
  const auto found = name ? sets_.find(*name) : sets_.end();
  if (found == sets_.end() || found->second.map != map) fail("nothing that was declared");
  set_ = &found->second;
  typed_ = false;
}

void Table::finish() const {
  if (part_ != Part::done) fail("the table does not end");
  std::vector<std::string_view> hooks;
  for (const TableChain& chain : chains_) {
    if (!chain.hook.empty()) hooks.push_back(chain.hook);
  }
  std::sort(hooks.begin(), hooks.end());
  // Half of a machine's traffic would not be filtered.
  const bool gateway = hooks == std::vector<std::string_view>{"forward"};
  const bool machine = hooks == std::vector<std::string_view>{"input", "output"};
  if (!gateway && !machine) fail("neither a gateway's hook nor both of a machine");
  for (const auto& [name, set] : sets_) {
    const bool learnt = set.type.find("timeout") != std::string_view::npos;
    if (!learnt && !set.emptied) fail("what was in " + quoted(name) + " would stay");
    if (learnt && !set.elements.empty()) fail(quoted(name) + " is for dnsmasq to fill");
  }
}

}  // namespace hcipol::backends::nftables
