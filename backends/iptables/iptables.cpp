// The row of the table of backends: what the device can do, and emit = legalise, then print.
#include "backends/iptables/iptables.h"

#include <utility>

#include "backends/iptables/legalise.h"
#include "backends/iptables/print.h"
#include "backends/iptables/read_back.h"
#include "backends/iptables/settings.h"

namespace hcipol::backends::iptables {

namespace {

Emission emit(const flow::DevicePolicy& device, EmitContext& context) {
  const Settings settings = read_settings(device, context);
  Emission emission;
  emission.artefacts = print(legalise(device, settings, context));
  emission.remarks = std::move(context.remarks);
  emission.rest = settings.rest == Settings::Rest::pass ? Rest::others : Rest::servers_denied;
  return emission;
}

}  // namespace

Backend backend() {
  Backend row;
  row.name = "iptables";
  row.title = "iptables";
  row.capabilities.order = Capabilities::Order::first_match;
  // Names and tags are sets of addresses like others: a rule is a line for each of its sets.
  row.capabilities.rule = {
      .names_with_addresses = true, .names_on_any_port = true, .tags_with_addresses = true};
  row.capabilities.names =
      "through sets that the gateway's dnsmasq fills; every name stands for what is below it too";
  row.capabilities.addresses =
      "IPv4 and IPv6; a service tag stands for its prefixes, which a service tag file must give";
  row.capabilities.limits =
      "1024 bytes for a domain and its sets, 524288 prefixes in a set, 255 bytes of comment";
  row.options = options();
  row.emit = emit;
  row.read_back = read_back;
  return row;
}

}  // namespace hcipol::backends::iptables
