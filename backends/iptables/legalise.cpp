// Twins by construction: one builder makes the chains of either family from the same flows.
#include "backends/iptables/legalise.h"

#include <cstddef>
#include <map>
#include <string_view>
#include <vector>

#include "backends/common/gateway/machine.h"
#include "backends/common/gateway/remarks.h"
#include "backends/common/gateway/scope.h"
#include "backends/iptables/flow_chains.h"
#include "backends/iptables/frame.h"

namespace hcipol::backends::iptables {

namespace {

std::vector<const Path*> paths(const Settings& settings) {
  if (settings.host) return {&in_path, &out_path};
  return {&forward_path};
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
  document.scope = gateway::scope_of(device, settings.owns_table);
  document.host = settings.host;
  document.owns_table = settings.owns_table;
  document.log_group = settings.log_group;
  gateway::Peers peers(device, settings, dialect(settings.host), document, context);
  gateway::report_peers(device, peers, context);
  note_whole_table(settings, context);
  ServiceBook services(document);
  gateway::LineTexts texts(device, settings, {max_comment, max_log_prefix}, document.words);
  std::map<std::size_t, std::string_view> faults;  // by flow
  for (const Path* path : paths(settings)) {
    const gateway::WayFlows flows(path->way, device);
    const auto chains_of = [&](net::Family family) {
      return FlowChains(*path, family, document.base, peers, texts, document);
    };
    FlowChains v4 = chains_of(net::Family::ipv4), v6 = chains_of(net::Family::ipv6);
    for (std::size_t i = 0; i < device.flows.size(); ++i) {
      if (!flows.has(i)) continue;
      const ServiceLines& lines = services.lines(device.flows[i].service);
      if (!lines.fault.empty()) faults[i] = lines.fault;
      v4.add(device.flows[i], lines);
      v6.add(device.flows[i], lines);
    }
    const auto add = [&](net::Family family, FlowChains& chains, Rules& rules) {
      Frame(*path, family, device, peers, services, settings, document).add(chains, rules);
    };
    add(net::Family::ipv4, v4, document.v4);
    add(net::Family::ipv6, v6, document.v6);
  }
  for (const auto& [flow, fault] : faults) {
    context.cannot(device.flows[flow], dialect().title, fault);
  }
  peers.write(context);
  return document;
}

}  // namespace hcipol::backends::iptables
