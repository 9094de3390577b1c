// Every list of rules becomes three sets of packets, from the bottom of the jumps up; what is meant
// becomes two; and the difference is one operation. What device and policy plainly agree on is left
// out at first, which is nearly everything when nothing is wrong.
#include "backends/common/family_proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "backends/common/agreed.h"
#include "backends/common/ends.h"
#include "support/bug.h"

namespace hcipol::backends {

namespace {

using net::PacketSet;
using net::PeerSet;
using net::ServiceSet;
using Traffic = Reading::Traffic;

/// The packets that only a name tells from others.
struct Mentioned {
  net::DomainSet from;
  net::DomainSet to;
};

class NameCollector {
 public:
  void add(const PeerSet* set) {
    if (set == nullptr) return;
    for (const auto& entry : set->names.entries()) patterns_.push_back(entry.pattern);
  }
  net::DomainSet take() { return net::DomainSet::of(std::move(patterns_)); }

 private:
  std::vector<net::DomainPattern> patterns_;
};

std::string words_of(const net::Endpoint& endpoint) {
  const auto* address = std::get_if<net::Address>(&endpoint);
  return address != nullptr ? net::to_string(*address) : std::get<std::string>(endpoint);
}

std::string words_of(const net::Packet& packet) {
  return fmt::format("{} -> {} on {}", words_of(packet.from), words_of(packet.to),
                     net::to_string(ServiceSet::containing(packet.service)));
}

/// One claim about the packets of one family.
class FamilyProof {
 public:
  /// `brief`: of a part of the rules only. Then names that it does not mention count too.
  FamilyProof(const Claim& claim, FamilySets& sets, bool brief)
      : claim_(claim),
        sets_(sets),
        traffic_(claim.reading.traffic),
        brief_(brief),
        ends_(claim, sets) {}

  /// "passes/is denied …", or nothing.
  std::optional<std::string> run() {
    collect();
    universe_.emplace(boxes_);
    const auto box_of = [&](const Grouped& rule) { return sets_.box(rule); };
    device_.emplace(Outcomes(*universe_, claim_.lists, box_of, claim_.reading.file).first());
    if (claim_.reading.denies_rest) device_->deny = universe_->all() - device_->allow;
    domain_.emplace(universe_->of(domain_box()));
    switch (traffic_) {
      case Traffic::connections: return connections();
      case Traffic::replies: return replies();
      case Traffic::invalid: return invalid();
      case Traffic::neighbours: return neighbours();
      case Traffic::itself: return itself();
    }
    bug("a kind of traffic that nobody knows");
  }

 private:
  // ---- boxes of one family

  std::vector<net::Box> shares(const std::vector<net::Box>& boxes) const {
    std::vector<net::Box> out;
    for (const net::Box& each : boxes) {
      net::Box box = sets_.share(each);
      if (!net::is_empty(box)) out.push_back(std::move(box));
    }
    return out;
  }

  net::Box domain_box() const {
    const bool discovers = traffic_ == Traffic::neighbours;
    return {{sets_.every_address(), mentioned_.from},
            {sets_.every_address(), mentioned_.to},
            discovers ? claim_.reading.untracked : sets_.possible()};
  }
  // ---- all that will be asked about

  void collect() {
    for (const std::vector<Step>& list : claim_.lists) {
      for (const Step& step : list) add(step.rules);
    }
    switch (traffic_) {
      case Traffic::connections:
        add_meaning();
        add(claim_.meaning.rest);
        add(claim_.meaning.rest_with_names);
        break;
      case Traffic::neighbours:
        add_meaning();
        add(needed_discovery());
        break;
      case Traffic::replies:
        ways_ = ends_.both_ways();
        add(ways_);
        add(ends_.touching(ends_.all()));
        if (claim_.reading.on_machine) add(ends_.touching(ends_.guarded()));
        break;
      case Traffic::invalid:
        add(ends_.touching(ends_.guarded()));
        add(claim_.meaning.rest);
        add(claim_.meaning.rest_with_names);
        break;
      case Traffic::itself: break;
    }
    mentioned_ = brief_ ? Mentioned{net::DomainSet::all(), net::DomainSet::all()} : mentioned();
    boxes_.push_back(domain_box());
  }
  // The universe asks for each field by itself, so a set need not be copied twice: ten thousand
  // rules to one list of ten thousand addresses would be gigabytes.
  void add(const std::vector<Grouped>& rules) {
    for (const Grouped& rule : rules) {
      const Grouped share = sets_.share(rule);
      net::Box box;
      bool fresh = false;
      const auto take = [&](std::unordered_set<const void*>& known, const auto* set, auto& field) {
        if (!known.insert(set).second) return;
        field = *set;
        fresh = true;
      };
      take(known_.from, share.from, box.from);
      take(known_.to, share.to, box.to);
      take(known_.service, share.service, box.service);
      if (fresh) boxes_.push_back(std::move(box));
    }
  }
  void add(const std::vector<net::Box>& boxes) {
    for (const net::Box& box : boxes) boxes_.push_back(sets_.share(box));
  }
  void add_meaning() {
    for (const MeantKind* kind : claim_.meaning.kinds()) {
      add(kind->whole);
      add(kind->added);
      if (!brief_) add(kind->parts);
      for (const MeantKind::Clipped& each : kind->clipped) {
        add({each.box});
        if (!brief_) add(each.parts);
        add(each.lost);
      }
    }
  }

  /// By rules and by the meaning, before they were shared out to families.
  Mentioned mentioned() const {
    NameCollector from, to;
    const auto add = [&](const std::vector<Grouped>& rules) {
      for (const Grouped& rule : rules) {
        from.add(rule.from);
        to.add(rule.to);
      }
    };
    for (const std::vector<Step>& list : claim_.lists) {
      for (const Step& step : list) add(step.rules);
    }
    for (const MeantKind* kind : claim_.meaning.kinds()) {
      add(kind->whole);
      add(kind->added);
      for (const MeantKind::Clipped& each : kind->clipped) {
        add({each.box});
        add(each.lost);
      }
    }
    for (const auto* boxes : {&claim_.meaning.rest, &claim_.meaning.rest_with_names}) {
      for (const net::Box& box : *boxes) {
        from.add(&box.from);
        to.add(&box.to);
      }
    }
    Mentioned out{from.take(), to.take()};
    if (traffic_ == Traffic::replies) out.from = out.to = out.from | out.to;
    return out;
  }

  // ---- what is meant

  // Rules that are every address only together may, on a device, stay rules of some addresses each.
  // So names that only such rules take in may be decided on, but need not be.
  struct Span {
    PacketSet least;
    PacketSet most;
  };

  Span meant(const MeantKind& kind) {
    const PacketSet added = universe_->of(sets_.boxes(kind.added));
    Span out{added, universe_->of(sets_.boxes(kind.whole)) | added};
    if (!brief_) out.least = universe_->of(sets_.boxes(kind.parts)) | added;
    for (const MeantKind::Clipped& each : kind.clipped) {
      const PacketSet lost = universe_->of(sets_.boxes(each.lost));
      out.most = out.most | (universe_->of(sets_.boxes({each.box})) - lost);
      if (!brief_) out.least = out.least | (universe_->of(sets_.boxes(each.parts)) - lost);
    }
    if (brief_) out.least = out.most;
    return out;
  }

  struct Meant {
    Span allow;
    Span deny;
  };

  Meant meant() {
    const Span allow = meant(claim_.meaning.allow);
    const Span deny = meant(claim_.meaning.deny);
    const Span except = meant(claim_.meaning.exception);
    const Span open{allow.least | except.least, allow.most | except.most};
    // Where blocks win or are taken out beforehand, denies and exceptions never meet.
    if (claim_.order == flow::Order::block_wins)
      return {{open.least - deny.most, open.most - deny.least}, deny};
    if (claim_.order == flow::Order::allows_only)
      return {open, {universe_->none(), universe_->none()}};
    return {{(allow.least - deny.most) | except.least, (allow.most - deny.least) | except.most},
            {deny.least - except.most, deny.most - except.least}};
  }

  // ---- comparing

  std::optional<std::string> unlike(const PacketSet& wrong, fmt::string_view sentence) {
    const auto packet = (wrong & *domain_).witness();
    if (!packet) return std::nullopt;
    return fmt::format(fmt::runtime(sentence), words_of(*packet));
  }

  std::optional<std::string> connections() {
    const auto [allow, deny] = meant();
    if (auto found = unlike(device_->allow - allow.most, "{} passes and should not")) return found;
    if (auto found = unlike(allow.least - device_->allow, "{} does not pass and should"))
      return found;
    const PacketSet all = universe_->all();
    const PacketSet rest = claim_.all_denied ? all : universe_->of(shares(claim_.meaning.rest));
    const PacketSet names =
        claim_.all_denied ? all : universe_->of(shares(claim_.meaning.rest_with_names));
    const PacketSet least = deny.least | (rest - allow.most);
    const PacketSet most = deny.most | ((rest | names) - allow.least);
    if (auto found = unlike(device_->deny - most, "{} is denied and should be left to other rules"))
      return found;
    return unlike(least - device_->deny, "{} is left to other rules and should be denied");
  }

  // What is open may go on; what the policy has nothing to do with is left alone.
  std::optional<std::string> replies() {
    if (claim_.reading.on_machine) return replies_of_machine();
    if (auto found = unlike(universe_->of(ways_) - device_->allow,
                            "what belongs to an open connection does not pass: {}"))
      return found;
    if (auto found = unlike(device_->deny, "what belongs to an open connection is denied: {}"))
      return found;
    // Where all is denied that nothing allows, no other connection can be open.
    if (claim_.all_denied) return std::nullopt;
    return unlike(device_->allow - universe_->of(ends_.touching(ends_.all())),
                  "what the policy does not speak of passes as part of a connection: {}");
  }

  // A machine's answers go the other way than its connections, through rules of their own.
  std::optional<std::string> replies_of_machine() {
    const PacketSet own = universe_->of(ends_.touching(ends_.guarded()));
    if (auto found =
            unlike(own - device_->allow, "what belongs to an open connection does not pass: {}"))
      return found;
    if (claim_.all_denied) return std::nullopt;
    return unlike((device_->allow | device_->deny) - own,
                  "what is not the machine's is decided on as part of a connection: {}");
  }

  std::optional<std::string> invalid() {
    if (auto found = unlike(device_->allow, "packets that belong to no connection pass: {}"))
      return found;
    if (claim_.all_denied) return std::nullopt;
    if (auto found = unlike(device_->deny - universe_->of(ends_.touching(ends_.guarded())),
                            "packets that are not the servers' are denied: {}"))
      return found;
    if (claim_.meaning.rest.empty()) return std::nullopt;
    // They are denied where all else is; what the target does not see may be others' connections.
    const PacketSet rest = universe_->of(shares(claim_.meaning.rest));
    const PacketSet names = universe_->of(shares(claim_.meaning.rest_with_names));
    if (auto found = unlike(device_->deny - (rest | names),
                            "packets of no connection are denied unseen: {}"))
      return found;
    return unlike(rest - device_->deny, "packets of no connection are not denied: {}");
  }

  // ---- neighbour discovery

  // Who denies all else must not forget the neighbours of anybody.
  std::vector<net::Box> needed_discovery() const {
    return ends_.touching(claim_.all_denied ? sets_.everyone() : ends_.guarded(),
                          claim_.reading.untracked);
  }

  std::optional<std::string> neighbours() {
    const Span meant = this->meant().allow;
    const PacketSet needed = universe_->of(needed_discovery());
    if (auto found = unlike((meant.least | needed) - device_->allow,
                            "neighbour discovery does not pass: {}"))
      return found;
    return unlike(device_->allow - (meant.most | needed), "untracked packets pass: {}");
  }

  // Nobody but the machine has to do with it: nothing may stop it, nor decide on it for others.
  std::optional<std::string> itself() {
    if (auto found = unlike(device_->deny, "what the machine sends itself is denied: {}"))
      return found;
    const PacketSet left = universe_->all() - device_->allow;
    if (claim_.all_denied) return unlike(left, "what the machine sends itself does not pass: {}");
    return unlike(device_->allow, "what the machine sends itself is not left to others: {}");
  }

  const Claim& claim_;
  FamilySets& sets_;
  Traffic traffic_;
  bool brief_;
  Ends ends_;
  Mentioned mentioned_;
  std::vector<net::Box> boxes_;
  struct {
    std::unordered_set<const void*> from, to, service;
  } known_;  ///< shares that the boxes have already
  std::vector<net::Box> ways_;
  std::optional<net::PacketUniverse> universe_;
  std::optional<Outcome> device_;
  std::optional<PacketSet> domain_;
};

/// Whether what is denied when nothing allows it is all that the guarded have a part in, so that
/// the way of a packet does not matter.
bool rest_is_all(const Claim& claim) {
  const auto& rest = claim.meaning.rest;
  const net::AddressSet all = net::AddressSet::all();
  const auto holds = [](const net::Box& box, const net::AddressSet& from,
                        const net::AddressSet& to) {
    return box.service.is_any() && box.from.addresses.contains(from) &&
           box.to.addresses.contains(to);
  };
  const auto some = [&](const net::AddressSet& from, const net::AddressSet& to) {
    return std::any_of(rest.begin(), rest.end(),
                       [&](const net::Box& box) { return holds(box, from, to); });
  };
  return rest.empty() || (some(all, claim.guarded) && some(claim.guarded, all));
}

/// Nothing is wrong with the part of a claim that is left when what is plainly right is gone.
bool plainly_right(const Claim& claim, FamilySets& sets) {
  const auto right = [&](const std::vector<std::vector<Step>>& lists, const Meaning& meaning) {
    const Claim rest{claim.reading, lists, meaning, claim.guarded, claim.order, claim.all_denied};
    return !FamilyProof(rest, sets, true).run();
  };
  switch (claim.reading.traffic) {
    case Traffic::connections: {
      const auto left = disputed(claim.lists, claim.meaning, claim.order, sets);
      return left && right(left->lists, left->meaning);
    }
    case Traffic::neighbours: {
      const ServiceSet& untracked = claim.reading.untracked;
      const auto lists = about(untracked, claim.lists, sets);
      return lists && right(*lists, about(untracked, claim.meaning));
    }
    case Traffic::invalid:
      if (!rest_is_all(claim)) return false;
      break;
    case Traffic::replies: break;
    case Traffic::itself: return false;
  }
  return Ends(claim, sets).plainly_right();
}

}  // namespace

std::optional<std::string> refutation(const Claim& claim, FamilySets& sets) {
  if (plainly_right(claim, sets)) return std::nullopt;
  return FamilyProof(claim, sets, false).run();
}

}  // namespace hcipol::backends
