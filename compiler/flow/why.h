// Why a cluster allows or denies a flow: the packets in question, part by part, with the rules that
// decide.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "flow/flow.h"
#include "net/packet_set.h"

namespace hcipol::flow {

/// What decides a packet: an `allow` that no `deny` closes (exceptions may open it as well), an
/// exception alone, a `deny`, or that no rule opens it.
enum class Reason { allow, exception, deny, nothing };

/// A rule that holds packets of a part: the whole part, or some of it.
struct Ground {
  const Flow* flow = nullptr;
  bool whole = true;
};

/// A rule that opens something else by one of the three only.
struct Near {
  enum class Differs { service, from, to };
  Differs differs = Differs::service;
  const Flow* flow = nullptr;
};

/// Packets with one answer. At least one of `rules` holds the whole part, unless no rule does.
struct Part {
  Reason reason = Reason::nothing;
  net::PacketSet packets;
  /// The same for people: each box may reach over packets that cannot exist (from IPv4 to IPv6),
  /// and with `more` there are further ones.
  std::vector<net::Box> boxes;
  bool more = false;
  /// Reason::allow: allows and exceptions; exception: exceptions; deny: denies; nothing: none.
  /// Those that hold the whole part come first.
  std::vector<Ground> rules;
  /// Rules that hold packets of the part and lose: allows to a deny, denies and allows to an
  /// exception.
  std::vector<const Flow*> beaten;
  /// Reason::nothing: at most three, the nearest first.
  std::vector<Near> near;

  bool allowed() const { return reason == Reason::allow || reason == Reason::exception; }
};

/// The parts are disjoint and make up the question without the packets that cannot exist; allowed
/// ones come first. They live as long as `universe`.
struct Answer {
  std::unique_ptr<net::PacketUniverse> universe;
  std::vector<Part> parts;
};

/// The flows must outlive the answer. Throws net::NodeLimitExceeded when they differ in too many
/// ways.
Answer why(std::span<const Flow> flows, std::span<const net::Box> question);

}  // namespace hcipol::flow
