// The row of the azure-firewall backend: what it offers, and emit() = legalise, then print.
#include "backends/azure_firewall/azure_firewall.h"

#include <fmt/format.h>

#include <array>
#include <set>
#include <utility>

#include "backends/azure_firewall/legalise.h"
#include "backends/azure_firewall/limits.h"
#include "backends/azure_firewall/made.h"
#include "backends/azure_firewall/print.h"
#include "backends/azure_firewall/read_back.h"
#include "backends/azure_firewall/settings.h"
#include "backends/azure_firewall/validate.h"
#include "backends/common/arm/naming.h"
#include "backends/common/arm/write_template.h"
#include "support/bug.h"
#include "support/text.h"

namespace hcipol::backends::azure_firewall {

namespace {

constexpr std::array option_specs{
    sema::OptionSpec{
        "mode", "string", "\"standalone\"",
        "`standalone` creates a firewall policy, `child` creates one below `base_policy`, "
        "`attach` adds rule collection groups to the existing `policy`"},
    sema::OptionSpec{"format", "string", "\"arm\"",
                     "`arm` writes a template and its parameters, `rcg-json` a bare array of rule "
                     "collection groups for Azure Verified Modules and Bicep's `loadJsonContent`"},
    sema::OptionSpec{"policy", "string", "\"afwp-hci-<cluster>\"", "name of the firewall policy"},
    sema::OptionSpec{"base_policy", "string", "none",
                     "resource id of the parent policy, for `mode = \"child\"`"},
    sema::OptionSpec{
        "priority", "number", "1000",
        "priority of the first network group, 100 to 64830; the first application group has 100 "
        "more, and further groups of a kind, where one is not enough, 10 more each"},
    sema::OptionSpec{
        "tier", "string", "\"Standard\"",
        "`Basic`, `Standard` or `Premium`; Basic cannot match host names in network rules"},
    sema::OptionSpec{
        "threat_intel", "string", "\"Alert\"",
        "what becomes of traffic with what Microsoft knows as malicious: `Alert` logs it, `Deny` "
        "drops it before any rule; a policy cannot be laxer than its `base_policy`"},
    sema::OptionSpec{
        "dns_proxy", "bool", "true if a network rule has host names",
        "whether the firewall answers DNS queries, as host names in network rules need"},
    sema::OptionSpec{"dns_servers", "list(string)", "Azure DNS",
                     "IPv4 addresses of the DNS servers that the firewall asks"},
    sema::OptionSpec{"ip_groups", "bool", "true, with rcg-json false",
                     "whether sources and long lists of destinations become IP groups"},
    sema::OptionSpec{"templates", "string", "\"as-needed\"",
                     "`as-needed` is one template, and several where one would be too large; "
                     "`several` are one for the policy, one or more for the IP groups, and one for "
                     "each rule collection group"},
    sema::OptionSpec{"api_version", "string", arm::usual_network_versions,
                     "version of Microsoft.Network in the template, from 2022-11-01 on"},
};

/// What Azure would refuse is a fault of ours: whatever a policy can ask for is refused before.
void check(std::span<const Artefact> artefacts, EmitContext& context) {
  std::set<std::string> doubts;
  for (const Finding& finding : validate(artefacts)) {
    if (finding.doubt) {
      doubts.insert(finding.what);
      continue;
    }
    bug(fmt::format("{} would be refused ({}): {}", artefacts.front().path, finding.check,
                    finding.what));
  }
  const std::vector<std::string> names(doubts.begin(), doubts.end());
  if (names.empty()) return;
  context.note(
      title, fmt::format("it has been seen to refuse host names with `--`: {}", some_of(names, 3)));
}

void note_parts(std::span<const Artefact> artefacts, EmitContext& context) {
  std::vector<std::string> files;
  for (const Artefact& artefact : artefacts) {
    if (!artefact.path.ends_with(".parameters.json")) files.push_back("`" + artefact.path + "`");
  }
  context.note(title,
               fmt::format("one template would have more than {} MB, so there are several, to "
                           "be deployed in this order: {}",
                           arm::most_template_bytes / 1'000'000, list_of(files)));
}

Emission emit(const flow::DevicePolicy& device, EmitContext& context) {
  const std::size_t errors_before = context.reporter().errors();
  const Settings settings = read_settings(device, context);
  Emission emission;
  Document document = legalise(device, settings, context);
  Budgets budgets(document);
  // What follows an error is thrown away. A template without resources deploys nothing, so in that
  // case there is nothing to write either; a module that reads an array wants one.
  const bool something = settings.mode != Mode::attach || settings.format == Format::rcg_json ||
                         !document.groups.empty();
  if (context.reporter().errors() == errors_before && something) {
    // Far beyond the limits, printing would only take time.
    if (budgets.within()) emission.artefacts = print(document);
    budgets.add_files(emission.artefacts);
    if (budgets.within()) check(emission.artefacts, context);
    if (emission.artefacts.size() > 2 && !settings.several_templates) {
      note_parts(emission.artefacts, context);
    }
  }
  budgets.report(context);
  emission.budgets = budgets.take();
  emission.made = made_by(document);
  emission.needed = needed_by(document);
  emission.own_names = own_names(document, *device.policy);
  emission.remarks = std::move(context.remarks);
  emission.parts = std::move(document.parts);
  emission.rest = Rest::all_denied;
  return emission;
}

}  // namespace

Backend backend() {
  Backend row;
  row.name = "azure-firewall";
  row.title = title;
  row.capabilities.order = Capabilities::Order::allows_only;
  row.capabilities.addresses_first = true;
  row.capabilities.budgets = true;
  row.capabilities.default_sees = "servers -> internet";
  row.capabilities.names =
      "patterns for HTTP on port 80 and HTTPS on port 443; whole names for other TCP and UDP "
      "ports, "
      "with DNS proxy, from tier Standard on; no names as sources";
  row.capabilities.addresses = "IPv4 and service tags as destinations; no IPv6";
  row.capabilities.limits =
      "20,000 pairs of source and destination, 2 MB of rules per group, 5,000 addresses per IP "
      "group, "
      "200 IP groups; ICMP as a whole; no other protocols but TCP and UDP; what Azure's built-in "
      "infrastructure rules allow stays allowed";
  row.options = option_specs;
  row.emit = emit;
  row.read_back = read_back;
  return row;
}

}  // namespace hcipol::backends::azure_firewall
