// The row of the table of backends: what the device can do, and emit = legalise, then print.
#include "backends/iptables/iptables.h"

#include "backends/iptables/legalise.h"
#include "backends/iptables/print.h"
#include "backends/iptables/read_back.h"
#include "backends/iptables/settings.h"

namespace hcipol::backends::iptables {

namespace {

Emission emit(const flow::DevicePolicy& device, EmitContext& context) {
  const Settings settings = read_settings(device, context);
  Document document = legalise(device, settings, context);
  Emission out = gateway::emission(print(std::move(document)), settings, context);
  if (settings.owns_table) out.rest = Rest::all_denied;
  return out;
}

}  // namespace

Backend backend() {
  Backend row = gateway::row(dialect().title);
  row.capabilities.limits =
      "1024 bytes for a domain and its sets, 524288 prefixes in a set, 255 bytes of comment";
  row.options = options();
  row.emit = emit;
  row.read_back = read_back;
  return row;
}

}  // namespace hcipol::backends::iptables
