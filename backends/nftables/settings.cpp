// Names within the table begin with what they are ("v4.", "allow."), so none is a word of nft or
// starts with a digit, which it would refuse.
#include "backends/nftables/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "backends/common/gateway/machine.h"
#include "backends/nftables/document.h"

namespace hcipol::backends::nftables {

namespace {

constexpr std::array option_table{
    gateway::mode_option,
    gateway::host_option,
    sema::OptionSpec{"table", "string", "HCI- and the cluster's name",
                     "the inet table that everything is in"},
    gateway::names_option,
    gateway::lockfile_option,
    gateway::lockfile_age_option,
    sema::OptionSpec{"default", "string", "reject",
                     "servers' traffic (a machine's own) that nothing allows: \"reject\", \"drop\" "
                     "or \"return\" (to the other tables)"},
    gateway::log_option,
    gateway::log_group_option,
};

/// nft takes 255 bytes for a name; a line of dnsmasq names the table and the set of each family of
/// each endpoint with that domain, in 1024.
constexpr std::size_t max_base = 32;
constexpr std::size_t max_label = 40;

/// The list of the sources and destinations whose traffic matters without a server.
constexpr std::array<std::string_view, 1> taken{"others"};

/// The words of nft 1.0.6 are in small letters, and none has an underscore.
std::string table_fault(std::string_view name) {
  const std::string fault = gateway::word_fault(name, "a table's name");
  if (!fault.empty()) return fault;
  if (name.size() > max_base) return "it has more than 32 bytes, and every name in dnsmasq has it";
  if (std::none_of(name.begin(), name.end(),
                   [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; })) {
    return "names all in small letters may be words of nft: add a capital letter or a `_`";
  }
  return {};
}

char digit(net::Family family) {
  return family == net::Family::ipv4 ? '4' : '6';
}

std::size_t label_limit(std::string_view) {
  return max_label;
}
std::string list_name(std::string_view, std::string_view label, net::Family family) {
  return fmt::format("v{}.{}", digit(family), label);
}
std::string learnt_name(std::string_view, std::string_view label, net::Family family) {
  return fmt::format("dns{}.{}", digit(family), label);
}
std::string reference(std::string_view base, std::string_view set, net::Family family) {
  return fmt::format("{}#inet#{}#{}", digit(family), base, set);
}

}  // namespace

std::span<const sema::OptionSpec> options() {
  return option_table;
}

const gateway::Dialect& dialect(bool host) {
  static constexpr gateway::Dialect forwarding{
      .title = "nftables",
      .rest = "the other tables of the gateway",
      .base_option = "table",
      .max_base = max_base,
      .base_fault = table_fault,
      .label_limit = label_limit,
      .taken_labels = taken,
      .list_name = list_name,
      .learnt_name = learnt_name,
      .domain_option = "nftset",
      .learnt_note = "an address stays known for a day after the last connection to it",
      .reference = reference,
      .set_tool = "nftables",
      .max_prefixes = 0};
  static constexpr gateway::Dialect machine = [] {
    gateway::Dialect row = forwarding;
    row.rest = "the other tables of the machine";
    row.resolver = "the machine's dnsmasq";
    row.askers = "the machine";
    return row;
  }();
  return host ? machine : forwarding;
}

}  // namespace hcipol::backends::nftables
