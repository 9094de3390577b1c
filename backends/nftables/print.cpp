// Declare, empty, fill: a load replaces what is there and loses no packet and no learnt address,
// which `delete table` would.
#include "backends/nftables/print.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/common/gateway/domains.h"
#include "backends/common/gateway/read_script.h"
#include "backends/common/text.h"
#include "backends/nftables/head.h"
#include "backends/nftables/settings.h"
#include "gateway_script.h"
#include "nftables_script.h"

namespace hcipol::backends::nftables {

namespace {

using Act = Verdict::Kind;
using gateway::AddressList;
using gateway::LearntSet;
using net::Family;

/// Before an element: each stands on a line of its own, so that one more is one line more.
constexpr std::string_view deep = "      ";

std::string_view type_of(Family family) {
  return family == Family::ipv4 ? "ipv4_addr" : "ipv6_addr";
}
std::string_view protocol_of(Family family) {
  return family == Family::ipv4 ? "ip" : "ip6";
}

/// Text with some of its characters replaced.
void put_replaced(std::string& out, std::string_view text, std::string_view from,
                  std::string_view to) {
  for (const char c : text) {
    const auto at = from.find(c);
    out += at == std::string_view::npos ? c : to[at];
  }
}

void put_number(std::string& out, unsigned number, const Service& service) {
  if (service.kind == Service::Kind::codes) number &= 255;
  if (service.kind == Service::Kind::protocols) {
    put(out, net::protocol_name(static_cast<std::uint8_t>(number)));
  } else {
    put(out, decimal(number));
  }
}

void put_numbers(std::string& out, const Service& service) {
  const bool many = service.numbers.size() > 1;
  if (many) put(out, "{ ");
  std::string_view separator;
  for (const net::PortRange& range : service.numbers) {
    put(out, separator);
    separator = ", ";
    if (range.first == range.last) {
      put_number(out, range.first, service);
      continue;
    }
    const bool codes = service.kind == Service::Kind::codes;
    const unsigned mask = codes ? 255U : 65535U;
    put(out, decimal(range.first & mask), "-", decimal(range.last & mask));
  }
  if (many) put(out, " }");
}

void put_service(std::string& out, const Service& service) {
  const std::string name = net::protocol_name(service.protocol);
  switch (service.kind) {
    case Service::Kind::protocols: put(out, "meta l4proto "); break;
    case Service::Kind::ports: put(out, name, " dport "); break;
    case Service::Kind::types: put(out, name, " type "); break;
    case Service::Kind::codes:
      put(out, name, " type ", decimal(service.numbers.front().first >> 8), " ", name, " code ");
      break;
  }
  put_numbers(out, service);
  out += ' ';
}

void put_side(std::string& out, const Match* match, std::string_view side) {
  if (match == nullptr) return;
  const bool is_set = match->kind != Match::Kind::prefix;
  // A list's name begins with "v4." or "v6.", a learnt set's with "dns4." or "dns6.".
  const bool v6 = is_set ? match->text[match->text.find('.') - 1] == '6'
                         : match->text.find(':') != std::string::npos;
  put(out, v6 ? "ip6 " : "ip ", side, is_set ? " @" : " ", match->text, " ");
}

/// Adding an address again does not renew it, so using it does. Only what is in the set can match.
void put_renewal(std::string& out, const Rule& rule) {
  if (rule.to == nullptr || rule.to->kind != Match::Kind::learnt) return;
  if (rule.verdict.kind != Act::accept) return;
  const bool v6 = rule.to->text.starts_with("dns6");
  put(out, "update @", rule.to->text, v6 ? " { ip6 daddr } " : " { ip daddr } ");
}

void put_verdict(std::string& out, const Verdict& verdict, unsigned log_group) {
  switch (verdict.kind) {
    case Act::accept: return put(out, "accept");
    case Act::drop: return put(out, "drop");
    case Act::pass: return put(out, "return");
    case Act::tcp_reset: return put(out, "reject with tcp reset");
    case Act::reject: return put(out, "reject with icmpx admin-prohibited");
    case Act::jump: return put(out, "jump ", *verdict.text);
    case Act::go: return put(out, "goto ", *verdict.text);
    case Act::log:
      put(out, "limit rate 10/minute burst 20 packets log prefix ");
      put_prefix(out, *verdict.text);
      return put(out, " group ", decimal(log_group));
  }
}

void put_look_up(std::string& out, const Map& map) {
  const std::string_view ip = protocol_of(map.family);
  constexpr std::string_view service = "meta l4proto . th dport ";
  switch (map.key) {
    case Map::Key::from: put(out, ip, " saddr "); break;
    case Map::Key::to: put(out, ip, " daddr "); break;
    case Map::Key::service: put(out, service); break;
    case Map::Key::protocol: put(out, "meta l4proto "); break;
    case Map::Key::to_service: put(out, ip, " daddr . ", service); break;
    case Map::Key::from_to_service: put(out, ip, " saddr . ", ip, " daddr . ", service); break;
  }
  put(out, "vmap @", map.name);
}

void put_rule(std::string& out, const Rule& rule, unsigned log_group) {
  put(out, "    ");
  if (rule.map != nullptr) {
    put_look_up(out, *rule.map);
  } else if (rule.state != Rule::State::any) {
    // Compared, and not looked up: a set without a name goes with its rules, and the kernel asks a
    // set for what it is now. A packet that has begun with the old rules when a load is done would
    // find it empty, and be of no connection.
    put(out, "ct state established,related accept\n    ct state invalid ");
    if (rule.state == Rule::State::others) {
      put(out, "return");
    } else if (rule.verdict.kind == Act::go) {
      put(out, "goto ", *rule.verdict.text);
    } else {
      put(out, "drop");
    }
  } else {
    if (!rule.loopback.empty()) put(out, rule.loopback, " \"lo\" ");
    if (rule.family) put(out, "meta nfproto ", *rule.family == Family::ipv4 ? "ipv4 " : "ipv6 ");
    // What is cheap to compare comes before what must be looked up.
    if (rule.service != nullptr) put_service(out, *rule.service);
    if (rule.hop_limit_255) put(out, "ip6 hoplimit 255 ");
    put_side(out, rule.from, "saddr");
    put_side(out, rule.to, "daddr");
    put_renewal(out, rule);
    put_verdict(out, rule.verdict, log_group);
    if (rule.comment != nullptr) {
      put(out, " comment ");
      put_comment(out, *rule.comment);
    }
  }
  out += '\n';
}

void put_map_type(std::string& out, const Map& map) {
  put(out, "type ");
  const std::string_view type = type_of(map.family);
  constexpr std::string_view service = "inet_proto . inet_service";
  switch (map.key) {
    case Map::Key::from:
    case Map::Key::to: put(out, type); break;
    case Map::Key::service: put(out, service); break;
    case Map::Key::protocol: put(out, "inet_proto"); break;
    case Map::Key::to_service: put(out, type, " . ", service); break;
    case Map::Key::from_to_service: put(out, type, " . ", type, " . ", service); break;
  }
  put(out, " : verdict;");
  if (map.intervals) put(out, " flags interval;");
}

void put_list_type(std::string& out, const AddressList& list) {
  put(out, "type ", type_of(list.family), "; flags interval;");
}

void put_elements(std::string& out, const AddressList& list) {
  for (const net::Cidr& cidr : list.members) put(out, deep, net::to_short_string(cidr), ",\n");
}

void put_elements(std::string& out, const Map& map, unsigned log_group) {
  for (const Element& element : map.elements) {
    put(out, deep, element.key);
    if (element.comment != nullptr) {
      put(out, " comment ");
      put_comment(out, *element.comment);
    }
    put(out, " : ");
    put_verdict(out, element.verdict, log_group);
    put(out, ",\n");
  }
}

/// First all is declared, which changes nothing that is there; then rules can name any of it.
void put_declarations(std::string& out, const Document& document,
                      const std::vector<const Map*>& maps) {
  put(out, "table inet ", document.base, " {\n");
  for (const AddressList& list : document.lists) {
    put(out, "  set ", list.name, " { ");
    put_list_type(out, list);
    put(out, " }\n");
  }
  for (const LearntSet& set : document.learnt) {
    put(out, "  set ", set.name, " { type ", type_of(set.family),
        "; flags dynamic,timeout; timeout ", decimal(gateway::learnt_seconds), "s; size ",
        decimal(max_learnt), "; }\n");
  }
  for (const Map* map : maps) {
    put(out, "  map ", map->name, " { ");
    put_map_type(out, *map);
    put(out, " }\n");
  }
  for (const Chain& chain : document.chains) {
    put(out, "  chain ", chain.name);
    if (chain.hook.empty()) {
      put(out, " { }\n");
    } else {
      put(out, " { type filter hook ", chain.hook, " priority filter; policy accept; }\n");
    }
  }
  put(out, "}\n");
}

void put_emptying(std::string& out, const Document& document, const std::vector<const Map*>& maps) {
  put(out, "flush table inet ", document.base, "\n");
  for (const AddressList& list : document.lists) {
    put(out, "flush set inet ", document.base, " ", list.name, "\n");
  }
  for (const Map* map : maps) put(out, "flush map inet ", document.base, " ", map->name, "\n");
}

void put_content(std::string& out, const Document& document, const std::vector<const Map*>& maps) {
  put(out, "table inet ", document.base, " {\n");
  for (const AddressList& list : document.lists) {
    put(out, "  set ", list.name, " {\n    ");
    put_list_type(out, list);
    put(out, "\n    elements = {\n");
    put_elements(out, list);
    put(out, "    }\n  }\n");
  }
  for (const Map* map : maps) {
    put(out, "  map ", map->name, " {\n    ");
    put_map_type(out, *map);
    put(out, "\n    elements = {\n");
    put_elements(out, *map, document.log_group);
    put(out, "    }\n  }\n");
  }
  for (const Chain& chain : document.chains) {
    if (chain.rules.empty()) continue;
    put(out, "  chain ", chain.name, " {\n");
    for (const Rule& rule : chain.rules) put_rule(out, rule, document.log_group);
    put(out, "  }\n");
  }
  put(out, "}\n");
}

Artefact print_rules(Document& document) {
  std::vector<const Map*> maps;
  std::size_t lines = 0;
  for (const Map& map : document.maps) {
    maps.push_back(&map);
    lines += map.elements.size();
  }
  std::sort(maps.begin(), maps.end(), [](const Map* a, const Map* b) { return a->name < b->name; });
  for (const AddressList& list : document.lists) lines += list.members.size();
  for (const Chain& chain : document.chains) lines += chain.rules.size();
  std::string out;
  // Growing by doubling would copy megabytes.
  out.reserve(8192 + lines * 160);
  out += head_of(document);
  put_declarations(out, document, maps);
  put_emptying(out, document, maps);
  put_content(out, document, maps);
  return {"ruleset.nft", std::move(out), std::move(document.traces)};
}

/// The fixed part is the same in every one. A table's name is made of letters, digits, `-` and `_`.
Artefact print_apply(const Document& document, const std::string& heading,
                     std::span<const Artefact> files) {
  std::string out = "#!/bin/sh\n" + heading;
  put(out, "base='", document.base, "'\n", gateway::files_line(files), "\n");
  for (const EmbeddedFile& file : nftables_script()) put(out, file.text);
  for (const EmbeddedFile& file : gateway_script()) put(out, "\n", file.text);
  return {"apply.sh", std::move(out), {}};
}

}  // namespace

void put_comment(std::string& out, std::string_view text) {
  out += '"';
  put_replaced(out, text, "\"", "'");
  out += '"';
}

void put_prefix(std::string& out, std::string_view text) {
  out += '"';
  put_replaced(out, text, "\"$", "'_");
  out += '"';
}

std::vector<Artefact> print(Document document) {
  std::vector<Artefact> out;
  out.push_back(print_rules(document));
  const auto heading_of = [&](std::string_view what) {
    return fmt::format("# hcipolc: {} for cluster {}. Generated; changes are lost.\n", what,
                       readable(document.cluster, 100));
  };
  for (Artefact& artefact :
       gateway::print_domains(document, dialect(), document.base, heading_of("names"))) {
    out.push_back(std::move(artefact));
  }
  Artefact script =
      print_apply(document, heading_of("loads, undoes and compares the file beside it"), out);
  out.push_back(std::move(script));
  return out;
}

}  // namespace hcipol::backends::nftables
