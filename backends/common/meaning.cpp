// Written from the language's rules and the remarks alone: what a backend made of the flows on the
// way is not asked.
#include "backends/common/meaning.h"

#include <algorithm>
#include <unordered_map>

namespace hcipol::backends {

namespace {

using Kind = policy::Rule::Kind;
using Sets = std::vector<const policy::NamedSet*>;

class Collector {
 public:
  Collector(const ReadContext& context, const Emission& emission, const Reading& reading,
            SetPool& pool)
      : context_(context), device_(context.device()), reading_(reading), pool_(pool) {
    for (const Remark& remark : emission.remarks) {
      for (const Change& change : remark.changes) add(remark, change);
    }
    add_flows();
    if (emission.rest == Rest::servers_denied && !reading.only_ending) add_rest();
  }
  Meaning take() { return std::move(out_); }

 private:
  MeantKind& kind(Kind kind) {
    return kind == Kind::allow ? out_.allow : kind == Kind::deny ? out_.deny : out_.exception;
  }

  bool concerns(const policy::Rule* rule) const {
    if (!reading_.day || rule == nullptr) return true;
    if (reading_.only_ending) return rule->expires == reading_.day;
    return !rule->expires || *reading_.day <= *rule->expires;
  }

  void add(const Remark& remark, const Change& change) {
    if (!concerns(remark.rule)) return;
    if (change.node != reading_.node) return;
    if (change.node != nullptr && change.inbound != reading_.inbound) return;
    const Grouped box{pool_.peers.keep(context_.meant(change.box.from)),
                      pool_.peers.keep(context_.meant(change.box.to)),
                      pool_.services.keep(change.box.service)};
    if (change.kind == Change::Kind::lost) {
      lost_[remark.rule].push_back(box);
    } else {
      kind(remark.rule->kind)
          .added.push_back({here(box.from, true), here(box.to, false), box.service});
    }
  }

  void add_flows() {
    if (reading_.node == nullptr) return add_flows(device_.flows);
    for (const flow::HostFlows& host : device_.hosts) {
      if (host.node == reading_.node) add_flows(reading_.inbound ? host.inbound : host.outbound);
    }
  }

  void add_flows(const std::vector<flow::Flow>& flows) {
    std::vector<Grouped> plain[3];
    for (const flow::Flow& flow : flows) {
      if (!concerns(flow.rule)) continue;
      const net::PeerSet* from = here(peers(flow.from), true);
      const net::PeerSet* to = here(peers(flow.to), false);
      const Grouped box{from, to, pool_.services.known(&flow.service)};
      const auto lost = lost_.find(flow.rule);
      const bool loses = lost != lost_.end();
      if (loses) kind(flow.kind).clipped.push_back({box, {}, lost->second});
      if (!loses) plain[static_cast<std::size_t>(flow.kind)].push_back(box);
      add_parts(flow, box.service,
                loses ? kind(flow.kind).clipped.back().parts : kind(flow.kind).parts);
    }
    for (const Kind one : {Kind::allow, Kind::deny, Kind::exception}) {
      // Rules that are every address only together let every name through, as on most devices.
      std::vector<Grouped>& rules = plain[static_cast<std::size_t>(one)];
      rules.insert(rules.end(), kind(one).added.begin(), kind(one).added.end());
      kind(one).whole = regrouped(std::move(rules), pool_);
    }
    std::sort(out_.ends.begin(), out_.ends.end());
    out_.ends.erase(std::unique(out_.ends.begin(), out_.ends.end()), out_.ends.end());
  }

  const net::PeerSet* meant(const policy::NamedSet* set) {
    const auto [place, fresh] = meant_.try_emplace(set, nullptr);
    if (fresh) place->second = pool_.peers.keep(context_.meant(set->set));
    return place->second;
  }
  const net::PeerSet* peers(const Sets& sets) {
    std::vector<const net::PeerSet*> parts;
    for (const policy::NamedSet* set : sets) parts.push_back(meant(set));
    return pool_.peers.united(parts);
  }
  /// What the reading is about: all, or what ends or begins at the machine.
  const net::PeerSet* here(const net::PeerSet* set, bool source) {
    if (!machine_ || source == reading_.inbound) return set;
    const auto [place, fresh] = here_.try_emplace(set, nullptr);
    if (fresh) place->second = pool_.peers.keep(*set & net::PeerSet{*machine_, {}});
    return place->second;
  }
  void add_parts(const flow::Flow& flow, const net::ServiceSet* service,
                 std::vector<Grouped>& parts) {
    for (const policy::NamedSet* from : flow.from) {
      for (const policy::NamedSet* to : flow.to) {
        out_.ends.emplace_back(meant(from), meant(to));
        parts.push_back({here(meant(from), true), here(meant(to), false), service});
      }
    }
  }

  void add_rest() {
    const std::optional<sema::Flow>& sees = device_.view->sees;
    if (!sees) {
      add_rest({net::AddressSet::all(), {}}, {net::AddressSet::all(), {}}, net::ServiceSet::any());
      return;
    }
    const net::PeerSet& from = *peers(sees->from.parts);
    const net::PeerSet& to = *peers(sees->to.parts);
    add_rest(from, to, sees->service);
    if (sees->both_ways) add_rest(to, from, sees->service);
  }

  // The servers' own traffic and nobody else's: one end is a server. On a machine its own, one way.
  void add_rest(const net::PeerSet& from, const net::PeerSet& to, const net::ServiceSet& service) {
    const policy::NamedSet* servers = device_.cluster->servers;
    if (!machine_ && servers == nullptr) return;
    const net::AddressSet none;
    const net::AddressSet& all = machine_ ? *machine_ : servers->set.addresses;
    const bool in = !machine_ || reading_.inbound;
    const bool out = !machine_ || !reading_.inbound;
    const net::PeerSet from_server{from.addresses & (out ? all : none), {}};
    const net::PeerSet to_server{to.addresses & (in ? all : none), {}};
    out_.rest.push_back({from_server, {to.addresses, {}}, service});
    out_.rest.push_back({{from.addresses, {}}, to_server, service});
    out_.rest_with_names.push_back({from_server, to, service});
    out_.rest_with_names.push_back({from, to_server, service});
  }

  const ReadContext& context_;
  const flow::DevicePolicy& device_;
  const Reading& reading_;
  SetPool& pool_;
  const std::optional<net::AddressSet> machine_ = context_.machine();
  std::unordered_map<const net::PeerSet*, const net::PeerSet*> here_;
  std::unordered_map<const policy::Rule*, std::vector<Grouped>> lost_;
  std::unordered_map<const policy::NamedSet*, const net::PeerSet*> meant_;
  Meaning out_;
};

}  // namespace

Meaning meaning(const ReadContext& context, const Emission& emission, const Reading& reading,
                SetPool& pool) {
  return Collector(context, emission, reading, pool).take();
}

}  // namespace hcipol::backends
