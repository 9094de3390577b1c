// iptables 1.8.9 takes 28 bytes for a chain, ipset 7.17 takes 31 for a set.
#include "backends/iptables/settings.h"

#include <algorithm>
#include <array>

#include "backends/common/gateway/machine.h"
#include "backends/common/options.h"
#include "backends/common/text.h"
#include "backends/iptables/document.h"

namespace hcipol::backends::iptables {

namespace {

constexpr std::array option_table{
    gateway::mode_option,
    gateway::host_option,
    sema::OptionSpec{
        "table", "string", "shared",
        "\"shared\" (chains beside those of others) or \"own\" (the whole filter table, "
        "with default policies)"},
    sema::OptionSpec{"chain", "string", "HCI- and the cluster's name",
                     "the chain that FORWARD jumps to; other chains and sets begin with its name"},
    gateway::names_option,
    gateway::lockfile_option,
    gateway::lockfile_age_option,
    sema::OptionSpec{
        "default", "string", "reject",
        "servers' traffic (a machine's own) that nothing allows: \"reject\", \"drop\" or "
        "\"return\" (to the rest of FORWARD, or of INPUT and OUTPUT)"},
    gateway::log_option,
    gateway::log_group_option,
};

/// The longest `chain` that leaves the names made from it enough room.
constexpr std::size_t max_base = 16;
constexpr std::size_t max_set_name = 31;
/// "-dns4" of learnt sets; "-v4" and "-n" of the working copies of lists.
constexpr std::size_t longest_suffix = 5;

/// Chains of the frame.
constexpr std::array<std::string_view, 9> frame_names{
    "ours", "others", "flows", "except", "deny", "denied", "refused", "in", "out"};

/// Names all in capitals are built-in chains and targets: iptables 1.8.9 accepts a chain called
/// LOG, which then hides the target.
std::string chain_fault(std::string_view name) {
  const std::string fault = gateway::word_fault(name, "a chain's name");
  if (!fault.empty()) return fault;
  if (name.size() > max_base) {
    return "it has more than 16 bytes, and the names of chains and sets made from it must fit in "
           "28 and 31";
  }
  if (std::all_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return "names all in capitals belong to iptables: add a `-`, a digit or a small letter";
  }
  return {};
}

std::size_t label_limit(std::string_view base) {
  return max_set_name - base.size() - 1 - longest_suffix;
}
std::string set_name(std::string_view base, std::string_view label, std::string_view suffix) {
  std::string out;
  out.reserve(base.size() + 1 + label.size() + suffix.size());
  put(out, base, ".", label, suffix);
  return out;
}
std::string list_name(std::string_view base, std::string_view label, net::Family family) {
  return set_name(base, label, family == net::Family::ipv4 ? "-v4" : "-v6");
}
std::string learnt_name(std::string_view base, std::string_view label, net::Family family) {
  return set_name(base, label, family == net::Family::ipv4 ? "-dns4" : "-dns6");
}
std::string reference(std::string_view, std::string_view set, net::Family) {
  return std::string(set);
}

}  // namespace

std::span<const sema::OptionSpec> options() {
  return option_table;
}

const gateway::Dialect& dialect(bool host) {
  static constexpr gateway::Dialect forwarding{.title = "iptables",
                                               .rest = "the rest of FORWARD",
                                               .base_option = "chain",
                                               .max_base = max_base,
                                               .base_fault = chain_fault,
                                               .label_limit = label_limit,
                                               .taken_labels = frame_names,
                                               .list_name = list_name,
                                               .learnt_name = learnt_name,
                                               .domain_option = "ipset",
                                               .learnt_note = "",
                                               .reference = reference,
                                               .set_tool = "ipset",
                                               .max_prefixes = max_elements / 2};
  static constexpr gateway::Dialect machine = [] {
    gateway::Dialect row = forwarding;
    row.rest = "the rest of INPUT and OUTPUT";
    row.resolver = "the machine's dnsmasq";
    row.askers = "the machine";
    return row;
  }();
  return host ? machine : forwarding;
}

Settings read_settings(const flow::DevicePolicy& device, EmitContext& context) {
  Settings settings;
  static_cast<gateway::Settings&>(settings) = gateway::read_settings(device, dialect(), context);
  gateway::OptionReader reader(device.view->options, context);
  settings.owns_table = reader.one_of<bool>("table", {{"shared", false}, {"own", true}},
                                            "it is one of shared and own", false);
  if (settings.owns_table && settings.rest == Settings::Rest::pass) {
    reader.bad("default", "return", "with table = \"own\" there are no other rules to return to");
  }
  return settings;
}

}  // namespace hcipol::backends::iptables
