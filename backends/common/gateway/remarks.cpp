// A deny by name is the dangerous case: what dnsmasq has not handed out yet is not denied.
#include "backends/common/gateway/remarks.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
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

/// What the gateway has in place of the sets.
net::PeerSet on_the_device(std::span<Peer* const> peers) {
  std::vector<net::AddressRange> ranges;
  std::vector<net::DomainPattern> names;
  for (const Peer* peer : peers) {
    const auto own = peer->addresses.ranges();
    ranges.insert(ranges.end(), own.begin(), own.end());
    for (const net::DomainPattern& pattern : peer->names) {
      names.push_back({pattern.name, false});
      names.push_back({pattern.name, true});
    }
  }
  return {net::AddressSet::of(std::move(ranges)), net::DomainSet::of(std::move(names))};
}

/// Names that the gateway has addresses for instead.
net::DomainSet lost_names(std::span<Peer* const> peers) {
  net::DomainSet out;
  for (const Peer* peer : peers) {
    const bool lost = peer->names.empty() && peer->set->has_names();
    if (lost) out = out | peer->set->set.names;
  }
  return out;
}

class Reporting {
 public:
  Reporting(Peers& peers, EmitContext& context) : peers_(peers), context_(context) {}

  void look_at(const flow::Flow& flow) {
    const auto from = peers_.named_from(flow);
    const auto to = peers_.named_to(flow);
    for (const Peer* peer : from) report_faults(flow, *peer);
    for (const Peer* peer : to) report_faults(flow, *peer);
    const auto says = [](const Peer* peer) { return !peer->names.empty() || peer->is_wider(); };
    const bool from_says = std::any_of(from.begin(), from.end(), says);
    const bool to_says = std::any_of(to.begin(), to.end(), says);
    if (!from_says && !to_says) return;
    RuleRemarks& remarks = of(flow);
    const std::string on = net::to_string(flow.service);
    if (from_says) add(remarks, from, on, &Wider::from);
    if (to_says) add(remarks, to, on, &Wider::to);
    add_changes(remarks, flow);
  }

  void finish() {
    for (RuleRemarks& remarks : rules_) {
      const bool deny = remarks.flow->kind == policy::Rule::Kind::deny;
      const std::string first = deny ? deny_by_name() : "";
      std::string text = joined({first, widening(remarks.below, false)}, remarks.sentences);
      std::string whole = joined({first, widening(remarks.below, true)}, remarks.whole);
      if (!first.empty()) {
        context_.not_enforced(*remarks.flow, title_, std::move(text), std::move(remarks.changes),
                              std::move(whole));
      } else if (!text.empty()) {
        context_.widened(*remarks.flow, title_, std::move(text), std::move(remarks.wider),
                         std::move(remarks.changes), std::move(whole));
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
  void report_faults(const flow::Flow& flow, const Peer& peer) {
    if (!peer.fault.empty()) context_.cannot(flow, title_, peer.fault);
    if (!peer.missing_tag.empty()) {
      context_.reporter()
          .report<Diag::no_service_tags>(context_.place(flow.rule),
                                         "rule `" + flow.rule->address + "`", peer.missing_tag)
          .help("give the policy a service tag file: data \"service_tags\"");
    }
    for (const net::DomainPattern& name : peer.unlocked) report_unlocked(peer, name);
  }

  RuleRemarks& of(const flow::Flow& flow) {
    const auto [place, fresh] = index_.emplace(flow.rule, rules_.size());
    if (fresh) rules_.push_back({&flow, {}, {}, {}, {}, {}});
    return rules_[place->second];
  }

  /// Of the peers at one end of a flow with the services `on`.
  void add(RuleRemarks& remarks, std::span<Peer* const> peers, const std::string& on,
           std::vector<std::string> Wider::*end) {
    for (const Peer* peer : peers) {
      if (!peer->names.empty()) {
        by_name_ = true;
        name_as_source_ = name_as_source_ || end == &Wider::from;
      }
      for (const std::string& name : peer->below) add_once(remarks.below, name);
      add_once(remarks.sentences, peer->wider);
      add_once(remarks.whole, peer->wider_whole.empty() ? peer->wider : peer->wider_whole);
      const auto& all = peer->below.empty() ? peer->wider_by : peer->below;
      if (all.empty()) continue;
      auto wider = std::find_if(remarks.wider.begin(), remarks.wider.end(),
                                [&](const Wider& one) { return one.on == on; });
      if (wider == remarks.wider.end()) wider = remarks.wider.insert(wider, {{}, {}, on});
      for (const std::string& by : all) add_once((*wider).*end, by);
    }
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

  void add_changes(RuleRemarks& remarks, const flow::Flow& flow) {
    const auto from = peers_.named_from(flow);
    const auto to = peers_.named_to(flow);
    const auto wider = [](const Peer* peer) { return peer->is_wider(); };
    if (std::none_of(from.begin(), from.end(), wider) && std::none_of(to.begin(), to.end(), wider))
      return;
    remarks.changes.push_back(
        {Change::Kind::added, {on_the_device(from), on_the_device(to), flow.service}});
    const auto lose = [&](net::PeerSet source, net::PeerSet destination) {
      net::Box box{std::move(source), std::move(destination), flow.service};
      if (!net::is_empty(box)) remarks.changes.push_back({Change::Kind::lost, std::move(box)});
    };
    const net::DomainSet lost_from = lost_names(from), lost_to = lost_names(to);
    if (!lost_from.empty()) lose({{}, lost_from}, flow::peers(flow.to));
    if (!lost_to.empty()) lose(flow::peers(flow.from), {{}, lost_to});
  }

  Peers& peers_;
  const Dialect& dialect_ = peers_.dialect();
  const std::string_view title_ = dialect_.title;
  EmitContext& context_;
  std::vector<RuleRemarks> rules_;
  std::unordered_map<const policy::Rule*, std::size_t> index_;
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
