// Azure answers a bad template with "The request is invalid.", so every option is checked here.
#include "backends/azure_nsg/settings.h"

#include <fmt/format.h>

#include "backends/azure_nsg/document.h"
#include "backends/common/arm/naming.h"
#include "backends/common/names.h"
#include "backends/common/options.h"
#include "support/text.h"

namespace hcipol::backends::azure_nsg {

Settings read_settings(const flow::DevicePolicy& device, EmitContext& context) {
  const sema::Options& options = device.view->options;
  const auto refuse = [&](std::string_view option, const std::string& value, std::string why) {
    const Span place = option_span(options, option, device.view->target->span);
    context.reporter().report<Diag::bad_option>(place, one_line(value, 120), option, why);
  };
  Settings out;
  out.cluster = arm::cluster_part(*device.policy, device.cluster->name);
  out.group = text_option(options, "name", shortened("nsg-hci-" + out.cluster, arm::longest_name));
  if (!arm::is_azure_name(out.group)) {
    refuse("name", out.group, std::string(arm::name_rule));
  }
  const std::string rest = text_option(options, "default", "deny");
  if (rest != "deny" && rest != "azure") {
    refuse("default", rest, "it must be \"deny\" or \"azure\"");
  }
  out.deny_rest = rest != "azure";
  out.api_version = arm::usual_network_version(device.cluster->cloud);
  const std::string version = text_option(options, "api_version", out.api_version);
  if (arm::is_network_version(version)) {
    out.api_version = version;
  } else {
    refuse("api_version", version,
           fmt::format("Microsoft.Network has {}", fmt::join(arm::network_versions, ", ")));
  }
  return out;
}

}  // namespace hcipol::backends::azure_nsg
