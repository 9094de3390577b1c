// The row of the table of backends: what the device can do, and emit = legalise, then print.
#include "backends/nftables/nftables.h"

#include "backends/nftables/legalise.h"
#include "backends/nftables/print.h"
#include "backends/nftables/read_back.h"
#include "backends/nftables/settings.h"

namespace hcipol::backends::nftables {

namespace {

Emission emit(const flow::DevicePolicy& device, EmitContext& context) {
  const Settings settings = gateway::read_settings(device, dialect(), context);
  return gateway::emission(print(legalise(device, settings, context)), settings, context);
}

}  // namespace

Backend backend() {
  Backend row = gateway::row(dialect().title);
  row.capabilities.limits =
      "1024 bytes for a domain and its sets, 128 bytes of comment, 127 of a log prefix";
  row.options = options();
  row.emit = emit;
  row.read_back = read_back;
  return row;
}

}  // namespace hcipol::backends::nftables
