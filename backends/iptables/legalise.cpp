// Twins by construction: one builder makes the chains of either family from the same flows.
#include "backends/iptables/legalise.h"

#include <algorithm>
#include <map>
#include <vector>

#include "backends/common/gateway/peers.h"
#include "backends/common/gateway/remarks.h"
#include "backends/iptables/flow_chains.h"
#include "backends/iptables/frame.h"

namespace hcipol::backends::iptables {

namespace {

/// The flows that a path meets: on a machine, those that end or begin there.
class PathFlows {
 public:
  PathFlows(Path::Way way, const flow::DevicePolicy& device) : way_(way), flows_(device.flows) {
    if (device.view->machine) machine_ = flow::peers(device.view->machine->parts).addresses;
    for (std::size_t i = 0; i < flows_.size(); ++i) {
      if (meets(flows_[i])) of_rule_[flows_[i].rule].push_back(i);
    }
  }
  bool has(std::size_t i) const {
    if (way_ == Path::Way::forward) return true;
    const auto& others = of_rule_.find(flows_[i].rule);
    if (others == of_rule_.end() || !meets(flows_[i])) return false;
    // What the machine sends to itself is a part of what it sends, and of what it receives.
    return std::none_of(others->second.begin(), others->second.end(),
                        [&](std::size_t j) { return j != i && covers(flows_[j], flows_[i]); });
  }

 private:
  bool meets(const flow::Flow& flow) const {
    const auto& own = way_ == Path::Way::in ? flow.to : flow.from;
    return std::all_of(own.begin(), own.end(), [&](const policy::NamedSet* set) {
      return set->set.names.empty() && machine_.contains(set->set.addresses);
    });
  }
  static bool covers(const flow::Flow& wide, const flow::Flow& narrow) {
    const auto holds = [](const auto& all, const auto& some) {
      return flow::peers(all).contains(flow::peers(some));
    };
    return wide.service == narrow.service && holds(wide.from, narrow.from) &&
           holds(wide.to, narrow.to) &&
           !(holds(narrow.from, wide.from) && holds(narrow.to, wide.to));
  }

  Path::Way way_;
  const std::vector<flow::Flow>& flows_;
  net::AddressSet machine_;
  std::map<const policy::Rule*, std::vector<std::size_t>> of_rule_;
};

std::vector<const Path*> paths(const Settings& settings) {
  if (settings.host) return {&in_path, &out_path};
  return {&forward_path};
}

/// Each flow's texts, made once for all paths and families.
std::vector<FlowText> texts_of(const flow::DevicePolicy& device, const Settings& settings,
                               Document& document) {
  std::vector<FlowText> out;
  out.reserve(device.flows.size());
  for (const flow::Flow& flow : device.flows) {
    FlowText& text = out.emplace_back();
    text.comment = &document.words.emplace_back(gateway::comment_of(flow, max_comment));
    if (!flow.rule->log) continue;
    text.log_prefix =
        &document.words.emplace_back(gateway::log_prefix(flow, settings, max_log_prefix));
  }
  return out;
}

void note_whole_table(const Settings& settings, EmitContext& context) {
  if (!settings.owns_table) return;
  context.note(dialect().title,
               settings.host
                   ? "table = \"own\": all other rules of the filter table go, what nothing allows "
                     "is denied to everyone, and nothing is forwarded"
                   : "table = \"own\": all other rules of the filter table go, what nothing allows "
                     "is denied to everyone, and what the gateway itself receives and sends is let "
                     "through");
}

}  // namespace

Document legalise(const flow::DevicePolicy& device, const Settings& settings,
                  EmitContext& context) {
  Document document;
  document.base = settings.base;
  document.cluster = device.cluster->name;
  document.host = settings.host;
  document.owns_table = settings.owns_table;
  document.log_group = settings.log_group;
  gateway::Peers peers(device, settings, dialect(settings.host), document, context);
  gateway::report_peers(device, peers, context);
  note_whole_table(settings, context);
  ServiceBook services(document);
  const std::vector<FlowText> texts = texts_of(device, settings, document);
  std::vector<std::string> faults(device.flows.size());
  for (const Path* path : paths(settings)) {
    const PathFlows flows(path->way, device);
    for (Rules* rules : {&document.v4, &document.v6}) {
      rules->family = rules == &document.v4 ? net::Family::ipv4 : net::Family::ipv6;
      FlowChains chains(*path, rules->family, document.base, peers, services, document);
      for (std::size_t i = 0; i < device.flows.size(); ++i) {
        if (flows.has(i)) chains.add(device.flows[i], texts[i], faults[i]);
      }
      Frame(*path, rules->family, device, peers, services, settings, document).add(chains, *rules);
    }
  }
  for (std::size_t i = 0; i < faults.size(); ++i) {
    if (!faults[i].empty()) context.cannot(device.flows[i], dialect().title, faults[i]);
  }
  peers.write(context);
  return document;
}

}  // namespace hcipol::backends::iptables
