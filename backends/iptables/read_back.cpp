// A kind of traffic sees only some of the lines, and where one of them takes everything, what
// follows is not even looked at.
#include "backends/iptables/read_back.h"

#include <algorithm>
#include <optional>
#include <set>

#include "backends/iptables/read_rules.h"
#include "backends/iptables/read_sets.h"
#include "iptables_script.h"

namespace hcipol::backends::iptables {

namespace {

using ReadAct = ReadRule::Act;
using Traffic = Reading::Traffic;

/// The chains of a file as one kind of traffic meets them.
class View {
 public:
  View(const RuleFile& file, Traffic traffic) : file_(file), traffic_(traffic) {
    reading_.file = std::string(file.file());
    reading_.traffic = traffic;
    reading_.families = {file.family()};
    places_.resize(file.chains().size());
    place(file.top());
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
    switch (traffic_) {
      case Traffic::connections: return !line.untouched && (line.states & state_new) != 0;
      case Traffic::replies: return !line.untouched && sees_replies(line);
      case Traffic::invalid: return !line.untouched && (line.states & state_invalid) != 0;
      case Traffic::neighbours:
        return (line.states & state_untracked) != 0 &&
               (line.rule.service == nullptr || line.rule.service->intersects(discovery()));
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
  static const net::ServiceSet& discovery() {
    static const net::ServiceSet set =
        net::ServiceSet::of({{58 * 65536 + 133 * 256, 58 * 65536 + 136 * 256 + 255}});
    return set;
  }

  const RuleFile& file_;
  Traffic traffic_;
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

// A shebang, a comment, the chain that it hooks and whose name all that it removes begins with; the
// rest is the same in every one.
void check_script(const Artefact& script, std::string_view chain) {
  std::string_view text = script.text;
  std::size_t number = 0;
  const auto line = [&](std::string_view begin, std::string_view what) {
    ++number;
    const std::size_t end = text.find('\n');
    const std::string_view found = text.substr(0, end);
    if (end == std::string_view::npos || !found.starts_with(begin)) {
      throw Unreadable(script.path, number, what);
    }
    text.remove_prefix(end + 1);
    return found.substr(begin.size());
  };
  if (!line("#!/bin/sh", "it does not begin as a script does").empty()) {
    throw Unreadable(script.path, number, "another shell than sh");
  }
  line("# ", "its heading is missing");
  if (line("base=", "the name of the chain is missing") != "'" + std::string(chain) + "'") {
    throw Unreadable(script.path, number, "it hooks another chain than rules.v4 says");
  }
  std::string fixed = "\n";
  for (const EmbeddedFile& file : iptables_script()) fixed += file.text;
  if (text != fixed) throw Unreadable(script.path, 0, "its fixed part is not what it was");
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
  check_script(files.need("apply.sh"), v4.chains()[v4.top()].name);
  for (const RuleFile* file : {&v4, &v6}) {
    for (const Traffic traffic : {Traffic::connections, Traffic::replies, Traffic::invalid}) {
      out.readings.push_back(View(*file, traffic).take());
    }
  }
  out.readings.push_back(View(v6, Traffic::neighbours).take());
  return out;
}

}  // namespace hcipol::backends::iptables
