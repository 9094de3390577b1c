// What becomes of packets in lists of rules that jump to each other.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backends/common/reading.h"
#include "backends/common/regroup.h"

namespace hcipol::backends {

/// A maximal run of rules with one verdict, or that lead to one other list: what came back from
/// there without a verdict comes back so again.
struct Step {
  ReadRule::Act act = ReadRule::Act::allow;
  std::uint32_t list = 0;
  std::vector<Grouped> rules;
};

std::vector<Step> steps_of(const RuleList& list, SetPool& pool);

/// Packets by what some rules do to them; all others are left to what follows.
struct Outcome {
  net::PacketSet allow;
  net::PacketSet deny;
  net::PacketSet leave;
};

class Outcomes {
 public:
  /// `box_of` gives the packets of a rule, a box that the universe was built from. `file` is named
  /// when Unreadable is thrown because lists jump in circles.
  Outcomes(net::PacketUniverse& universe, const std::vector<std::vector<Step>>& lists,
           std::function<net::Box(const Grouped&)> box_of, std::string_view file)
      : universe_(universe), lists_(lists), box_of_(std::move(box_of)), file_(file) {}

  /// Of the first list, which is asked first.
  Outcome first() { return lists_.empty() ? nothing() : of(0); }

 private:
  Outcome nothing() const { return {universe_.none(), universe_.none(), universe_.none()}; }
  const Outcome& of(std::uint32_t list);
  Outcome of(const Step& step);
  Outcome of(std::span<const Step> steps);

  net::PacketUniverse& universe_;
  const std::vector<std::vector<Step>>& lists_;
  std::function<net::Box(const Grouped&)> box_of_;
  std::string_view file_;
  std::unordered_map<std::uint32_t, Outcome> known_;
  std::size_t depth_ = 0;
};

}  // namespace hcipol::backends
