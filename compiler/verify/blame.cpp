// A rule is behind a check that does not hold if it covers a wrong packet with the wrong action.
#include "verify/blame.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "flow/naming.h"
#include "support/text.h"

namespace hcipol::verify {

namespace {

using Kind = policy::Rule::Kind;

constexpr std::size_t shown_rules = 4;

std::string with_name(const net::Endpoint& end, const policy::Cluster& cluster) {
  const policy::NamedSet* best = nullptr;
  for (const auto& [name, set] : cluster.named) {
    if (!contains(set->set, end)) continue;
    if (best == nullptr || size(set->set.addresses) < size(best->set.addresses)) best = set;
  }
  const std::string text = flow::to_string(end);
  return best == nullptr ? text : fmt::format("{} ({})", text, best->name);
}

}  // namespace

Blame blame(Situation& situation, std::span<const flow::Flow> flows, const policy::Check& check,
            const net::PacketSet& wrong) {
  Blame out{*wrong.witness(), {}};
  net::PacketSet denied = situation.none();
  for (const flow::Flow& flow : flows) {
    if (flow.kind == Kind::deny) denied = denied | situation.share(flow);
  }
  for (const flow::Flow& flow : flows) {
    if ((flow.kind == Kind::deny) != check.allow) continue;
    net::PacketSet share = situation.share(flow);
    if (flow.kind == Kind::allow) share = share - denied;
    if (!share.intersects(wrong)) continue;
    const bool of_witness = share.contains(out.witness);
    const auto known = std::find_if(out.culprits.begin(), out.culprits.end(),
                                    [&](const Culprit& c) { return c.rule == flow.rule; });
    if (known == out.culprits.end()) {
      out.culprits.push_back({flow.rule, of_witness});
    } else {
      known->of_witness = known->of_witness || of_witness;
    }
  }
  std::sort(out.culprits.begin(), out.culprits.end(), [](const Culprit& a, const Culprit& b) {
    return std::tuple(!a.of_witness, a.rule->address) < std::tuple(!b.of_witness, b.rule->address);
  });
  return out;
}

std::string written_address(const policy::Rule& rule) {
  return fmt::format("{}/{}.{}", rule.origin.module, rule.origin.feature, rule.origin.rule);
}

std::string packet_text(const net::Packet& packet, const policy::Cluster& cluster) {
  const auto service = net::ServiceSet::containing(packet.service);
  return fmt::format("{} -> {} on {}", with_name(packet.from, cluster),
                     with_name(packet.to, cluster), net::to_string(service));
}

std::string finding(const Blame& blame, const policy::Check& check,
                    const policy::Cluster& cluster) {
  return fmt::format("{} is {}allowed", packet_text(blame.witness, cluster),
                     check.allow ? "not " : "");
}

void point_at_rules(DiagnosticBuilder& report, const Blame& blame, const policy::Check& check) {
  const auto& all = blame.culprits;
  for (std::size_t i = 0; i < std::min(all.size(), shown_rules); ++i) {
    report.label(
        all[i].rule->origin.span,
        fmt::format("{} {}", all[i].of_witness ? "this rule" : "this one",
                    check.allow
                        ? (all[i].of_witness ? "denies it" : "denies others of them")
                        : (all[i].of_witness ? "lets it through" : "lets others of them through")));
  }
  if (all.size() > shown_rules) {
    report.note(fmt::format("{} do the same", counted(all.size() - shown_rules, "more rule")));
  }
  if (check.allow && (all.empty() || !all.front().of_witness)) report.note("no rule allows it");
}

}  // namespace hcipol::verify
