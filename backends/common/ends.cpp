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

std::vector<net::Box> Ends::both_ways() {
  std::vector<net::Box> out;
  const auto add = [&](const std::vector<net::Box>& boxes) {
    for (const net::Box& box : boxes) {
      out.push_back({box.from, box.to, ServiceSet::any()});
      out.push_back({box.to, box.from, ServiceSet::any()});
    }
  };
  for (const MeantKind* kind : {&claim_.meaning.allow, &claim_.meaning.exception}) {
    add(sets_.boxes(kind->parts));
    add(sets_.boxes(kind->added));
    for (const MeantKind::Clipped& each : kind->clipped) add(remaining(each.parts, each.lost));
  }
  return out;
}

bool Ends::all_ways_open(const std::vector<FlatRule>& rules) {
  std::vector<Grouped> open;  // whatever service a connection is for
  const Grouped all = sets_.share(Grouped{});
  for (const FlatRule& rule : rules) {
    const bool passes = rule.act == ReadRule::Act::allow && rule.asked;
    if (passes && rule.box.service == all.service) open.push_back(rule.box);
  }
  const auto passes = [&](const PeerSet& from, const PeerSet& to) {
    return std::any_of(open.begin(), open.end(), [&](const Grouped& way) {
      return way.from->contains(from) && way.to->contains(to);
    });
  };
  const auto both_pass = [&](const Grouped& rule) {
    const Grouped share = sets_.share(rule);
    return sets_.empty(share) || (passes(*share.from, *share.to) && passes(*share.to, *share.from));
  };
  const auto all_pass = [&](const std::vector<Grouped>& some) {
    return std::all_of(some.begin(), some.end(), both_pass);
  };
  const auto rest_passes = [&](const MeantKind::Clipped& each) {
    if (both_pass(each.box)) return true;
    const std::vector<net::Box> rest = remaining({each.box}, each.lost);
    return std::all_of(rest.begin(), rest.end(), [&](const net::Box& box) {
      return passes(box.from, box.to) && passes(box.to, box.from);
    });
  };
  for (const MeantKind* kind : {&claim_.meaning.allow, &claim_.meaning.exception}) {
    if (!all_pass(kind->whole) || !all_pass(kind->added) ||
        !std::all_of(kind->clipped.begin(), kind->clipped.end(), rest_passes))
      return false;
  }
  return true;
}

std::vector<net::Box> Ends::remaining(const std::vector<Grouped>& whole,
                                      const std::vector<Grouped>& lost) {
  const std::vector<net::Box> from = sets_.boxes(whole);
  const std::vector<net::Box> without = sets_.boxes(lost);
  std::vector<net::Box> known = from;
  known.insert(known.end(), without.begin(), without.end());
  net::PacketUniverse universe(known);
  return (universe.of(from) - universe.of(without)).boxes();
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
  return none(ReadRule::Act::deny) && all_ways_open(*rules) &&
         (all_touch(guarded()) || all_touch(all()));
}

}  // namespace hcipol::backends
