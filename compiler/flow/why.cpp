// Each region of the question (allowed, excepted, denied, the rest) is cut along its rules, the
// widest first, so that a part is one that some rule holds whole.
#include "flow/why.h"

#include <algorithm>
#include <tuple>

#include "flow/effective.h"
#include "flow/reach.h"

namespace hcipol::flow {

namespace {

using Kind = policy::Rule::Kind;
using Flows = std::vector<const Flow*>;

constexpr std::size_t most_boxes = 24;
constexpr std::size_t most_near = 3;

// The steps between the nearest two of their members: ports of one protocol are near each other.
std::uint32_t gap(const net::ServiceSet& a, const net::ServiceSet& b) {
  std::uint32_t least = UINT32_MAX;
  for (const net::ServiceRange& one : a.ranges()) {
    for (const net::ServiceRange& other : b.ranges()) {
      const std::uint32_t steps = one.first > other.last   ? one.first - other.last
                                  : other.first > one.last ? other.first - one.last
                                                           : 0;
      least = std::min(least, steps);
    }
  }
  return least;
}

class Answering {
 public:
  Answering(std::span<const Flow> flows, std::span<const net::Box> question)
      : flows_(flows),
        asked_(asked(flows, question)),
        universe_(std::make_unique<net::PacketUniverse>(everything(question))),
        impossible_(universe_->of(impossible_boxes())),
        question_(universe_->of(question) - impossible_) {
    frames_.assign(question.begin(), question.end());
    for (const Flow* flow : asked_) {
      const net::Box own = box(*flow);
      sets_.push_back(universe_->of(own));
      for (const net::Box& one : question) {
        frames_.push_back(own & one);
      }
    }
  }

  Answer run() {
    const net::PacketSet denied = all_of(Kind::deny);
    const net::PacketSet excepted = all_of(Kind::exception) & question_;
    const net::PacketSet allowed = (all_of(Kind::allow) & question_) - denied;
    cut(allowed, Reason::allow, Kind::allow);
    cut(excepted - allowed, Reason::exception, Kind::exception);
    const net::PacketSet closed = (question_ & denied) - excepted;
    cut(closed, Reason::deny, Kind::deny);
    const net::PacketSet rest = ((question_ - allowed) - excepted) - closed;
    if (!rest.empty()) {
      Part& part = add(rest, Reason::nothing);
      part.near = nearest(part.boxes);
    }
    return {std::move(universe_), std::move(parts_)};
  }

 private:
  static Flows asked(std::span<const Flow> flows, std::span<const net::Box> question) {
    Flows out;
    for (const Flow& flow : flows) {
      const net::Box own = box(flow);
      const bool meeting = std::any_of(question.begin(), question.end(),
                                       [&](const net::Box& one) { return intersects(own, one); });
      if (meeting) out.push_back(&flow);
    }
    return out;
  }

  std::vector<net::Box> everything(std::span<const net::Box> question) const {
    std::vector<net::Box> out = impossible_boxes();
    out.insert(out.end(), question.begin(), question.end());
    for (const Flow* flow : asked_) out.push_back(box(*flow));
    return out;
  }

  net::PacketSet all_of(Kind kind) {
    net::PacketSet out = universe_->none();
    for (std::size_t i = 0; i < asked_.size(); ++i) {
      if (asked_[i]->kind == kind) out = out | sets_[i];
    }
    return out;
  }

  void cut(net::PacketSet region, Reason reason, Kind kind) {
    for (const std::size_t rule : widest_first(region, kind)) {
      const net::PacketSet held = region & sets_[rule];
      if (held.empty()) continue;
      region = region - held;
      name_rules(add(held, reason), kind);
    }
  }

  void name_rules(Part& part, Kind deciding) {
    for (std::size_t i = 0; i < asked_.size(); ++i) {
      if (!sets_[i].intersects(part.packets)) continue;
      const Kind kind = asked_[i]->kind;
      const bool opens_too = part.reason == Reason::allow && kind == Kind::exception;
      if (kind == deciding || opens_too) {
        part.rules.push_back({asked_[i], sets_[i].contains(part.packets)});
      } else {
        part.beaten.push_back(asked_[i]);
      }
    }
    std::stable_sort(part.rules.begin(), part.rules.end(),
                     [](const Ground& a, const Ground& b) { return a.whole > b.whole; });
  }

  // Rules that hold what many others hold too make few parts. Among equals the order is by id.
  std::vector<std::size_t> widest_first(const net::PacketSet& region, Kind kind) {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < asked_.size(); ++i) {
      if (asked_[i]->kind == kind && sets_[i].intersects(region)) out.push_back(i);
    }
    std::vector<net::PacketSet> shares;
    for (const std::size_t rule : out) shares.push_back(sets_[rule] & region);
    std::vector<std::size_t> holds(asked_.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      holds[out[i]] = static_cast<std::size_t>(
          std::count_if(shares.begin(), shares.end(),
                        [&](const net::PacketSet& other) { return shares[i].contains(other); }));
    }
    std::stable_sort(out.begin(), out.end(),
                     [&](std::size_t a, std::size_t b) { return holds[a] > holds[b]; });
    return out;
  }

  Part& add(const net::PacketSet& packets, Reason reason) {
    Part& part = parts_.emplace_back(Part{reason, packets, {}, false, {}, {}, {}});
    bool complete = true;
    part.boxes = packets.boxes(most_boxes, &complete);
    part.more = !complete;
    for (net::Box& one : part.boxes) widen(one, packets);
    join(part.boxes, packets);
    return part;
  }

  bool only_adds_impossible(const net::Box& box, const net::PacketSet& packets) {
    return impossible_.contains(universe_->of(box) - packets);
  }

  // A side that is cut to the family of the other side only is taken whole again: as it was asked
  // for, or as a rule has it.
  void widen(net::Box& box, const net::PacketSet& packets) {
    for (const net::Box& frame : frames_) {
      if (!contains(frame, box)) continue;
      for (const auto side : {&net::Box::from, &net::Box::to}) {
        net::Box wider = box;
        wider.*side = frame.*side;
        if (wider != box && only_adds_impossible(wider, packets)) box = wider;
      }
    }
  }

  // Two boxes become one where that adds nothing but packets that cannot exist.
  void join(std::vector<net::Box>& boxes, const net::PacketSet& packets) {
    for (std::size_t i = 0; i < boxes.size();) {
      bool joined = false;
      for (std::size_t j = i + 1; j < boxes.size() && !joined; ++j) {
        const net::Box both = hull(boxes[i], boxes[j]);
        if (!only_adds_impossible(both, packets)) continue;
        boxes[i] = both;
        boxes.erase(boxes.begin() + static_cast<std::ptrdiff_t>(j));
        joined = true;
      }
      i = joined ? 0 : i + 1;
    }
  }

  /// What differs, whether the rest holds only some of the part, how far the services are, and the
  /// place of the rule.
  using Rank = std::tuple<Near::Differs, bool, std::uint32_t, std::size_t>;

  std::vector<Near> nearest(const std::vector<net::Box>& boxes) {
    std::vector<Rank> found;
    for (std::size_t i = 0; i < flows_.size(); ++i) {
      if (flows_[i].kind == Kind::deny) continue;
      const net::Box own = box(flows_[i]);
      std::optional<Rank> best;
      for (const net::Box& part : boxes) {
        const auto rank = distance(own, part, i);
        if (rank && (!best || *rank < *best)) best = rank;
      }
      if (best) found.push_back(*best);
    }
    std::sort(found.begin(), found.end());
    if (found.size() > most_near) found.resize(most_near);
    std::vector<Near> out;
    for (const Rank& rank : found) {
      out.push_back({std::get<0>(rank), &flows_[std::get<std::size_t>(rank)]});
    }
    return out;
  }

  static std::optional<Rank> distance(const net::Box& rule, const net::Box& part,
                                      std::size_t index) {
    const bool from = rule.from.intersects(part.from);
    const bool to = rule.to.intersects(part.to);
    const bool service = rule.service.intersects(part.service);
    if (from + to + service != 2) return std::nullopt;
    const auto differs = !service ? Near::Differs::service
                         : !from  ? Near::Differs::from
                                  : Near::Differs::to;
    const bool around = (!from || rule.from.contains(part.from)) &&
                        (!to || rule.to.contains(part.to)) &&
                        (!service || rule.service.contains(part.service));
    return Rank(differs, !around, gap(rule.service, part.service), index);
  }

  std::span<const Flow> flows_;
  Flows asked_;  ///< those that share a packet with the question
  std::unique_ptr<net::PacketUniverse> universe_;
  net::PacketSet impossible_, question_;
  std::vector<net::PacketSet> sets_;  ///< of asked_
  std::vector<net::Box> frames_;      ///< the question, and what each rule has of it
  std::vector<Part> parts_;
};

}  // namespace

Answer why(std::span<const Flow> flows, std::span<const net::Box> question) {
  return Answering(flows, question).run();
}

}  // namespace hcipol::flow
