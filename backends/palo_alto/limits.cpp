// Figures: PAN-OS 10.0 schema, whose ceilings are those of the largest device; what a given device
// takes is to be asked of it alone (`show system state | match cfg.general.max`).
#include "backends/palo_alto/limits.h"

#include <algorithm>

#include "backends/palo_alto/settings.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

constexpr std::size_t rule_limit = 102'400;
constexpr std::size_t address_limit = 162'400;
constexpr std::size_t object_limit = 102'400;  ///< groups, their members, services
/// capirca's paloaltofw.py; the schema has none.
constexpr std::size_t rule_member_limit = 65'535;
// Vendor's knowledge base, kA10g000000ClVqCAK: small platforms and VM-Series, and large ones.
constexpr std::size_t small_fqdn_limit = 2000;
constexpr std::size_t large_fqdn_limit = 6144;
/// PAN-OS 7.1 documentation; no newer figure for all platforms.
constexpr std::size_t external_list_limit = 30;

class Counter {
 public:
  explicit Counter(EmitContext& context) : context_(context) {}

  void check(std::string_view what, std::size_t count, std::size_t limit) {
    if (count <= limit) return;
    context_.reporter().report<Diag::device_limit>(context_.place(nullptr), what, backend_title,
                                                   fmt::format("{} of at most {}", count, limit));
  }

 private:
  EmitContext& context_;
};

std::size_t fqdn_count(const Document& document) {
  return static_cast<std::size_t>(
      std::count_if(document.addresses.begin(), document.addresses.end(),
                    [](const auto& entry) { return entry.second.kind == Address::Kind::fqdn; }));
}

// What the device is to have beside the document cannot be part of it.
void report_before(const Document& document, EmitContext& context) {
  for (const auto* rules : {&document.rules, &document.cleanup}) {
    for (const SecurityRule& rule : *rules) {
      if (document.before.empty() || rule.name != document.before) continue;
      context.reporter().report<Diag::bad_option>(context.place(nullptr), "before", backend_name,
                                                  "it is the name of a rule of this very file");
    }
  }
}

std::size_t longest(const std::deque<Members>& lists) {
  std::size_t out = 0;
  for (const Members& list : lists) out = std::max(out, list.size());
  return out;
}

}  // namespace

void report_limits(const Document& document, EmitContext& context) {
  report_before(document, context);
  Counter counter(context);
  counter.check("the number of rules", document.rules.size() + document.cleanup.size(), rule_limit);
  counter.check("the number of addresses", document.addresses.size(), address_limit);
  counter.check("the number of host names", fqdn_count(document), large_fqdn_limit);
  counter.check("the number of address groups", document.address_groups.size(), object_limit);
  counter.check("the number of services", document.services.size(), object_limit);
  counter.check("a list of a rule", longest(document.lists), rule_member_limit);
  for (const auto& [name, group] : document.address_groups) {
    counter.check("the address group `" + name + "`", group.members.size(), object_limit);
  }
}

void add_device_notes(const Document& document, EmitContext& context) {
  const std::size_t fqdns = fqdn_count(document);
  if (fqdns > small_fqdn_limit) {
    context.note(backend_title, fmt::format("{} host names; small platforms hold {} FQDN objects",
                                            fqdns, small_fqdn_limit));
  }
  if (document.opens_by_name) {
    context.note(backend_title,
                 "FQDN objects also close: an address of a host that the servers' DNS gives and "
                 "the device's does not is not let through, so let both ask the same resolver");
  }
  if (document.external_lists.size() > external_list_limit) {
    context.note(backend_title, fmt::format("{} external dynamic lists; a device holds {}",
                                            document.external_lists.size(), external_list_limit));
  }
  if (document.applications.empty()) return;
  std::vector<std::string> names;
  for (const auto& [name, application] : document.applications) names.push_back(name);
  context.note(backend_title,
               "custom applications win over the predefined ones in every rule of the device: " +
                   list_of(names));
}

}  // namespace hcipol::backends::palo_alto
