// Packets of open connections are judged by their ends alone, so that most of what there is to know
// about them needs no set of packets.
#include "backends/common/ends.h"

#include <algorithm>
#include <unordered_set>

namespace hcipol::backends {

using net::PeerSet;
using net::ServiceSet;

PeerSet Ends::guarded() const {
  return sets_.share(PeerSet{claim_.guarded, {}});
}

const PeerSet& Ends::all() {
  if (all_) return *all_;
  const PeerSet servers = guarded();
  std::unordered_set<const PeerSet*> ends{&servers};
  const auto whole = [&](const PeerSet& set) { return set.addresses == sets_.every_address(); };
  bool wide = false;
  for (const auto& [first, second] : claim_.meaning.ends) {
    const PeerSet& from = *sets_.share(first);
    const PeerSet& to = *sets_.share(second);
    wide = wide || (whole(from) && !to.names.empty()) || (whole(to) && !from.names.empty());
    for (const PeerSet* end : {&from, &to}) {
      if (!whole(*end)) ends.insert(end);
    }
  }
  for (const MeantKind* kind : claim_.meaning.kinds()) {
    for (const Grouped& rule : kind->added) {
      ends.insert(sets_.share(rule.from));
      ends.insert(sets_.share(rule.to));
    }
  }
  return all_.emplace(wide ? sets_.everyone()
                           : union_of(std::vector<const PeerSet*>(ends.begin(), ends.end())));
}

std::vector<net::Box> Ends::touching(const PeerSet& peers, const ServiceSet& service) const {
  if (peers.empty()) return {};
  const PeerSet everyone = sets_.everyone();
  const Reading& reading = claim_.reading;
  std::vector<net::Box> out;
  if (!reading.on_machine || !reading.inbound) out.push_back({peers, everyone, service});
  if (!reading.on_machine || reading.inbound) out.push_back({everyone, peers, service});
  return out;
}

std::vector<net::Box> Ends::both_ways(const std::vector<FlatRule>& rules) {
  std::vector<Grouped> open;  // whatever service a connection is for
  const Grouped all = sets_.share(Grouped{});
  for (const FlatRule& rule : rules) {
    const bool passes = rule.act == ReadRule::Act::allow && rule.asked;
    if (passes && rule.box.service == all.service) open.push_back(rule.box);
  }
  const auto passes = [&](const PeerSet* from, const PeerSet* to) {
    return std::any_of(open.begin(), open.end(), [&](const Grouped& way) {
      return way.from->contains(*from) && way.to->contains(*to);
    });
  };
  const auto is_asked = [&](const Grouped& rule) {
    const Grouped share = sets_.share(rule);
    return !sets_.empty(share) && !(passes(share.from, share.to) && passes(share.to, share.from));
  };

  std::vector<net::Box> out;
  const auto add = [&](const net::Box& box) {
    out.push_back({box.from, box.to, ServiceSet::any()});
    out.push_back({box.to, box.from, ServiceSet::any()});
  };
  for (const MeantKind* kind : {&claim_.meaning.allow, &claim_.meaning.exception}) {
    for (const auto* groups : {&kind->whole, &kind->added}) {
      for (const Grouped& rule : *groups) {
        if (is_asked(rule)) add(sets_.box(rule));
      }
    }
    for (const MeantKind::Clipped& each : kind->clipped) {
      if (!is_asked(each.box)) continue;
      for (const net::Box& box : remaining(each)) add(box);
    }
  }
  return out;
}

std::vector<net::Box> Ends::remaining(const MeantKind::Clipped& each) {
  const std::vector<net::Box> whole{sets_.box(each.box)};
  const std::vector<net::Box> lost = sets_.boxes(each.lost);
  std::vector<net::Box> known = whole;
  known.insert(known.end(), lost.begin(), lost.end());
  net::PacketUniverse universe(known);
  return (universe.of(whole) - universe.of(lost)).boxes();
}

bool Ends::plainly_right() {
  const auto rules = flattened(claim_.lists, sets_);
  // A machine's rules for one direction say nothing of the other.
  if (!rules || claim_.reading.denies_rest || claim_.reading.on_machine) return false;
  const auto none = [&](ReadRule::Act act) {
    return std::none_of(rules->begin(), rules->end(),
                        [&](const FlatRule& r) { return r.act == act; });
  };
  const auto all_touch = [&](const PeerSet& peers) {
    return std::all_of(rules->begin(), rules->end(), [&](const FlatRule& rule) {
      return peers.contains(*rule.box.from) || peers.contains(*rule.box.to);
    });
  };
  if (claim_.reading.traffic == Reading::Traffic::invalid) {
    return none(ReadRule::Act::allow) && all_touch(guarded());
  }
  return none(ReadRule::Act::deny) && both_ways(*rules).empty() &&
         (all_touch(guarded()) || all_touch(all()));
}

}  // namespace hcipol::backends
