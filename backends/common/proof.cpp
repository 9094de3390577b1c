// Every list of rules becomes three sets of packets, from the bottom of the jumps up; what is meant
// becomes two; and the difference is one operation.
#include "backends/common/proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <unordered_map>
#include <utility>

#include "backends/common/meaning.h"
#include "backends/common/outcome.h"
#include "support/bug.h"

namespace hcipol::backends {

namespace {

using net::Family;
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

/// One reading, for the packets of one family.
class FamilyProof {
 public:
  FamilyProof(Family family, flow::Order order, bool all_denied, const Reading& reading,
              const std::vector<std::vector<Step>>& lists, const Meaning& meaning,
              const policy::Cluster& cluster)
      : family_(family),
        order_(order),
        all_denied_(all_denied),
        reading_(reading),
        lists_(lists),
        meaning_(meaning),
        cluster_(cluster) {}

  /// "passes/is denied …", or nothing.
  std::optional<std::string> run() {
    collect();
    universe_.emplace(boxes_);
    const auto box_of = [&](const Grouped& rule) { return at_family(rule); };
    device_.emplace(Outcomes(*universe_, lists_, box_of, reading_.file).first());
    if (reading_.denies_rest) device_->deny = universe_->all() - device_->allow;
    domain_.emplace(universe_->of(domain_box()));
    switch (reading_.traffic) {
      case Traffic::connections: return connections();
      case Traffic::replies: return replies();
      case Traffic::invalid: return invalid();
      case Traffic::neighbours: return neighbours();
    }
    bug("a kind of traffic that nobody knows");
  }

 private:
  // ---- boxes of one family

  const net::AddressSet& every_address() const {
    static const std::array sets{
        net::AddressSet::all(Family::ipv4),
        net::AddressSet::all(Family::ipv6) - nowhere(),
    };
    return sets[static_cast<std::size_t>(family_)];
  }
  static const net::AddressSet& nowhere() {
    static const net::AddressSet set(net::AddressRange{{Family::ipv6, 0, 0}, {Family::ipv6, 0, 1}});
    return set;
  }

  /// The set's share of the family. Names go with the addresses if those are all that there are.
  const PeerSet& at_family(const PeerSet& set) {
    const auto [place, fresh] = shares_.try_emplace(&set);
    if (fresh) place->second = share(set);
    return place->second;
  }
  PeerSet share(const PeerSet& set) const {
    PeerSet out{set.addresses.only(family_) & every_address(), set.names};
    if (out.addresses == every_address() && !out.names.others()) out.names = net::DomainSet::all();
    return out;
  }
  PeerSet everyone() const { return {every_address(), net::DomainSet::all()}; }

  net::Box at_family(const Grouped& rule) {
    return {rule.from == nullptr ? everyone() : at_family(*rule.from),
            rule.to == nullptr ? everyone() : at_family(*rule.to),
            rule.service == nullptr ? ServiceSet::any() : *rule.service};
  }
  // Sets of boxes of the meaning do not stay where they are as those of rules do.
  net::Box at_family(const net::Box& box) const {
    return {share(box.from), share(box.to), box.service};
  }
  std::vector<net::Box> at_family(const std::vector<net::Box>& boxes) const {
    std::vector<net::Box> out;
    for (const net::Box& each : boxes) {
      net::Box box = at_family(each);
      if (!net::is_empty(box)) out.push_back(std::move(box));
    }
    return out;
  }

  /// Services without those that belong to the other family.
  ServiceSet possible() const {
    const bool v4 = family_ == Family::ipv4;
    return ServiceSet::any() - ServiceSet::whole(v4 ? net::protocol::icmpv6 : net::protocol::icmp) -
           reading_.never;
  }
  net::Box domain_box() const {
    ServiceSet service = possible();
    if (reading_.traffic == Traffic::neighbours) service = discovery();
    return {{every_address(), mentioned_.from}, {every_address(), mentioned_.to}, service};
  }
  /// RFC 4890 §4.4.1: router and neighbour solicitations and advertisements.
  static ServiceSet discovery() {
    ServiceSet out;
    for (std::uint8_t type = 133; type <= 136; ++type) {
      out = out | ServiceSet::icmp_type(net::protocol::icmpv6, type);
    }
    return out;
  }

  // ---- all that will be asked about

  void collect() {
    NameCollector from;
    NameCollector to;
    for (const std::vector<Step>& list : lists_) {
      for (const Step& step : list) {
        for (const Grouped& rule : step.rules) {
          from.add(rule.from);
          to.add(rule.to);
          boxes_.push_back(at_family(rule));
        }
      }
    }
    const auto add = [&](const std::vector<net::Box>& boxes) {
      for (const net::Box& box : boxes) {
        from.add(&box.from);
        to.add(&box.to);
        boxes_.push_back(at_family(box));
      }
    };
    for (const MeantKind* kind : meaning_.kinds()) {
      add(kind->whole);
      add(kind->added);
      for (const auto& each : kind->clipped) {
        add({each.box});
        add(each.lost);
      }
    }
    add(meaning_.rest);
    add(meaning_.rest_with_names);
    mentioned_ = {from.take(), to.take()};
    if (reading_.traffic == Traffic::replies) {
      mentioned_.from = mentioned_.to = mentioned_.from | mentioned_.to;
      for (const net::Box& box : both_ways()) boxes_.push_back(box);
      for (const net::Box& box : touching(all_ends())) boxes_.push_back(box);
    }
    if (reading_.traffic == Traffic::invalid) {
      for (const net::Box& box : touching(servers())) boxes_.push_back(box);
    }
    if (reading_.traffic == Traffic::neighbours) {
      for (const net::Box& box : servers_discovery()) boxes_.push_back(box);
    }
    boxes_.push_back(domain_box());
  }

  // ---- what is meant

  PacketSet meant(const MeantKind& kind) {
    PacketSet out = universe_->of(at_family(kind.whole)) | universe_->of(at_family(kind.added));
    for (const MeantKind::Clipped& each : kind.clipped) {
      const std::vector<net::Box> box = at_family(std::vector<net::Box>{each.box});
      out = out | (universe_->of(box) - universe_->of(at_family(each.lost)));
    }
    return out;
  }

  struct Meant {
    PacketSet allow;
    PacketSet deny;
  };

  Meant meant() {
    const PacketSet allow = meant(meaning_.allow);
    const PacketSet deny = meant(meaning_.deny);
    const PacketSet except = meant(meaning_.exception);
    // Where blocks win or are taken out beforehand, denies and exceptions never meet.
    if (order_ == flow::Order::block_wins) return {(allow | except) - deny, deny};
    if (order_ == flow::Order::allows_only) return {allow | except, universe_->none()};
    return {(allow - deny) | except, deny - except};
  }

  // ---- comparing

  std::optional<std::string> unlike(const PacketSet& wrong, fmt::string_view sentence) {
    const auto packet = (wrong & *domain_).witness();
    if (!packet) return std::nullopt;
    return fmt::format(fmt::runtime(sentence), words_of(*packet));
  }

  std::optional<std::string> connections() {
    Meant meant = this->meant();
    if (auto found = unlike(device_->allow - meant.allow, "{} passes and should not")) return found;
    if (auto found = unlike(meant.allow - device_->allow, "{} does not pass and should"))
      return found;
    if (all_denied_) meant.deny = universe_->all() - meant.allow;
    const PacketSet least = meant.deny | (universe_->of(at_family(meaning_.rest)) - meant.allow);
    const PacketSet most =
        least | (universe_->of(at_family(meaning_.rest_with_names)) - meant.allow);
    if (auto found = unlike(device_->deny - most, "{} is denied and should be left to other rules"))
      return found;
    return unlike(least - device_->deny, "{} is left to other rules and should be denied");
  }

  /// Everything between two ends that may open a connection, for connections that are open.
  std::vector<net::Box> both_ways() const {
    std::vector<net::Box> out;
    for (const MeantKind* kind : {&meaning_.allow, &meaning_.exception}) {
      const auto add = [&](const net::Box& box) {
        const net::Box here = at_family(box);
        if (net::is_empty(here) || !here.service.intersects(possible())) return;
        out.push_back({here.from, here.to, ServiceSet::any()});
        out.push_back({here.to, here.from, ServiceSet::any()});
      };
      for (const net::Box& box : kind->whole) add(box);
      for (const MeantKind::Clipped& each : kind->clipped) {
        for (const net::Box& box : remaining(each)) add(box);
      }
      for (const net::Box& box : kind->added) add(box);
    }
    return out;
  }
  std::vector<net::Box> remaining(const MeantKind::Clipped& each) const {
    std::vector<net::Box> known = at_family(std::vector<net::Box>{each.box});
    const std::vector<net::Box> whole = known;
    const std::vector<net::Box> lost = at_family(each.lost);
    known.insert(known.end(), lost.begin(), lost.end());
    net::PacketUniverse universe(known);
    return (universe.of(whole) - universe.of(lost)).boxes();
  }

  // What is open may go on; what the policy has nothing to do with is left alone.
  std::optional<std::string> replies() {
    if (auto found = unlike(universe_->of(both_ways()) - device_->allow,
                            "what belongs to an open connection does not pass: {}"))
      return found;
    if (auto found = unlike(device_->deny, "what belongs to an open connection is denied: {}"))
      return found;
    return unlike(device_->allow - universe_->of(touching(all_ends())),
                  "what the policy does not speak of passes as part of a connection: {}");
  }

  std::optional<std::string> invalid() {
    if (auto found = unlike(device_->allow, "packets that belong to no connection pass: {}"))
      return found;
    return unlike(device_->deny - universe_->of(touching(servers())),
                  "packets that are not the servers' are denied: {}");
  }

  PeerSet servers() const {
    return cluster_.servers == nullptr ? PeerSet() : share({cluster_.servers->set.addresses, {}});
  }
  /// The servers and the ends of flows. A flow from or to everyone is about its other end, unless
  /// that is as wide, as names are.
  const PeerSet& all_ends() {
    if (all_ends_) return *all_ends_;
    std::deque<PeerSet> ends{servers()};
    const auto whole = [&](const PeerSet& set) { return set.addresses == every_address(); };
    bool wide = false;
    for (const auto& [first, second] : meaning_.ends) {
      const PeerSet& from = at_family(*first);
      const PeerSet& to = at_family(*second);
      wide = wide || (whole(from) && !to.names.empty()) || (whole(to) && !from.names.empty());
      for (const PeerSet* end : {&from, &to}) {
        if (!whole(*end)) ends.push_back(*end);
      }
    }
    for (const MeantKind* kind : meaning_.kinds()) {
      for (const net::Box& box : kind->added) {
        ends.push_back(share(box.from));
        ends.push_back(share(box.to));
      }
    }
    std::vector<const PeerSet*> parts;
    for (const PeerSet& end : ends) parts.push_back(&end);
    return all_ends_.emplace(wide ? everyone() : union_of(parts));
  }
  std::vector<net::Box> touching(const PeerSet& peers) const {
    if (peers.empty()) return {};
    return {{peers, everyone(), ServiceSet::any()}, {everyone(), peers, ServiceSet::any()}};
  }

  std::vector<net::Box> servers_discovery() const {
    const PeerSet servers = this->servers();
    if (servers.empty()) return {};
    return {{servers, everyone(), discovery()}, {everyone(), servers, discovery()}};
  }

  std::optional<std::string> neighbours() {
    const PacketSet meant = this->meant().allow | universe_->of(servers_discovery());
    if (auto found = unlike(meant - device_->allow, "neighbour discovery does not pass: {}"))
      return found;
    return unlike(device_->allow - meant, "untracked packets pass: {}");
  }

  Family family_;
  flow::Order order_;
  bool all_denied_;
  const Reading& reading_;
  const std::vector<std::vector<Step>>& lists_;
  const Meaning& meaning_;
  const policy::Cluster& cluster_;
  Mentioned mentioned_;
  std::unordered_map<const PeerSet*, PeerSet> shares_;
  std::vector<net::Box> boxes_;
  std::optional<PeerSet> all_ends_;
  std::optional<net::PacketUniverse> universe_;
  std::optional<Outcome> device_;
  std::optional<PacketSet> domain_;
};

/// Every part of the device must have been read: a file that is not there allows nothing.
void check_complete(const flow::DevicePolicy& device, bool on_hosts, const DeviceReading& read) {
  const auto has = [&](const policy::Node* node, bool inbound) {
    return std::any_of(read.readings.begin(), read.readings.end(), [&](const Reading& reading) {
      return reading.node == node && reading.inbound == inbound &&
             reading.traffic == Traffic::connections;
    });
  };
  if (!on_hosts && !has(nullptr, false)) throw Unreadable("", 0, "nothing was read");
  for (const flow::HostFlows& host : device.hosts) {
    for (const bool inbound : {true, false}) {
      if (!has(host.node, inbound)) throw Unreadable(host.node->name, 0, "it has no file");
    }
  }
}

}  // namespace

std::optional<std::string> difference(const Backend& backend, const flow::DevicePolicy& device,
                                      const Emission& emission) {
  const ReadContext context(device);
  try {
    const DeviceReading read = backend.read_back(emission.artefacts, context);
    check_complete(device, backend.capabilities.host, read);
    for (const Reading& reading : read.readings) {
      SetPool pool;
      std::vector<std::vector<Step>> lists;
      for (const RuleList& list : reading.lists) lists.push_back(steps_of(list, pool));
      const Meaning meant = meaning(context, emission, reading, pool);
      for (const Family family : reading.families) {
        FamilyProof proof(family, backend.capabilities.order, emission.rest == Rest::all_denied,
                          reading, lists, meant, *device.cluster);
        if (const auto found = proof.run()) return fmt::format("{}: {}", reading.file, *found);
      }
    }
  } catch (const Unreadable& unreadable) {
    return unreadable.what();
  }
  return std::nullopt;
}

}  // namespace hcipol::backends
