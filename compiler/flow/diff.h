// What a change of policy opens and closes: exact, cut along rules, under the policy's own names.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "diagnostics/reporter.h"
#include "flow/flow.h"

namespace hcipol::flow {

/// A policy and the flows of its clusters, in the order of `policy->clusters`.
struct PolicyFlows {
  const policy::Policy* policy = nullptr;
  const std::vector<std::vector<Flow>>* flows = nullptr;
};

enum class Effect { opens, closes };

/// What a reviewer should look at first, gravest first. Only what opens has risks.
enum class Risk { any_source, internet, management, many_ports, widened, waived, expiring };

/// Why a rule opens or closes what it does: one end is a server that only this side has, or, seen
/// from the rule of the same address on the other side: there is none (its feature is new or gone,
/// or only the rule is), one of its fields differs, the service tag of one has other prefixes, or
/// it is the same and a deny makes the difference.
enum class Cause { server, feature, rule, source, destination, service, several, tag, deny };

/// One rule's part of what a cluster opens or closes. Rows of two rules that allow the same packets
/// overlap: each says the whole of what its rule does.
struct Row {
  Effect effect = Effect::opens;
  /// Of the side that allows the packets: of head for what opens, of base for what closes.
  const Flow* flow = nullptr;
  /// Exactly what changes: disjoint, at least one.
  std::vector<net::Box> parts;
  /// The smallest box with all parts: with one part, that part.
  net::Box around;
  std::vector<std::string> from;  ///< names whose union is `around.from`
  std::vector<std::string> to;    ///< names whose union is `around.to`
  Cause cause = Cause::rule;
  /// Cause::deny: the deny of base that no longer closes it, or the deny of head that now does.
  const policy::Rule* deny = nullptr;
  std::vector<Risk> risks;  ///< sorted, without repetitions
  net::Packet witness;      ///< one packet of the first part
};

/// An endpoint that is known by its names, and the prefixes of its service tag differ: no flow
/// changes, but a device that puts the tag's prefixes in place of the names does.
struct TagChange {
  std::string endpoint;
  std::string tag;
  net::AddressSet added;
  net::AddressSet removed;
};

struct ClusterDiff {
  std::string name;
  const policy::Cluster* base = nullptr;  ///< null: the cluster is new
  const policy::Cluster* head = nullptr;  ///< null: the cluster is gone
  /// Sorted: what opens before what closes, graver risks first, then by rule and place.
  std::vector<Row> rows;
  std::vector<TagChange> tags;     ///< sorted by endpoint
  std::size_t unchanged = 0;       ///< rules of head that base has under the same address
  std::size_t without_effect = 0;  ///< rules added, edited, renamed or removed, and in no row
};

/// The clusters of both sides, sorted by name.
struct PolicyDiff {
  std::vector<ClusterDiff> clusters;

  bool empty() const;
};

/// (head \ base) and (base \ head) of each cluster; clusters belong together by name. Packets that
/// no network carries (from IPv4 to IPv6) are no difference. Only flows that meet a changed one are
/// looked at, which is exact: order never matters, so what no changed flow matches keeps its
/// verdict. An endpoint that is known by its service tag is the tag and, where the policy reads
/// them, its prefixes: new prefixes open something. A cluster whose sets grow too large is reported
/// and left out. Points into both sides.
PolicyDiff diff(const PolicyFlows& base, const PolicyFlows& head, Reporter& reporter);

/// Whether a network can carry a packet of the box: none goes from IPv4 to IPv6, and ICMP and
/// ICMPv6 belong to one of them each. A name is of both.
bool carried(const net::Box& box);

/// Gives the rows of these rules of head that open something one more risk, and sorts again.
void mark(PolicyDiff& diff, Risk risk, const std::set<const policy::Rule*>& rules);

/// The order of ClusterDiff::rows.
void sort_rows(std::vector<Row>& rows);

}  // namespace hcipol::flow
