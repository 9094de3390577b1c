// What the backend can do, and its one function: legalise, then print.
#include "backends/palo_alto/palo_alto.h"

#include "backends/palo_alto/commands.h"
#include "backends/palo_alto/heads.h"
#include "backends/palo_alto/legalise.h"
#include "backends/palo_alto/place.h"
#include "backends/palo_alto/print.h"
#include "backends/palo_alto/read_back.h"
#include "backends/palo_alto/settings.h"

namespace hcipol::backends::palo_alto {

namespace {

Emission emit(const flow::DevicePolicy& device, EmitContext& context) {
  const Settings settings = read_settings(device, context);
  Document document = legalise(device, settings, context);
  Emission out;
  out.rest = document.denies_rest ? Rest::servers_denied : Rest::others;
  out.made = made_by(document, device.cluster->name);
  out.own_names = own_names(document, device);
  Artefact artefact;
  artefact.path = document.file_name;
  artefact.text = print(document);
  Commands written = commands(document);
  Artefact apply;
  apply.path = beside(document.file_name, ".apply.txt");
  apply.text = std::move(written.apply);
  Artefact remove;
  remove.path = beside(document.file_name, ".remove.txt");
  remove.text = std::move(written.remove);
  artefact.rules.reserve(document.rules.size() + document.cleanup.size());
  // The clean-up leads back to no rule: it is what all of them leave.
  for (auto* rules : {&document.rules, &document.cleanup}) {
    for (SecurityRule& rule : *rules) artefact.rules.push_back({std::move(rule.name), rule.origin});
  }
  for (Artefact* one : {&artefact, &apply, &remove}) out.artefacts.push_back(std::move(*one));
  out.remarks = std::move(context.remarks);
  out.parts = std::move(document.parts);
  return out;
}

}  // namespace

Backend backend() {
  Backend out;
  out.name = backend_name;
  out.title = backend_title;
  out.capabilities.order = Capabilities::Order::first_match;
  // A destination lists objects of every kind: FQDNs, prefixes, external dynamic lists.
  out.capabilities.rule = {
      .names_with_addresses = true, .names_on_any_port = true, .tags_with_addresses = true};
  out.capabilities.names =
      "Host names become FQDN objects; wildcards become URL categories, on tcp/80 and tcp/443 "
      "only.";
  out.capabilities.addresses =
      "IPv4, IPv6 (with IPv6 firewalling switched on) and ranges; service tags as their "
      "prefixes or as lists that the device fetches.";
  out.capabilities.limits =
      "Names of 63 characters, 31 for URL categories and zones; 1,023 characters of ports a "
      "service.";
  out.options = option_specs();
  out.emit = emit;
  out.read_back = read_back;
  return out;
}

}  // namespace hcipol::backends::palo_alto
