// A kind of traffic sees only some of the lines, and where one of them takes everything, what
// follows is not even looked at.
#include "backends/iptables/read_back.h"

#include <algorithm>
#include <optional>
#include <set>

#include "backends/common/gateway/read_script.h"
#include "backends/iptables/read_rules.h"
#include "backends/iptables/read_sets.h"
#include "gateway_script.h"
#include "iptables_script.h"

namespace hcipol::backends::iptables {

namespace {

using ReadAct = ReadRule::Act;
using Traffic = Reading::Traffic;
using Loopback = ReadLine::Loopback;

/// The chains of a file as one kind of traffic meets them on one way.
class View {
 public:
  View(const RuleFile& file, const ReadWay& way, Traffic traffic, bool listeners = false)
      : file_(file), traffic_(traffic), listeners_(listeners) {
    if (listeners) reading_.untracked = multicast_listeners();
    reading_.file = std::string(file.file());
    reading_.traffic = traffic;
    reading_.on_machine = way.built_in != "FORWARD";
    reading_.inbound = way.built_in == "INPUT";
    reading_.families = {file.family()};
    reading_.denies_rest = way.drops_rest;
    places_.resize(file.chains().size());
    place(way.first);
    // Lists are found while others are read.
    for (std::size_t i = 0; i < order_.size(); ++i) copy(order_[i]);
  }
  Reading take() { return std::move(reading_); }

 private:
  std::uint32_t place(std::uint32_t chain) {
    if (!places_[chain]) {
      places_[chain] = static_cast<std::uint32_t>(order_.size());
      order_.push_back(chain);
      reading_.lists.emplace_back();
    }
    return *places_[chain];
  }

  void copy(std::uint32_t chain) {
    const std::size_t list = *places_[chain];
    const std::vector<ReadLine>& lines = file_.chains()[chain].lines;
    reading_.lists[list].reserve(traffic_ == Traffic::connections ? lines.size() : 0);
    for (const ReadLine& line : lines) {
      if (!sees(line)) continue;
      ReadRule rule = line.rule;
      const bool leads_on = rule.act == ReadAct::jump || rule.act == ReadAct::go;
      if (leads_on) rule.list = place(rule.list);
      reading_.lists[list].push_back(rule);
      const bool all = rule.from == nullptr && rule.to == nullptr && rule.service == nullptr;
      if (all && rule.act != ReadAct::jump) return;
    }
  }

  bool sees(const ReadLine& line) const {
    if (line.loopback != Loopback::any) {
      // An incoming packet has no way out yet, and the other way round.
      const Loopback here = reading_.inbound ? Loopback::in : Loopback::out;
      if (traffic_ != Traffic::itself || line.loopback != here) return false;
    }
    switch (traffic_) {
      case Traffic::itself:
      case Traffic::connections: return !line.untouched && (line.states & state_new) != 0;
      case Traffic::replies: return !line.untouched && sees_replies(line);
      case Traffic::invalid: return !line.untouched && (line.states & state_invalid) != 0;
      case Traffic::neighbours:
        // What listeners say has a hop limit of 1.
        if (listeners_ && line.untouched) return false;
        return (line.states & state_untracked) != 0 &&
               (line.rule.service == nullptr || line.rule.service->intersects(reading_.untracked));
    }
    return true;
  }
  // Answers are ESTABLISHED and errors about them RELATED: only what takes both lets both through.
  static bool sees_replies(const ReadLine& line) {
    constexpr unsigned both = state_established | state_related;
    if (line.rule.act == ReadAct::deny || line.rule.act == ReadAct::leave)
      return (line.states & both) != 0;
    return (line.states & both) == both;
  }

  const RuleFile& file_;
  Traffic traffic_;
  bool listeners_ = false;
  Reading reading_;
  std::vector<std::optional<std::uint32_t>> places_;
  std::vector<std::uint32_t> order_;
};

class Files {
 public:
  explicit Files(std::span<const Artefact> artefacts) : artefacts_(artefacts) {
    for (const Artefact& artefact : artefacts) {
      if (!known_.contains(artefact.path)) throw Unreadable(artefact.path, 0, "an unknown file");
    }
  }
  const Artefact* find(std::string_view path) const {
    const auto found = std::find_if(artefacts_.begin(), artefacts_.end(),
                                    [&](const Artefact& one) { return one.path == path; });
    return found == artefacts_.end() ? nullptr : &*found;
  }
  const Artefact& need(std::string_view path) const {
    const Artefact* found = find(path);
    if (found == nullptr) throw Unreadable(path, 0, "the file is missing");
    return *found;
  }

 private:
  std::span<const Artefact> artefacts_;
  const std::set<std::string_view> known_{"rules.v4",     "rules.v6",           "ipset",
                                          "dnsmasq.conf", "dnsmasq-cache.conf", "apply.sh"};
};

void check_all_used(const SetTable& sets, const RuleFile& v4, const RuleFile& v6) {
  for (const std::string_view name : sets.names()) {
    const bool used = v4.sets_used().contains(name) || v6.sets_used().contains(name);
    if (!used) throw Unreadable("ipset", 0, "no rule names the set `" + std::string(name) + "`");
  }
}

/// "FORWARD:HCI-prod", as the script is told.
std::string hooks_of(const RuleFile& file) {
  std::string out;
  for (const ReadWay& way : file.ways()) {
    const auto& chains = file.chains();
    std::uint32_t first = way.first;
    if (file.owns_table()) {
      const auto& lines = chains[first].lines;
      if (lines.size() != 1 || lines.front().rule.act != ReadAct::jump) {
        throw Unreadable(file.file(), 0, "more in " + std::string(way.built_in) + " than its hook");
      }
      first = lines.front().rule.list;
    }
    if (!out.empty()) out += ' ';
    out += std::string(way.built_in) + ":" + std::string(chains[first].name);
  }
  return out;
}

/// What the script takes off the device: chains called so, and those whose names begin so.
void check_named_after(const RuleFile& file, const std::string& base) {
  for (const ReadChain& chain : file.chains()) {
    const bool built_in =
        chain.name == "INPUT" || chain.name == "FORWARD" || chain.name == "OUTPUT";
    if (!built_in && chain.name != base && !chain.name.starts_with(base + "."))
      throw Unreadable(file.file(), 0,
                       "the script does not know `" + std::string(chain.name) + "`");
  }
}

/// A shebang, a comment, what the rest of it is told; the rest is the same in every one.
class Script {
 public:
  Script(const Artefact& artefact, std::string_view files)
      : artefact_(artefact), rest_(artefact.text) {
    if (!line("#!/bin/sh", "it does not begin as a script does").empty()) {
      fail("another shell than sh");
    }
    line("# ", "its heading is missing");
    base_ = quoted_word("base=");
    hooks_ = quoted_word("hooks=");
    table_ = line("table=", "the kind of table is missing");
    std::string fixed(files);
    for (const EmbeddedFile& file : iptables_script()) fixed += "\n" + std::string(file.text);
    for (const EmbeddedFile& file : gateway_script()) fixed += "\n" + std::string(file.text);
    if (rest_ != fixed) fail("its fixed part is not what it was");
  }

  void check(const RuleFile& file) const {
    if (hooks_ != hooks_of(file)) fail("it hooks other chains than the rules say");
    if (table_ != (file.owns_table() ? "own" : "shared")) fail("it loads another kind of table");
    check_named_after(file, base_);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw Unreadable(artefact_.path, number_, what);
  }
  std::string_view line(std::string_view begin, std::string_view what) {
    ++number_;
    const std::size_t end = rest_.find('\n');
    const std::string_view found = rest_.substr(0, end);
    if (end == std::string_view::npos || !found.starts_with(begin)) fail(what);
    rest_.remove_prefix(end + 1);
    return found.substr(begin.size());
  }
  std::string quoted_word(std::string_view begin) {
    const std::string_view found = line(begin, "a word for the script is missing");
    const bool whole = found.size() > 2 && found.front() == '\'' && found.back() == '\'';
    const std::string_view inner = whole ? found.substr(1, found.size() - 2) : "'";
    if (inner.find('\'') != std::string_view::npos) fail("a word that is not quoted");
    return std::string(inner);
  }

  const Artefact& artefact_;
  std::string_view rest_;
  std::size_t number_ = 0;
  std::string base_;
  std::string hooks_;
  std::string_view table_;
};

std::vector<Traffic> kinds_of_traffic(const RuleFile& file, const ReadWay& way) {
  std::vector<Traffic> out{Traffic::connections, Traffic::replies, Traffic::invalid};
  if (way.built_in != "FORWARD") out.push_back(Traffic::itself);
  if (file.family() == net::Family::ipv6) out.push_back(Traffic::neighbours);
  return out;
}

}  // namespace

DeviceReading read_back(std::span<const Artefact> artefacts, const ReadContext&) {
  const Files files(artefacts);
  SetTable sets;
  if (const Artefact* file = files.find("ipset")) sets.restore(file->path, file->text);
  if (const Artefact* file = files.find("dnsmasq.conf")) sets.learn(file->path, file->text);
  const Artefact* cache = files.find("dnsmasq-cache.conf");
  if (sets.learns()) cache = &files.need("dnsmasq-cache.conf");
  if (cache != nullptr) sets.read_cache(cache->path, cache->text);

  DeviceReading out;
  const Artefact& first = files.need("rules.v4");
  const Artefact& second = files.need("rules.v6");
  const RuleFile v4(first.path, first.text, net::Family::ipv4, sets, out);
  const RuleFile v6(second.path, second.text, net::Family::ipv6, sets, out);
  check_all_used(sets, v4, v6);
  const Script script(files.need("apply.sh"), gateway::files_line(artefacts));
  for (const RuleFile* file : {&v4, &v6}) {
    script.check(*file);
    for (const ReadWay& way : file->ways()) {
      for (const Traffic traffic : kinds_of_traffic(*file, way)) {
        out.readings.push_back(View(*file, way, traffic).take());
      }
      // Beside others, who listens is their business.
      const bool alone = file->owns_table() && way.built_in != "FORWARD";
      if (alone && file->family() == net::Family::ipv6) {
        out.readings.push_back(View(*file, way, Traffic::neighbours, true).take());
      }
    }
  }
  return out;
}

}  // namespace hcipol::backends::iptables
