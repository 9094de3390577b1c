// What a device is meant to do, from its flows and from what was reported about them.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "backends/backend.h"
#include "backends/common/regroup.h"

namespace hcipol::backends {

/// The flows of one kind: what the device should match of them is (`whole` \ lost) ∪ `added`.
struct MeantKind {
  struct Clipped {
    Grouped box;
    std::vector<Grouped> parts;  ///< the box, set by set
    std::vector<Grouped> lost;
  };

  std::vector<Grouped> whole;  ///< of rules that lose nothing, as few as say it
  /// The same, set by set as the flows name them: none takes in every address, and with them every
  /// name, only together with others.
  std::vector<Grouped> parts;
  std::vector<Clipped> clipped;  ///< of rules that lose something
  std::vector<Grouped> added;
};

/// Boxes of sets that the pool keeps, which speak of both families, and in which "every name" is
/// not yet told from "none".
struct Meaning {
  MeantKind allow;
  MeantKind deny;
  MeantKind exception;
  /// What the device denies if nothing allows it, when it denies what the servers do otherwise.
  std::vector<net::Box> rest;
  /// The same with the host names that the device sees, of which it may know the addresses only.
  std::vector<net::Box> rest_with_names;

  /// Both ends of every flow, set by set, without repetitions.
  std::vector<std::pair<const net::PeerSet*, const net::PeerSet*>> ends;

  std::vector<const MeantKind*> kinds() const { return {&allow, &deny, &exception}; }
};

/// The flows that `reading` is about: the device's, or one server's in one direction.
Meaning meaning(const ReadContext& context, const Emission& emission, const Reading& reading,
                SetPool& pool);

}  // namespace hcipol::backends
