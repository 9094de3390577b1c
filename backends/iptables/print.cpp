// Lines come out as iptables-save would write them, so that a diff against the kernel stays small.
#include "backends/iptables/print.h"

#include <fmt/format.h>

#include "backends/iptables/words.h"
#include "iptables_script.h"

namespace hcipol::backends::iptables {

namespace {

using Act = Verdict::Kind;

/// Entries must outlive every cached answer, since an answer from a cache does not renew them.
constexpr unsigned learnt_seconds = 86400;
constexpr unsigned cache_seconds = 3600;

std::string_view text_of(std::string_view text) {
  return text;
}
std::string_view text_of(const fmt::format_int& number) {
  return {number.data(), number.size()};
}

template <class... Parts>
void put(std::string& out, const Parts&... parts) {
  (out.append(text_of(parts)), ...);
}

fmt::format_int decimal(unsigned number) {
  return fmt::format_int(number);
}

void put_prefix(std::string& out, std::string_view option, const Match* match) {
  if (match != nullptr && match->kind == Match::Kind::prefix) put(out, option, match->text);
}

void put_set(std::string& out, const Match* match, std::string_view side) {
  if (match == nullptr || match->kind != Match::Kind::set) return;
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
  if (state == Line::State::any) return;
  put(out, " -m conntrack --ctstate ",
      state == Line::State::invalid ? "INVALID" : "RELATED,ESTABLISHED");
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

/// {0} iptables or ip6tables, {1} the file, {2} the top chain.
constexpr std::string_view how_to_load =
    R"(# `sh apply.sh apply` does all of this, and takes it back unless you confirm. By hand: load the
# file `ipset` first, if there is one, then this, then hook it in:
#   {0}-restore -w 10 --noflush < {1}
#   {0} -w 10 -C FORWARD -j {2} || {0} -w 10 -I FORWARD 1 -j {2}
# Without --noflush every other rule of the filter table is lost. A second load replaces the
# chains below and nothing else; a hook written here would be there twice.
# {2}.ours: traffic of the servers. {2}.others: traffic of peers that the policy
# allows or denies something without a server. All else returns to FORWARD as it came.
)";

constexpr std::string_view no_servers =
    R"(# The policy gives the servers no address of this family: if they have traffic in it, it is
# not filtered here.
)";

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

Artefact print_rules(const Document& document, Rules rules) {
  const bool v4 = rules.family == net::Family::ipv4;
  const std::string_view path = v4 ? "rules.v4" : "rules.v6";
  std::string out;
  out.reserve(size_hint(rules));
  out += heading(
      document, v4 ? "what the gateway forwards over IPv4" : "what the gateway forwards over IPv6");
  out += fmt::format(how_to_load, v4 ? "iptables" : "ip6tables", path, document.base);
  if (!rules.knows_servers) put(out, no_servers);
  if (!v4) put(out, neighbours);
  put(out, "*filter\n");
  for (const Chain& chain : rules.chains) put(out, ":", chain.name, " - [0:0]\n");
  for (const Chain& chain : rules.chains) {
    for (const Line& line : chain.lines) {
      put_line(out, chain.name, line, rules.family, document.log_group);
    }
  }
  put(out, "COMMIT\n");
  Artefact artefact{std::string(path), std::move(out), {}};
  artefact.rules.reserve(rules.traces.size());
  for (Trace& trace : rules.traces) artefact.rules.push_back({std::move(trace.id), trace.rule});
  return artefact;
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

Artefact print_sets(const Document& document) {
  std::string out = heading(document, "address sets");
  put(out, "# Load before the rules that name them, at boot as well:\n#   ipset restore < ipset\n");
  for (const AddressList& list : document.lists) put_list(out, list);
  if (!document.learnt.empty()) put(out, "# Filled by dnsmasq; a load keeps their members.\n");
  for (const LearntSet& set : document.learnt) {
    put(out, "create ", set.name, " hash:ip family ", family_word(set.family), " maxelem ",
        decimal(max_elements), " timeout ", decimal(learnt_seconds), " -exist\n");
  }
  return {"ipset", std::move(out), {}};
}

constexpr std::string_view how_to_learn = R"(# For the dnsmasq of the gateway, once its sets exist:
#   cp dnsmasq.conf /etc/dnsmasq.d/{0}.conf
#   cp dnsmasq-cache.conf /etc/dnsmasq.d/hcipolc-cache.conf
#   dnsmasq --test && systemctl restart dnsmasq
# Whatever opens the connections of the rules with these sets (the servers, or the proxy that
# they use) must ask this dnsmasq and no other resolver. Every domain here stands for itself and
# all names below it. Only the longest line that matches a name counts, so it repeats the sets of
# shorter ones; of two lines for one domain, in whatever files, only the first counts: where
# clusters share this gateway, make one line of them, ipset=/DOMAIN/SET,SET, or the names of all
# clusters but one stay blocked.
)";

Artefact print_domains(const Document& document) {
  std::string out = heading(document, "names");
  out += fmt::format(how_to_learn, document.base);
  for (const DomainLine& line : document.domains) {
    put(out, "ipset=/", line.domain, "/");
    std::string_view separator;
    for (const std::string& set : line.sets) {
      put(out, separator, set);
      separator = ",";
    }
    out += '\n';
  }
  return {"dnsmasq.conf", std::move(out), {}};
}

/// In a file of its own because dnsmasq 2.90 does not start if an option stands twice, as it would
/// with two clusters behind one gateway.
constexpr std::string_view cache_file =
    R"(# hcipolc: once per gateway, beside the dnsmasq.conf of every cluster. Entries of the sets
# live {0} s and an answer from the cache does not renew them, so neither dnsmasq nor its
# clients may keep answers longer. Where dnsmasq has these options already, leave this file
# out: it refuses to start if one stands twice.
max-cache-ttl={1}
max-ttl={1}
)";

/// The fixed part is apply.sh beside this file. A base is made of letters, digits, `-` and `_`.
Artefact print_apply(const Document& document) {
  std::string out = "#!/bin/sh\n";
  out += heading(document, "loads, undoes and compares the files beside it");
  put(out, "base='", document.base, "'\n\n");
  for (const EmbeddedFile& file : iptables_script()) put(out, file.text);
  return {"apply.sh", std::move(out), {}};
}

}  // namespace

std::vector<Artefact> print(Document document) {
  std::vector<Artefact> out;
  out.push_back(print_rules(document, std::move(document.v4)));
  out.push_back(print_rules(document, std::move(document.v6)));
  if (!document.lists.empty() || !document.learnt.empty()) out.push_back(print_sets(document));
  if (!document.domains.empty()) {
    out.push_back(print_domains(document));
    out.push_back(
        {"dnsmasq-cache.conf", fmt::format(cache_file, learnt_seconds, cache_seconds), {}});
  }
  out.push_back(print_apply(document));
  return out;
}

}  // namespace hcipol::backends::iptables
