// Only what this table has is spoken of: a chain that is not there would be looked for.
#include "backends/nftables/head.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/common/text.h"

namespace hcipol::backends::nftables {

namespace {

/// {0} what, {1} the cluster.
constexpr std::string_view first_line = R"(#!/usr/sbin/nft -f
# hcipolc: {0} for cluster {1}. Generated; changes are lost.
)";

/// {0} the width of commands, {1} to {4} these, {5} what dnsmasq has to do with it.
constexpr std::string_view by_hand =
    R"(# `sh apply.sh apply` loads this, and takes it back unless you confirm. By hand:
#   {1:{0}}  checks it and changes nothing
#   {2:{0}}  loads all of it or nothing
#   {3:{0}}  shows it{5}
#   {4:{0}}  takes all of it away again
)";

constexpr std::string_view load =
    R"(# A load replaces the rules of this table, and touches no other table. Chains and sets that the
# policy no longer has stay behind without a rule; apply.sh takes them away as well.
)";
constexpr std::string_view load_beside_dnsmasq =
    R"(# A load replaces the rules of this table, keeps what dnsmasq has added, and touches no other
# table. Chains and sets that the policy no longer has stay behind without a rule; apply.sh takes
# them away as well.
)";

constexpr std::string_view ours_frame = R"(# ours: traffic of the servers.
)";
constexpr std::string_view others_frame =
    R"(# others: traffic of peers that the policy allows or denies something without a server.
)";
constexpr std::string_view gateway_frame =
    R"(# All else goes on as it came. What is accepted here may still be dropped by another table of the
# gateway, an iptables FORWARD chain included; what is refused here stays so.
)";

constexpr std::string_view machine_ours_frame =
    R"(# in.ours: what the machine receives. out.ours: what it sends.
)";
constexpr std::string_view machine_frame =
    R"(# What it sends itself, and what is for none of the addresses that the policy gives it, goes on as
# it came. What is accepted here may still be dropped by another table of the machine, iptables'
# INPUT and OUTPUT included; what is refused here stays so.
)";

constexpr std::string_view invalid_note =
    R"(# What is of no connection although it should be (invalid) is dropped, and not logged.
)";

bool has_chain(const Document& document, std::string_view name) {
  return std::any_of(document.chains.begin(), document.chains.end(),
                     [&](const Chain& chain) { return chain.name == name; });
}

constexpr std::string_view no_servers =
    R"(# The policy gives the servers no {} address: if they have such traffic, it is not filtered here.
)";

constexpr std::string_view no_machine =
    R"(# The policy gives the machine no {} address: its traffic there is not filtered here.
)";

constexpr std::string_view neighbours =
    R"(# Neighbour discovery of the gateway itself passes input and output, which this table does not
# touch. The rule with hoplimit 255 is for a gateway that bridges. Errors are related.
)";

}  // namespace

std::string head_of(const Document& document) {
  const std::string all = "table inet " + document.base;
  const std::string remove = "nft delete " + all;
  const std::string_view what =
      document.host ? "what the machine receives and sends" : "what the gateway forwards";
  const bool learns = !document.learnt.empty();
  std::string out = fmt::format(first_line, what, readable(document.cluster, 100));
  out += document.scope;
  out += fmt::format(by_hand, remove.size(), "nft -c -f ruleset.nft", "nft -f ruleset.nft",
                     "nft list " + all, remove,
                     learns ? ", with the addresses that dnsmasq has added" : "");
  put(out, learns ? load_beside_dnsmasq : load);
  const bool known = document.knows_own_v4 || document.knows_own_v6;
  if (document.host) {
    if (known) put(out, machine_ours_frame);
    put(out, machine_frame);
  } else {
    if (known) put(out, ours_frame);
    if (has_chain(document, "others")) put(out, others_frame);
    put(out, gateway_frame);
  }
  if (known) put(out, invalid_note);
  const std::string_view none = document.host ? no_machine : no_servers;
  if (!document.knows_own_v4) out += fmt::format(fmt::runtime(none), "IPv4");
  if (!document.knows_own_v6) out += fmt::format(fmt::runtime(none), "IPv6");
  if (document.knows_own_v6 && !document.host) put(out, neighbours);
  return out;
}

}  // namespace hcipol::backends::nftables
