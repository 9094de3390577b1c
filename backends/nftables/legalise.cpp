// One table for both families: what matches an address says which, and what matches none says it
// beside.
#include "backends/nftables/legalise.h"

#include <vector>

#include "backends/common/gateway/remarks.h"
#include "backends/common/gateway/scope.h"
#include "backends/common/text.h"
#include "backends/nftables/frame.h"

namespace hcipol::backends::nftables {

namespace {

std::vector<Way> ways(const Settings& settings) {
  if (settings.host) return {Way::in, Way::out};
  return {Way::forward};
}

/// Of those whose traffic the table guards.
void note_families(const flow::DevicePolicy& device, Peers& peers, Document& document) {
  for (const Peer* peer : gateway::own_peers(device, peers, document.host)) {
    document.knows_own_v4 = document.knows_own_v4 || !peer->in(net::Family::ipv4).empty();
    document.knows_own_v6 = document.knows_own_v6 || !peer->in(net::Family::ipv6).empty();
  }
}

}  // namespace

Document legalise(const flow::DevicePolicy& device, const Settings& settings,
                  EmitContext& context) {
  Document document;
  document.base = settings.base;
  document.cluster = device.cluster->name;
  document.scope = gateway::scope_of(device, false);
  document.host = settings.host;
  document.log_group = settings.log_group;
  Peers peers(device, settings, dialect(settings.host), document, context);
  gateway::report_peers(device, peers, context);
  note_families(device, peers, document);
  ServiceBook services(document);
  gateway::LineTexts texts(device, settings, {max_comment, max_log_prefix}, document.words);
  bool refuses = false, refuses_logged = false;
  for (const Way way : ways(settings)) {
    const gateway::WayFlows flows(way, device);
    Frame frame(way, device, peers, services, texts, document);
    for (std::size_t i = 0; i < device.flows.size(); ++i) {
      if (flows.has(i)) frame.add(device.flows[i]);
    }
    frame.finish();
    refuses = refuses || frame.refuses();
    refuses_logged = refuses_logged || frame.refuses_logged();
  }
  if (refuses) document.chains.push_back(denied_chain(settings, document));
  if (refuses_logged) document.chains.push_back(refused_chain(settings, document));
  for (const policy::Rule* rule : texts.told()) {
    document.traces.push_back({readable(rule->address, max_comment), rule});
  }
  document.traces = gateway::traces_of(std::move(document.traces));
  peers.write(context);
  return document;
}

}  // namespace hcipol::backends::nftables
