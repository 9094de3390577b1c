// A deny by name is the dangerous case: what dnsmasq has not handed out yet is not denied.
#include "backends/common/gateway/remarks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "backends/common/gateway/domains.h"

namespace hcipol::backends::gateway {

namespace {

/// What is to be said of one rule, each thing once, in the order found.
struct RuleRemarks {
  const flow::Flow* flow = nullptr;
  std::vector<std::string> below;  ///< names of all its peers, which are one sentence
  std::vector<std::string> sentences;
  std::vector<std::string> whole;  ///< the same, with no list shortened
  std::vector<Wider> wider;        ///< one for each set of services
  std::vector<Change> changes;
};

void add_once(std::vector<std::string>& all, const std::string& one) {
  if (!one.empty() && std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
}

std::string joined(std::vector<std::string> sentences, const std::vector<std::string>& more) {
  sentences.insert(sentences.end(), more.begin(), more.end());
  std::erase(sentences, "");
  return fmt::format("{}", fmt::join(sentences, "; "));
}

/// What the gateway has in place of the set.
net::PeerSet on_the_device(const Peer& peer) {
  std::vector<net::DomainPattern> names;
  for (const net::DomainPattern& pattern : peer.names) {
    names.push_back({pattern.name, false});
    names.push_back({pattern.name, true});
  }
  return {peer.addresses, net::DomainSet::of(std::move(names))};
}

/// Names that the gateway has addresses for instead.
net::DomainSet lost_names(const Peer& peer) {
  const bool lost = peer.names.empty() && peer.set->has_names();
  return lost ? peer.set->set.names : net::DomainSet();
}

class Reporting {
 public:
  Reporting(Peers& peers, EmitContext& context) : peers_(peers), context_(context) {}

  void look_at(const flow::Flow& flow) {
    for (const auto* sets : {&flow.from, &flow.to}) {
      for (const auto* set : *sets) look_at(flow, peers_.of(set), sets == &flow.from);
    }
    add_changes(flow);
  }

  void finish() {
    for (const RuleRemarks& remarks : rules_) {
      const bool deny = remarks.flow->kind == policy::Rule::Kind::deny;
      const std::string first = deny ? deny_by_name() : "";
      std::string text = joined({first, widening(remarks.below, false)}, remarks.sentences);
      std::string whole = joined({first, widening(remarks.below, true)}, remarks.whole);
      if (!first.empty()) {
        context_.not_enforced(*remarks.flow, title_, std::move(text), remarks.changes,
                              std::move(whole));
      } else if (!text.empty()) {
        context_.widened(*remarks.flow, title_, std::move(text), remarks.wider, remarks.changes,
                         std::move(whole));
      }
    }
    if (by_name_) {
      std::string text = fmt::format(
          "names are known by the addresses that {} hands out: another name on the "
          "same address passes, too, and {} must ask no other resolver",
          dialect_.resolver, dialect_.askers);
      const std::string_view more = dialect_.learnt_note;
      if (!more.empty()) text += fmt::format("; {}", more);
      context_.note(title_, std::move(text));
    }
    if (name_as_source_) {
      context_.note(title_, fmt::format("a name as a source is known only after a look-up of it "
                                        "through {}",
                                        dialect_.resolver));
    }
    if (peers_.settings().rest == Settings::Rest::pass) {
      context_.note(title_, fmt::format("default = \"return\": what nothing allows is left to {}",
                                        dialect_.rest));
    }
  }

 private:
  void look_at(const flow::Flow& flow, const Peer& peer, bool source) {
    if (!peer.fault.empty()) context_.cannot(flow, title_, peer.fault);
    if (!peer.missing_tag.empty()) {
      context_.reporter()
          .report<Diag::no_service_tags>(context_.place(flow.rule),
                                         "rule `" + flow.rule->address + "`", peer.missing_tag)
          .help("give the policy a service tag file: data \"service_tags\"");
    }
    for (const net::DomainPattern& name : peer.unlocked) report_unlocked(peer, name);
    if (!peer.names.empty()) {
      by_name_ = true;
      name_as_source_ = name_as_source_ || source;
    }
    if (peer.names.empty() && !peer.is_wider()) return;
    const auto [place, fresh] = index_.emplace(flow.rule, rules_.size());
    if (fresh) rules_.push_back({&flow, {}, {}, {}, {}, {}});
    RuleRemarks& remarks = rules_[place->second];
    for (const std::string& name : peer.below) add_once(remarks.below, name);
    add_once(remarks.sentences, peer.wider);
    add_once(remarks.whole, peer.wider_whole.empty() ? peer.wider : peer.wider_whole);
    const auto& all = peer.below.empty() ? peer.wider_by : peer.below;
    if (all.empty()) return;
    const std::string on = net::to_string(flow.service);
    auto wider = std::find_if(remarks.wider.begin(), remarks.wider.end(),
                              [&](const Wider& one) { return one.on == on; });
    if (wider == remarks.wider.end()) wider = remarks.wider.insert(wider, {{}, {}, on});
    for (const std::string& by : all) add_once(source ? wider->from : wider->to, by);
  }

  void report_unlocked(const Peer& peer, const net::DomainPattern& name) {
    if (!unlocked_.insert(name).second) return;
    const LockedNames& locked = peers_.settings().locked;
    if (locked.path.empty()) return;  // what is wrong with the file has been said
    context_.reporter()
        .report<Diag::not_in_lockfile>(peer.set->span, net::to_string(name), locked.path)
        .help(fmt::format("add the line `{} ADDRESS …` to `{}`: `hcipolc show --names` lists all "
                          "names",
                          net::to_string(name), locked.path));
  }

  /// Why a deny by name is less than one, or "".
  std::string deny_by_name() const {
    constexpr std::string_view rest = "others pass if something allows them";
    switch (peers_.settings().names) {
      case Settings::Names::dnsmasq:
        return fmt::format("it denies only addresses that {} has handed out for these names; {}",
                           dialect_.resolver, rest);
      case Settings::Names::lockfile:
        return fmt::format("it denies only the addresses that `{}` gives for these names; {}",
                           peers_.settings().locked.path, rest);
      default: return {};
    }
  }

  void add_changes(const flow::Flow& flow) {
    const auto remarks = index_.find(flow.rule);
    if (remarks == index_.end()) return;
    net::PeerSet from, to, lost_from, lost_to;
    bool wider = false;
    const auto add = [&](const Peer& peer, net::PeerSet& all, net::PeerSet& lost) {
      all = all | on_the_device(peer);
      lost.names = lost.names | lost_names(peer);
      wider = wider || peer.is_wider();
    };
    for (const auto* set : flow.from) add(peers_.of(set), from, lost_from);
    for (const auto* set : flow.to) add(peers_.of(set), to, lost_to);
    if (!wider) return;
    auto& changes = rules_[remarks->second].changes;
    changes.push_back({Change::Kind::added, {from, to, flow.service}});
    const auto lose = [&](net::PeerSet source, net::PeerSet destination) {
      net::Box box{std::move(source), std::move(destination), flow.service};
      if (!net::is_empty(box)) changes.push_back({Change::Kind::lost, std::move(box)});
    };
    lose(lost_from, flow::peers(flow.to));
    lose(flow::peers(flow.from), lost_to);
  }

  Peers& peers_;
  const Dialect& dialect_ = peers_.dialect();
  const std::string_view title_ = dialect_.title;
  EmitContext& context_;
  std::vector<RuleRemarks> rules_;
  std::map<const policy::Rule*, std::size_t> index_;
  std::set<net::DomainPattern> unlocked_;  ///< already reported
  bool by_name_ = false;
  bool name_as_source_ = false;
};

}  // namespace

void report_peers(const flow::DevicePolicy& device, Peers& peers, EmitContext& context) {
  Reporting reporting(peers, context);
  for (const flow::Flow& flow : device.flows) reporting.look_at(flow);
  reporting.finish();
}

}  // namespace hcipol::backends::gateway
