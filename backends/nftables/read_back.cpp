// A look-up in a map is a rule for each of its elements.
#include "backends/nftables/read_back.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "backends/common/gateway/read_dnsmasq.h"
#include "backends/common/gateway/read_script.h"
#include "backends/common/read_text.h"
#include "backends/nftables/read_maps.h"
#include "backends/nftables/read_operands.h"
#include "backends/nftables/read_rule.h"
#include "backends/nftables/read_table.h"
#include "gateway_script.h"
#include "nftables_script.h"

namespace hcipol::backends::nftables {

namespace {

using ReadAct = ReadRule::Act;
using net::Family;
using Traffic = Reading::Traffic;

bool is_learnt(const TableSet& set) {
  return set.type.find("timeout") != std::string_view::npos;
}

/// The chains of the table as one kind of traffic of one family meets them.
class View {
 public:
  /// From the chain of index `top` on.
  View(const Table& table, std::size_t top, const std::vector<std::vector<RuleReading>>& rules,
       Operands& operands, Family family, Traffic traffic)
      : table_(table), rules_(rules), operands_(operands), family_(family), traffic_(traffic) {
    const std::string_view hook = table.chains()[top].hook;
    reading_.file = std::string(table.file());
    reading_.traffic = traffic;
    reading_.on_machine = hook != "forward";
    reading_.inbound = hook == "input";
    reading_.families = {family};
    for (std::size_t i = 0; i < table.chains().size(); ++i) {
      by_name_[table.chains()[i].name] = static_cast<std::uint32_t>(i);
    }
    place(static_cast<std::uint32_t>(top));
    // Lists are found while others are read.
    for (std::size_t i = 0; i < order_.size(); ++i) copy(order_[i], i);
  }
  Reading take() { return std::move(reading_); }

 private:
  std::uint32_t place(std::uint32_t chain) {
    const auto [found, fresh] =
        places_.try_emplace(chain, static_cast<std::uint32_t>(order_.size()));
    if (fresh) {
      order_.push_back(chain);
      reading_.lists.emplace_back();
    }
    return found->second;
  }

  void copy(std::uint32_t chain, std::size_t list) {
    for (std::size_t i = 0; i < rules_[chain].size(); ++i) {
      const RuleReading& rule = rules_[chain][i];
      const std::size_t line = table_.chains()[chain].rules[i].number;
      const bool invalid = rule.kind == RuleReading::Kind::invalid;
      if (invalid || rule.kind == RuleReading::Kind::connected) {
        if (traffic_ != (invalid ? Traffic::invalid : Traffic::replies)) continue;
        put(list, {}, rule.verdict, line);
        return;
      }
      if (!sees(rule)) continue;
      if (rule.kind == RuleReading::Kind::look_up) {
        for (const MapElement& element : read_map(table_, rule, line, family_, operands_)) {
          put(list, element.match, element.verdict, element.line);
        }
        continue;
      }
      ReadRule read;
      read.from = operands_.peers(rule.from, family_, line);
      read.to = operands_.peers(rule.to, family_, line);
      if (rule.service) read.service = operands_.service(*rule.service);
      put(list, read, rule.verdict, line);
      const bool all = read.from == nullptr && read.to == nullptr && read.service == nullptr;
      if (all && rule.verdict.act != ReadAct::jump) return;
    }
  }

  bool sees(const RuleReading& rule) const {
    if (rule.kind == RuleReading::Kind::logs) return false;
    using Loopback = RuleReading::Loopback;
    if (rule.loopback != Loopback::any) {
      // An incoming packet has no way out yet, and the other way round.
      const Loopback here = reading_.inbound ? Loopback::in : Loopback::out;
      if (traffic_ != Traffic::itself || rule.loopback != here) return false;
    }
    if (!rule.families[static_cast<std::size_t>(family_)]) return false;
    if (traffic_ != Traffic::neighbours) return !rule.untouched;
    // What maps find by ports is never about neighbours.
    if (rule.kind == RuleReading::Kind::look_up) return !rule.by_port;
    return !rule.service || rule.service->intersects(discovery());
  }
  static const net::ServiceSet& discovery() {
    static const net::ServiceSet set =
        net::ServiceSet::of({{58 * 65536 + 133 * 256, 58 * 65536 + 136 * 256 + 255}});
    return set;
  }

  void put(std::size_t list, ReadRule rule, const ReadVerdict& verdict, std::size_t line) {
    rule.act = verdict.act;
    if (rule.act == ReadAct::jump || rule.act == ReadAct::go) {
      const auto found = by_name_.find(verdict.chain);
      if (found == by_name_.end()) table_.fail(line, "there is no chain " + quoted(verdict.chain));
      rule.list = place(found->second);
    }
    reading_.lists[list].push_back(rule);
  }

  const Table& table_;
  const std::vector<std::vector<RuleReading>>& rules_;
  Operands& operands_;
  Family family_;
  Traffic traffic_;
  Reading reading_;
  std::map<std::string_view, std::uint32_t> by_name_;
  std::unordered_map<std::uint32_t, std::uint32_t> places_;
  std::vector<std::uint32_t> order_;
};

const Artefact* find(std::span<const Artefact> artefacts, std::string_view path) {
  for (const Artefact& artefact : artefacts) {
    if (artefact.path == path) return &artefact;
  }
  return nullptr;
}

gateway::LearntNames read_names(std::span<const Artefact> artefacts, const Table& table) {
  std::set<std::string, std::less<>> known;
  for (const auto& [name, set] : table.sets()) {
    if (is_learnt(set)) known.insert(reference_to(table.name(), name, set.type));
  }
  const Artefact* snippet = find(artefacts, "dnsmasq.conf");
  const Artefact* cache = find(artefacts, "dnsmasq-cache.conf");
  if (snippet == nullptr) return {};
  if (cache == nullptr) throw Unreadable("dnsmasq-cache.conf", 0, "the file is missing");
  constexpr unsigned timeout = 86400;  // of every learnt set, by its type
  if (gateway::read_cache(cache->path, cache->text) > timeout) {
    throw Unreadable(cache->path, 0, "answers are kept for longer than addresses");
  }
  return gateway::read_domains(
      snippet->path, snippet->text, "nftset", [&](std::string_view reference) -> std::string {
        return known.contains(reference) ? "" : quoted(reference) + " is not filled by names";
      });
}

/// Also by rules behind one that takes everything.
void check_all_used(const Table& table, const std::vector<std::vector<RuleReading>>& chains) {
  std::set<std::string_view> used;
  for (const auto& rules : chains) {
    for (const RuleReading& rule : rules) {
      used.insert(rule.map);
      for (const std::string_view side : {rule.from, rule.to}) {
        if (side.starts_with('@')) used.insert(side.substr(1));
      }
    }
  }
  for (const auto& [name, set] : table.sets()) {
    if (!used.contains(name)) throw Unreadable(table.file(), 0, "no rule names " + quoted(name));
  }
}

std::vector<Traffic> kinds_of_traffic(std::string_view hook, Family family) {
  std::vector<Traffic> out{Traffic::connections, Traffic::replies, Traffic::invalid};
  if (hook != "forward") out.push_back(Traffic::itself);
  if (family == Family::ipv6) out.push_back(Traffic::neighbours);
  return out;
}

}  // namespace

DeviceReading read_back(std::span<const Artefact> artefacts, const ReadContext&) {
  static const std::set<std::string_view> known{"ruleset.nft", "dnsmasq.conf", "dnsmasq-cache.conf",
                                                "apply.sh"};
  for (const Artefact& artefact : artefacts) {
    if (!known.contains(artefact.path)) throw Unreadable(artefact.path, 0, "an unknown file");
  }
  const Artefact* ruleset = find(artefacts, "ruleset.nft");
  if (ruleset == nullptr) throw Unreadable("ruleset.nft", 0, "the file is missing");
  const Table table(ruleset->path, ruleset->text);
  const gateway::LearntNames names = read_names(artefacts, table);
  const Artefact* script = find(artefacts, "apply.sh");
  if (script == nullptr) throw Unreadable("apply.sh", 0, "the file is missing");
  std::string fixed;
  for (const EmbeddedFile& file : nftables_script()) fixed += file.text;
  for (const EmbeddedFile& file : gateway_script()) fixed += "\n" + std::string(file.text);
  gateway::check_script(*script, table.name(), gateway::files_line(artefacts), fixed);
  std::vector<std::vector<RuleReading>> rules;
  for (const TableChain& chain : table.chains()) {
    auto& out = rules.emplace_back();
    for (const TableLine& line : chain.rules) out.push_back(read_rule(table, line));
  }
  DeviceReading out;
  Operands operands(table, names, out);
  for (std::size_t i = 0; i < table.chains().size(); ++i) {
    if (table.chains()[i].hook.empty()) continue;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      for (const Traffic traffic : kinds_of_traffic(table.chains()[i].hook, family)) {
        out.readings.push_back(View(table, i, rules, operands, family, traffic).take());
      }
    }
  }
  check_all_used(table, rules);
  return out;
}

}  // namespace hcipol::backends::nftables
