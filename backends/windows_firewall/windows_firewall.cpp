// The row in the table of backends: what Windows Firewall can do and what its target block may say.
#include "backends/windows_firewall/windows_firewall.h"

#include <array>
#include <utility>

#include "backends/windows_firewall/legalise.h"
#include "backends/windows_firewall/print.h"
#include "backends/windows_firewall/read_back.h"

namespace hcipol::backends::windows_firewall {

namespace {

std::span<const sema::OptionSpec> options() {
  static constexpr std::array rows{
      sema::OptionSpec{"names", "string", "report",
                       "host names in outbound rules: `report` leaves them out with a warning, "
                       "`service-tags` uses the addresses of the endpoint's tag, "
                       "`dynamic-keywords` lets Windows resolve them (Windows Server 2022, "
                       "Defender with network protection)",
                       false},
      sema::OptionSpec{"service_tags", "string", "addresses",
                       "service tags in outbound rules: `addresses` writes them into the rules, "
                       "`dynamic-keywords` into objects that rules refer to (Windows Server 2022)",
                       false},
      sema::OptionSpec{"lock_down", "bool", "false",
                       "block outbound traffic that no rule allows: the profiles' default outbound "
                       "action",
                       false},
      sema::OptionSpec{"builtin", "bool", "false",
                       "enable rules of Windows' own in place of inbound rules for their ports; "
                       "they are wider: from every address",
                       false},
      sema::OptionSpec{"group", "string", "hcipolc:<cluster>",
                       "group of the rules in Windows Firewall", false},
      sema::OptionSpec{"profile", "list(string)", "[\"Any\"]",
                       "profiles in which the rules act: `Any`, or some of `Domain`, `Private` and "
                       "`Public`",
                       false},
      sema::OptionSpec{"proxy_settings", "bool", "true",
                       "point the servers to the cluster's `proxy`: WinINet, WinHTTP, environment "
                       "variables, Azure Arc agent",
                       false},
  };
  return rows;
}

Emission emit(const flow::DevicePolicy& device, EmitContext& context) {
  Emission out;
  Document document = legalise(device, context);
  out.parts = std::move(document.parts);
  out.artefacts = print(std::move(document));
  out.remarks = std::move(context.remarks);
  return out;
}

}  // namespace

Backend backend() {
  Backend row;
  row.name = "windows-firewall";
  row.title = "Windows Firewall";
  row.capabilities.host = true;
  row.capabilities.order = Capabilities::Order::block_wins;
  row.capabilities.names =
      "Not by address: left out with a warning, or given by service tag, or resolved by Windows "
      "(dynamic keywords, outbound only).";
  row.capabilities.addresses = "IPv4 and IPv6, prefixes and ranges; service tags as addresses.";
  row.capabilities.limits = "At most 1,000 addresses in a rule: longer lists become several rules.";
  row.options = options();
  row.emit = emit;
  row.read_back = read_back;
  return row;
}

}  // namespace hcipol::backends::windows_firewall
