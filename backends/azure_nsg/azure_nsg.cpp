// The row of the azure-nsg backend: what it offers, and emit() = legalise, limits, print.
#include "backends/azure_nsg/azure_nsg.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "backends/azure_nsg/legalise.h"
#include "backends/azure_nsg/print.h"
#include "backends/azure_nsg/read_back.h"
#include "backends/azure_nsg/settings.h"
#include "backends/common/arm/naming.h"
#include "support/text.h"

namespace hcipol::backends::azure_nsg {

namespace {

/// "Azure subscription limits", Networking (2022-12-05).
constexpr std::size_t most_rules = 1'000;
constexpr std::size_t most_prefixes = 4'000;
constexpr std::size_t most_bytes = 4'000'000;

constexpr std::array option_specs{
    sema::OptionSpec{"name", "string", "\"nsg-hci-<cluster>\"",
                     "name of the network security group"},
    sema::OptionSpec{"default", "string", "\"deny\"",
                     "what becomes of the servers' traffic that the target sees and nothing "
                     "allows: `deny`, or `azure` for Azure's own default rules, which let "
                     "everything within the virtual network and to the Internet pass"},
    sema::OptionSpec{"api_version", "string", arm::usual_network_versions,
                     "version of Microsoft.Network in the template, from 2022-11-01 on"},
};

std::vector<Budget> budgets_of(const Document& document) {
  std::size_t from = 0;
  std::size_t to = 0;
  for (const SecurityRule& rule : document.rules) {
    from += rule.from.size();
    to += rule.to.size();
  }
  return {{"security rules", document.rules.size(), most_rules},
          {"prefixes and tags of sources", from, most_prefixes},
          {"prefixes and tags of destinations", to, most_prefixes}};
}

void check(const std::vector<Budget>& budgets, const Document& document, EmitContext& context) {
  for (const Budget& budget : budgets) {
    if (budget.used <= budget.allowed) continue;
    context.reporter()
        .report<Diag::device_limit>(
            context.place(nullptr), fmt::format("the group `{}`", document.group), title,
            fmt::format("{} {}, at most {}", budget.used, budget.limit, budget.allowed))
        .help("let the target `see` less of the policy");
  }
}

Emission emit(const flow::DevicePolicy& device, EmitContext& context) {
  const std::size_t errors_before = context.reporter().errors();
  const Settings settings = read_settings(device, context);
  Emission emission;
  Document document = legalise(device, settings, context);
  emission.budgets = budgets_of(document);
  check(emission.budgets, document, context);
  if (context.reporter().errors() == errors_before) {
    emission.artefacts = print(document);
    emission.budgets.push_back(
        {"bytes of the template", emission.artefacts.front().text.size(), most_bytes});
    check({emission.budgets.back()}, document, context);
  }
  emission.made.push_back(
      {fmt::format("network security group `{}`", document.group),
       fmt::format("az network nsg delete --resource-group <resource-group> --name {}",
                   document.group)});
  // A deployment replaces all rules of the group of that name, whoever deployed it before.
  const std::string owner = device.cluster->name + "/" + device.view->target->folder();
  emission.own_names.push_back(
      {"network security groups", to_lower(document.group), owner, one_line(owner, 120)});
  emission.remarks = std::move(context.remarks);
  emission.parts = std::move(document.parts);
  emission.rest = settings.deny_rest ? Rest::servers_denied : Rest::others;
  return emission;
}

}  // namespace

Backend backend() {
  Backend row;
  row.name = "azure-nsg";
  row.title = title;
  row.capabilities.order = Capabilities::Order::first_match;
  row.capabilities.rule.tags_with_addresses = true;
  row.capabilities.budgets = true;
  row.capabilities.default_sees = "servers <-> private";
  row.capabilities.names =
      "none: an endpoint's addresses or service tag stand in, or it is an error";
  row.capabilities.addresses = "IPv4, IPv6 and service tags, at both ends";
  row.capabilities.limits =
      "1,000 rules with 4,000 sources and 4,000 destinations in a group; ICMP as a whole, no "
      "ICMPv6; no other protocols but TCP, UDP, ESP and AH";
  row.options = option_specs;
  row.emit = emit;
  row.read_back = read_back;
  return row;
}

}  // namespace hcipol::backends::azure_nsg
