// Lines come out as iptables-save would write them, so that a diff against the kernel stays small.
#include "backends/iptables/print.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/common/gateway/domains.h"
#include "backends/common/gateway/read_script.h"
#include "backends/common/text.h"
#include "backends/iptables/settings.h"
#include "gateway_script.h"
#include "iptables_script.h"

namespace hcipol::backends::iptables {

namespace {

using Act = Verdict::Kind;
using gateway::AddressList;
using gateway::learnt_seconds;
using gateway::LearntSet;

void put_prefix(std::string& out, std::string_view option, const Match* match) {
  if (match != nullptr && match->kind == Match::Kind::prefix) put(out, option, match->text);
}

void put_set(std::string& out, const Match* match, std::string_view side) {
  if (match == nullptr || match->kind == Match::Kind::prefix) return;
  put(out, " -m set --match-set ", match->text, side);
}

void put_ports(std::string& out, const Service& service) {
  // A single UDP port, too: `-m udp --dport` makes iptables-restore 1.8.9 ask for service names.
  const bool plain = service.ports.size() == 1 && service.protocol == net::protocol::tcp;
  put(out, plain ? " -m tcp --dport" : " -m multiport --dports");
  char separator = ' ';
  for (const net::PortRange& range : service.ports) {
    out += separator;
    put(out, decimal(range.first));
    if (range.last != range.first) put(out, ":", decimal(range.last));
    separator = ',';
  }
}

void put_protocol(std::string& out, std::uint8_t protocol) {
  switch (protocol) {
    case net::protocol::icmp: return put(out, "icmp");
    case net::protocol::tcp: return put(out, "tcp");
    case net::protocol::udp: return put(out, "udp");
    case net::protocol::icmpv6: return put(out, "ipv6-icmp");
    default: return put(out, decimal(protocol));
  }
}

void put_service(std::string& out, const Service& service) {
  put(out, service.negated ? " ! -p " : " -p ");
  put_protocol(out, *service.protocol);
  if (!service.ports.empty()) put_ports(out, service);
  if (!service.type) return;
  const bool v6 = *service.protocol == net::protocol::icmpv6;
  put(out, v6 ? " -m icmp6 --icmpv6-type " : " -m icmp --icmp-type ", decimal(*service.type));
  if (service.code) put(out, "/", decimal(*service.code));
}

void put_state(std::string& out, Line::State state) {
  switch (state) {
    case Line::State::any: return;
    case Line::State::established: return put(out, " -m conntrack --ctstate RELATED,ESTABLISHED");
    case Line::State::invalid: return put(out, " -m conntrack --ctstate INVALID");
    case Line::State::untracked: return put(out, " -m conntrack --ctstate UNTRACKED");
  }
}

void put_verdict(std::string& out, const Verdict& verdict, net::Family family, unsigned log_group) {
  switch (verdict.kind) {
    case Act::accept: return put(out, " -j ACCEPT");
    case Act::drop: return put(out, " -j DROP");
    case Act::pass: return put(out, " -j RETURN");
    case Act::tcp_reset: return put(out, " -j REJECT --reject-with tcp-reset");
    case Act::reject:
      return put(out, " -j REJECT --reject-with ",
                 family == net::Family::ipv4 ? "icmp-admin-prohibited" : "icmp6-adm-prohibited");
    case Act::jump: return put(out, " -j ", *verdict.text);
    case Act::go: return put(out, " -g ", *verdict.text);
    case Act::log:
      put(out, " -j NFLOG --nflog-prefix ");
      put_quoted(out, *verdict.text);
      return put(out, " --nflog-group ", decimal(log_group));
  }
}

void put_line(std::string& out, const std::string& chain, const Line& line, net::Family family,
              unsigned log_group) {
  put(out, "-A ", chain);
  put_prefix(out, " -s ", line.from);
  put_prefix(out, " -d ", line.to);
  if (line.loopback != Line::Loopback::any) {
    put(out, line.loopback == Line::Loopback::in ? " -i lo" : " -o lo");
  }
  // What is cheap to compare comes before what must be looked up.
  if (line.service != nullptr) put_service(out, *line.service);
  if (line.hop_limit_255) put(out, " -m hl --hl-eq 255");
  put_state(out, line.state);
  put_set(out, line.from, " src");
  put_set(out, line.to, " dst");
  if (line.verdict.kind == Act::log) put(out, " -m limit --limit 10/min --limit-burst 20");
  if (line.comment != nullptr) {
    put(out, " -m comment --comment ");
    put_quoted(out, *line.comment);
  }
  put_verdict(out, line.verdict, family, log_group);
  out += '\n';
}

std::string heading(const Document& document, std::string_view what) {
  return fmt::format("# hcipolc: {} for cluster {}. Generated; changes are lost.\n", what,
                     readable(document.cluster, 100));
}

constexpr std::string_view by_hand =
    R"(# `sh apply.sh apply` does all of this, and takes it back unless you confirm. By hand, in order:
)";

constexpr std::string_view beside =
    R"(# Without --noflush every other rule of the filter table is lost. A second load replaces the
# chains below and nothing else; a hook written here would be there twice.
)";

/// {0} the base.
constexpr std::string_view ours_frame = R"(# {0}.ours: traffic of the servers.
)";
constexpr std::string_view others_frame =
    R"(# {0}.others: traffic of peers that the policy allows or denies something without a
# server. What belongs to an open connection of theirs passes, whoever let it open.
)";
constexpr std::string_view machine_frame =
    R"(# {0}.i.ours: what the machine receives. {0}.o.ours: what it sends. What it
# sends itself, and what is for none of the addresses that the policy gives it, returns to INPUT
# and OUTPUT as it came.
)";
constexpr std::string_view invalid_note =
    R"(# What is of no connection although it should be (INVALID) is dropped, and not logged.
)";

constexpr std::string_view own_table =
    R"(# It replaces the whole filter table, in one step: the rules of all others are gone then, and what
# nothing here allows is denied to everyone.
)";

constexpr std::string_view no_servers =
    R"(# The policy gives the servers no address of this family: if they have traffic in it, it is
# not filtered here.
)";

constexpr std::string_view no_machine =
    R"(# The policy gives the machine no address of this family: its traffic in it is not filtered here.
)";

/// Of what a gateway forwards.
constexpr std::string_view neighbours =
    R"(# Neighbour discovery of the gateway itself passes INPUT and OUTPUT, which these chains do
# not touch. The lines with --hl-eq 255 are for a gateway that bridges. Errors are RELATED.
)";

/// About the size of the file: growing by doubling would copy megabytes.
std::size_t size_hint(const Rules& rules) {
  std::size_t bytes = 4096;
  for (const Chain& chain : rules.chains) {
    for (const Line& line : chain.lines) {
      bytes += 180 + (line.comment == nullptr ? 0 : line.comment->size());
    }
  }
  return bytes;
}

bool has_chain(const Rules& rules, std::string_view base, std::string_view label) {
  return std::any_of(rules.chains.begin(), rules.chains.end(), [&](const Chain& chain) {
    return chain.name.starts_with(base) && chain.name.substr(base.size()) == label;
  });
}

void put_frame(std::string& out, const Document& document, const Rules& rules) {
  const bool v4 = rules.family == net::Family::ipv4;
  const std::string& base = document.base;
  if (document.host) {
    if (rules.knows_own) out += fmt::format(machine_frame, base);
  } else {
    if (has_chain(rules, base, ".ours")) out += fmt::format(ours_frame, base);
    if (has_chain(rules, base, ".others")) out += fmt::format(others_frame, base);
    put(out, "# All else returns to FORWARD as it came.\n");
  }
  if (!rules.knows_own) return put(out, document.host ? no_machine : no_servers);
  put(out, invalid_note);
  if (!v4 && !document.host) put(out, neighbours);
}

void put_how_to_load(std::string& out, const Document& document, const Rules& rules) {
  const bool v4 = rules.family == net::Family::ipv4;
  const std::string_view tool = v4 ? "iptables" : "ip6tables";
  const std::string_view path = v4 ? "rules.v4" : "rules.v6";
  put(out, document.scope, by_hand);
  if (!document.lists.empty() || !document.learnt.empty()) put(out, "#   ipset restore < ipset\n");
  out += fmt::format("#   {}-restore -w 10 {}< {}\n", tool, document.owns_table ? "" : "--noflush ",
                     path);
  if (!document.owns_table) {
    for (const Hook& hook : rules.hooks) {
      out += fmt::format("#   {0} -w 10 -C {1} -j {2} || {0} -w 10 -I {1} 1 -j {2}\n", tool,
                         hook.built_in, hook.chain);
    }
  }
  if (!document.domains.empty()) put(out, "# and then what dnsmasq.conf says.\n");
  if (document.owns_table) return put(out, own_table);
  put(out, beside);
  put_frame(out, document, rules);
}

/// A chain that the policy does not speak of lets a gateway's own traffic through, and forwards
/// nothing on a machine.
void put_policies(std::string& out, const Document& document, const Rules& rules) {
  for (const std::string_view chain : {"INPUT", "FORWARD", "OUTPUT"}) {
    const bool hooked = std::any_of(rules.hooks.begin(), rules.hooks.end(),
                                    [&](const Hook& hook) { return hook.built_in == chain; });
    put(out, ":", chain, hooked || document.host ? " DROP" : " ACCEPT", " [0:0]\n");
  }
}

std::string_view what(const Document& document, net::Family family) {
  const bool v4 = family == net::Family::ipv4;
  if (document.host) {
    return v4 ? "what the machine receives and sends over IPv4"
              : "what the machine receives and sends over IPv6";
  }
  return v4 ? "what the gateway forwards over IPv4" : "what the gateway forwards over IPv6";
}

Artefact print_rules(const Document& document, Rules rules) {
  std::string out;
  out.reserve(size_hint(rules));
  out += heading(document, what(document, rules.family));
  put_how_to_load(out, document, rules);
  put(out, "*filter\n");
  if (document.owns_table) put_policies(out, document, rules);
  for (const Chain& chain : rules.chains) put(out, ":", chain.name, " - [0:0]\n");
  if (document.owns_table) {
    for (const Hook& hook : rules.hooks) put(out, "-A ", hook.built_in, " -j ", hook.chain, "\n");
  }
  for (const Chain& chain : rules.chains) {
    for (const Line& line : chain.lines) {
      put_line(out, chain.name, line, rules.family, document.log_group);
    }
  }
  put(out, "COMMIT\n");
  const bool v4 = rules.family == net::Family::ipv4;
  return {v4 ? "rules.v4" : "rules.v6", std::move(out), std::move(rules.traces)};
}

std::string_view family_word(net::Family family) {
  return family == net::Family::ipv4 ? "inet" : "inet6";
}

/// Filled beside the set in use and swapped in, so no packet meets a set that is half full. A copy
/// that a broken load left behind is taken up again.
void put_list(std::string& out, const AddressList& list) {
  const std::string copy = list.name + "-n";
  for (const std::string& name : {list.name, copy}) {
    put(out, "create ", name, " hash:net family ", family_word(list.family), " maxelem ",
        decimal(max_elements), " -exist\n");
  }
  put(out, "flush ", copy, "\n");
  for (const net::Cidr& cidr : list.members) {
    put(out, "add ", copy, " ", net::to_short_string(cidr), "\n");
  }
  put(out, "swap ", copy, " ", list.name, "\ndestroy ", copy, "\n");
}

/// For whom people meet in a line of rules: `-m set --match-set HCI-prod.hci-aad-dns4`.
void put_domains(std::string& out, const LearntSet& set) {
  constexpr std::size_t most = 8;
  put(out, "# ", set.name, " is ", readable(set.title, 100), ":");
  for (std::size_t i = 0; i < std::min(most, set.domains.size()); ++i)
    put(out, " ", net::to_string(set.domains[i]));
  if (set.domains.size() > most) put(out, " ", shortened_list);
  out += '\n';
}

Artefact print_sets(const Document& document) {
  std::string out = heading(document, "address sets");
  put(out, "# Load before the rules that name them, at boot as well:\n#   ipset restore < ipset\n");
  for (const AddressList& list : document.lists) put_list(out, list);
  if (!document.learnt.empty()) put(out, "# Filled by dnsmasq; a load keeps their members.\n");
  for (const LearntSet& set : document.learnt) {
    put_domains(out, set);
    put(out, "create ", set.name, " hash:ip family ", family_word(set.family), " maxelem ",
        decimal(max_elements), " timeout ", decimal(learnt_seconds), " -exist\n");
  }
  return {"ipset", std::move(out), {}};
}

std::string script_hooks(const Rules& rules) {
  std::string out;
  for (const Hook& hook : rules.hooks) {
    if (!out.empty()) out += ' ';
    out += fmt::format("{}:{}", hook.built_in, hook.chain);
  }
  return out;
}

/// The fixed part is the scripts beside this file and in common/gateway. A base is made of letters,
/// digits, `-` and `_`.
Artefact print_apply(const Document& document, const std::string& hooks,
                     std::span<const Artefact> files) {
  std::string out = "#!/bin/sh\n";
  out += heading(document, "loads, undoes and compares the files beside it");
  put(out, "base='", document.base, "'\n", "hooks='", hooks, "'\n",
      "table=", document.owns_table ? "own" : "shared", "\n", gateway::files_line(files));
  for (const EmbeddedFile& file : iptables_script()) put(out, "\n", file.text);
  for (const EmbeddedFile& file : gateway_script()) put(out, "\n", file.text);
  return {"apply.sh", std::move(out), {}};
}

}  // namespace

void put_quoted(std::string& out, std::string_view text) {
  const auto special = [](char c) { return c == '"' || c == '\'' || c == '\\'; };
  out += '"';
  for (auto at = text.begin();;) {
    const auto stop = std::find_if(at, text.end(), special);
    out.append(at, stop);
    if (stop == text.end()) break;
    out += '\\';
    out += *stop;
    at = stop + 1;
  }
  out += '"';
}

std::vector<Artefact> print(Document document) {
  std::vector<Artefact> out;
  const std::string hooks = script_hooks(document.v4);
  out.push_back(print_rules(document, std::move(document.v4)));
  out.push_back(print_rules(document, std::move(document.v6)));
  if (!document.lists.empty() || !document.learnt.empty()) out.push_back(print_sets(document));
  for (Artefact& artefact :
       gateway::print_domains(document, dialect(), document.base, heading(document, "names"))) {
    out.push_back(std::move(artefact));
  }
  Artefact script = print_apply(document, hooks, out);
  out.push_back(std::move(script));
  return out;
}

}  // namespace hcipol::backends::iptables
