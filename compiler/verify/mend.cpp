// Candidates come from the rules behind the violation; the least that a rule loses is tried first.
#include "verify/mend.h"

#include <fmt/format.h>

#include <algorithm>

#include "flow/effective.h"
#include "flow/naming.h"
#include "support/text.h"

namespace hcipol::verify {

namespace {

using flow::Flow;
using Kind = policy::Rule::Kind;
using policy::NamedSet;

/// More rules than this are not edited one by one.
constexpr std::size_t most_edits = 2;
/// A set of more parts than this is no edit that anybody would write.
constexpr std::size_t most_names = 6;

/// One change of one rule.
struct Edit {
  std::string text;
  double lost = 1;          ///< the part of the rule that goes, from 0 to 1; only an order
  std::vector<Flow> flows;  ///< what the rule's flows become
};

double size_of(const net::PeerSet& set) {
  const double names = set.names.others() ? 1e6 : static_cast<double>(set.names.entries().size());
  return names + net::size(set.addresses);
}

double size_of(const net::ServiceSet& set) {
  double size = 0;
  for (const net::ServiceRange& range : set.ranges()) size += range.last - range.first + 1;
  return size;
}

template <class Set>
double share_of(const Set& part, const Set& whole) {
  return size_of(whole) > 0 ? size_of(part) / size_of(whole) : 1;
}

class Mender {
 public:
  Mender(Situation& situation, std::span<const Flow> flows, const Wanted& wanted,
         const Blame& blame, const SourceMap& sources)
      : situation_(situation),
        flows_(flows),
        wanted_(wanted),
        check_(*wanted.check),
        blame_(blame),
        sources_(sources),
        naming_(situation.cluster(), flows),
        boxes_(flow::boxes(check_.flow)),
        asked_(situation.of(boxes_)) {}

  std::string run() { return check_.allow ? open_more() : close_more(); }

 private:
  // ---- never allow

  std::string close_more() {
    std::string text = edit_rules({});
    const bool only_exceptions =
        std::all_of(blame_.culprits.begin(), blame_.culprits.end(),
                    [](const Culprit& c) { return c.rule->kind == Kind::exception; });
    if (only_exceptions) return with_waives(text);
    if (!text.empty()) return text;
    if (!holds(situation_.open(flows_, denied(), situation_.none()))) return "";
    return fmt::format("add `deny \"{}\" {}` to a feature of this cluster", rule_name(),
                       wanted_.flow);
  }

  std::string with_waives(const std::string& otherwise) {
    std::vector<std::string> names;
    for (const Culprit& culprit : blame_.culprits) {
      const std::string name = fmt::format("`{}`", culprit.rule->origin.feature);
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    std::vector<Flow> kept;
    for (const Flow& flow : flows_) {
      const std::string name = fmt::format("`{}`", flow.rule->origin.feature);
      const bool waived = flow.kind == Kind::exception &&
                          std::find(names.begin(), names.end(), name) != names.end();
      if (!waived) kept.push_back(flow);
    }
    if (!holds(situation_.open(kept))) return otherwise;
    const std::string waives =
        fmt::format("let exception {} say `waives = [\"{}\"]`", list_of(names), wanted_.invariant);
    return otherwise.empty()
               ? waives
               : fmt::format("{}; or, if that is what it is for, {}", otherwise, waives);
  }

  // A deny of the whole flow, with what becomes of it where a proxy asks for the servers.
  net::PacketSet denied() {
    net::PacketSet all = asked_;
    const policy::Cluster& cluster = situation_.cluster();
    for (const policy::Proxy* proxy : cluster.proxies) {
      for (const net::Box& box : boxes_) {
        if (!cluster.servers->set.contains(box.from) || box.to.names.empty()) continue;
        const std::vector<net::Box> half{
            {proxy->set->set, box.to, box.service & net::web_services()}};
        if (!half.front().service.empty()) all = all | situation_.of(half);
      }
    }
    return all;
  }

  std::string rule_name() const {
    return wanted_.invariant.substr(wanted_.invariant.find('/') + 1);
  }

  // ---- always allow

  std::string open_more() {
    const std::string add = fmt::format("add `allow \"{}\" {}` to a feature of this cluster",
                                        rule_name(), wanted_.flow);
    if (blame_.culprits.empty()) {
      return holds(situation_.open(flows_, situation_.none(), asked_)) ? add : "";
    }
    if (const std::string text = edit_rules({}); !text.empty()) return text;
    const std::string text = edit_rules(boxes_);
    return text.empty() ? "" : fmt::format("{}; and {}", text, add);
  }

  // ---- edits of the rules themselves

  // The best edit of each rule, if together they mend the check; `added` is allowed as well.
  std::string edit_rules(const std::vector<net::Box>& added) {
    if (blame_.culprits.size() > most_edits) return "";
    std::vector<Flow> flows(flows_.begin(), flows_.end());
    std::vector<std::string> texts;
    for (const Culprit& culprit : blame_.culprits) {
      if (of_library(*culprit.rule)) return "";
      const auto edit = best_edit(*culprit.rule);
      if (!edit) return "";
      std::erase_if(flows, [&](const Flow& flow) { return flow.rule == culprit.rule; });
      flows.insert(flows.end(), edit->flows.begin(), edit->flows.end());
      texts.push_back(edit->text);
    }
    std::vector<Flow> allows = flows;
    if (!added.empty()) allows = with_allow(std::move(allows));
    return holds(situation_.open(allows)) ? fmt::format("{}", fmt::join(texts, "; and ")) : "";
  }

  std::vector<Flow> with_allow(std::vector<Flow> flows) const {
    const sema::Flow& asked = check_.flow;
    flows.push_back({Kind::allow, asked.from.parts, asked.to.parts, asked.service, nullptr, {}});
    if (asked.both_ways) {
      flows.push_back({Kind::allow, asked.to.parts, asked.from.parts, asked.service, nullptr, {}});
    }
    return flows;
  }

  bool holds(const net::PacketSet& open) const { return wrong(check_, asked_, open).empty(); }

  // Nobody edits the library for one policy.
  bool of_library(const policy::Rule& rule) const {
    return sources_.file(rule.origin.span.file).path.starts_with("std/");
  }

  // The candidate that keeps most of the rule and leaves nothing of what is asked in it.
  std::optional<Edit> best_edit(const policy::Rule& rule) {
    std::vector<Edit> edits = candidates(rule);
    std::stable_sort(edits.begin(), edits.end(),
                     [](const Edit& a, const Edit& b) { return a.lost < b.lost; });
    for (Edit& edit : edits) {
      const bool clean = std::none_of(edit.flows.begin(), edit.flows.end(), [&](const Flow& flow) {
        return situation_.share(flow).intersects(asked_);
      });
      if (clean) return std::move(edit);
    }
    return std::nullopt;
  }

  std::vector<Edit> candidates(const policy::Rule& rule) {
    const std::string name = fmt::format("rule `{}`", written_address(rule));
    std::vector<Flow> own;
    for (const Flow& flow : flows_) {
      if (flow.rule == &rule) own.push_back(flow);
    }
    std::vector<Edit> edits;
    if (own.size() == 2) {
      for (const Flow& flow : own) {
        edits.push_back({fmt::format("let {} say `{} -> {}`", name, flow::names(flow.from),
                                     flow::names(flow.to)),
                         0.5,
                         {flow}});
      }
    }
    const net::Box hit = what_is_hit(own);
    if (!rule.both_ways) {
      narrow_peers(own.front(), &Flow::from, hit.from, check_.flow.from.parts, name, edits);
      narrow_peers(own.front(), &Flow::to, hit.to, check_.flow.to.parts, name, edits);
    }
    narrow_service(own, hit.service, name, edits);
    edits.push_back({fmt::format("remove {}", name), 1, {}});
    return edits;
  }

  // What the check asks of the rule, field by field.
  net::Box what_is_hit(const std::vector<Flow>& own) const {
    net::Box hit;
    for (const Flow& flow : own) {
      for (const net::Box& box : situation_.meant(flow)) {
        for (const net::Box& asked : boxes_) {
          const net::Box both = box & asked;
          if (!is_empty(both)) hit = hull(hit, both);
        }
      }
    }
    return hit;
  }

  void narrow_peers(const Flow& flow, std::vector<const NamedSet*> Flow::*side,
                    const net::PeerSet& hit, const std::vector<const NamedSet*>& asked,
                    const std::string& rule, std::vector<Edit>& edits) {
    const std::string_view what = side == &Flow::from ? "source" : "destination";
    const net::PeerSet whole = flow::peers(flow.*side);
    std::vector<const NamedSet*> kept;
    std::vector<std::string> taken;
    for (const NamedSet* part : flow.*side) {
      if (part->set.intersects(hit)) {
        taken.push_back(fmt::format("`{}`", part->name));
      } else {
        kept.push_back(part);
      }
    }
    if (!kept.empty() && !taken.empty()) {
      Edit edit{fmt::format("take {} out of the {} of {}", list_of(taken), what, rule),
                share_of(whole - flow::peers(kept), whole),
                {flow}};
      edit.flows.front().*side = kept;
      edits.push_back(std::move(edit));
    }
    const net::PeerSet rest = whole - hit;
    const std::string name = name_of(rest, flow.*side, asked);
    if (taken.empty() || name.empty()) return;
    NamedSet& set = sets_.emplace_back();
    set.name = name;
    set.set = rest;
    Edit edit{fmt::format("narrow the {} of {} to `{}`", what, rule, set.name),
              share_of(hit & whole, whole),
              {flow}};
    edit.flows.front().*side = {&set};
    edits.push_back(std::move(edit));
  }

  // A set without what is asked: by its own names if they are few, else in the words of both.
  std::string name_of(const net::PeerSet& rest, const std::vector<const NamedSet*>& whole,
                      const std::vector<const NamedSet*>& asked) const {
    if (rest.empty()) return "";
    if (naming_.names(rest).size() <= most_names) return naming_.text(rest, most_names);
    if (flow::peers(whole) - flow::peers(asked) != rest) return "";
    const auto in_brackets = [](const std::vector<const NamedSet*>& sets) {
      return sets.size() == 1 ? flow::names(sets) : fmt::format("[{}]", flow::names(sets));
    };
    return fmt::format("{} except {}", in_brackets(whole), in_brackets(asked));
  }

  void narrow_service(const std::vector<Flow>& own, const net::ServiceSet& hit,
                      const std::string& rule, std::vector<Edit>& edits) {
    const net::ServiceSet& whole = own.front().service;
    const net::ServiceSet rest = whole - hit;
    if (rest.empty()) return;
    Edit edit{
        fmt::format("narrow the service of {} to `{}`", rule, one_line(net::to_string(rest), 200)),
        share_of(hit & whole, whole), own};
    for (Flow& flow : edit.flows) flow.service = rest;
    edits.push_back(std::move(edit));
  }

  Situation& situation_;
  std::span<const Flow> flows_;
  const Wanted& wanted_;
  const policy::Check& check_;
  const Blame& blame_;
  const SourceMap& sources_;
  flow::Naming naming_;
  std::vector<net::Box> boxes_;
  net::PacketSet asked_;
  std::deque<NamedSet> sets_;
};

}  // namespace

std::string mend(Situation& situation, std::span<const flow::Flow> flows, const Wanted& wanted,
                 const Blame& blame, const SourceMap& sources) {
  return Mender(situation, flows, wanted, blame, sources).run();
}

}  // namespace hcipol::verify
