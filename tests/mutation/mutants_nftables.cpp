// Faults of a printer of tables.
#include <regex>

#include "tests/mutation/mutants.h"

namespace hcipol::test {

namespace {

/// A rule or an element, which stand deeper than what they are in; not the head of a set.
bool says_something(const std::string& line) {
  return line.starts_with("    ") && line.find("flags") == std::string::npos &&
         line.find("elements") == std::string::npos && line.find("type ip") == std::string::npos &&
         line.find_first_not_of(" }") != std::string::npos;
}

bool decides(const std::string& line) {
  return says_something(line) && line.find(" log prefix ") == std::string::npos;
}

void faults_of_table(const backends::Emission& emission, std::size_t file, Mutants& out) {
  LineFaults faults(emission, file, out);
  // A rule that logs decides nothing.
  const auto edit = [&](std::string_view fault, const char* pattern, const char* with,
                        std::size_t most = 5) {
    faults.each(
        fault,
        [=](const std::string& line) -> Changed {
          return decides(line) ? by_regex(line, pattern, with) : std::nullopt;
        },
        most);
  };
  const auto anywhere = [&](std::string_view fault, const char* pattern, const char* with) {
    faults.each(fault, [=](const std::string& line) { return by_regex(line, pattern, with); });
  };
  faults.each(
      "removed line",
      [](const std::string& line) -> Changed {
        if (!decides(line)) return std::nullopt;
        return "";
      },
      24);
  edit("lost port", "(dport \\{ .*), [0-9-]+ \\}", "$1 }");
  edit("lost ports", "(tcp|udp) dport (\\{[^}]*\\}|[0-9-]+) ", "meta l4proto $1 ");
  edit("changed port", "(dport (?:\\{ )?)([0-9]+)", "$019$2");
  edit("changed port", "( \\. (?:tcp|udp) \\. )([0-9]+)", "$019$2");
  edit("widened range", "( \\. (?:tcp|udp) \\. [0-9]+-)[0-9]+", "$0165535");
  edit("element twice", "^(.* \\. (?:tcp|udp) \\. )([0-9]+)(-[0-9]+.*)$", "$1$2$3\n$1$2 : accept,");
  edit("widened range", "(dport (?:\\{ )?[0-9]+)(?=[ ,])", "$1-65535");
  edit("changed protocol", "tcp dport", "udp dport");
  edit("changed protocol", " \\. tcp \\. ", " . udp . ");
  edit("unknown protocol", "udp dport", "sctp dport");
  edit("swapped source and destination", "(ip6?) daddr (@|[0-9])", "$1 saddr $2");
  edit("swapped source and destination", "(ip6?) saddr (@|[0-9])", "$1 daddr $2");
  edit("swapped source and destination", "(ip6?) saddr vmap", "$1 daddr vmap");
  edit("lost set", "ip6? [sd]addr @[^ ]+ (?!.*update)", "");
  edit("another set", "ip saddr @v4\\.[^ ]+", "ip saddr @v4.nobody");
  edit("set of the other family", "ip6 daddr @v6", "ip daddr @v6");
  edit("lost map", "ip6? saddr vmap @[^ ]+", "accept");
  faults.each("widened prefix", [](const std::string& line) -> Changed {
    if (!decides(line)) return std::nullopt;
    const auto end = line.find(" comment");
    const auto wide = widened(line.substr(0, end));
    if (!wide || end == std::string::npos) return wide;
    return *wide + line.substr(end);
  });
  edit("changed action", "accept( comment.*)?$", "drop$1");
  edit("changed action", "goto denied", "accept");
  edit("changed action", "reject with [a-z -]+", "accept");
  edit("changed action", "accept( comment.*)?$", "return$1");
  edit("changed action", " : accept,$", " : drop,");
  edit("changed jump", "jump allow\\.[^ ,]+", "jump nowhere");
  edit("jump without return", "jump (allow|deny|except)$", "goto $1");
  // Of maps: what leads to others, which ask again.
  edit("narrowed block", "( \\. [0-9]+)-[0-9]+ : jump", "$1 : jump");
  edit("changed block", "tcp( \\. [0-9-]+ : jump)", "udp$1");
  edit("narrowed block", "([0-9.]+)/[0-9]+ : jump", "$1/31 : jump");
  edit("changed protocol", "^      ([0-9]+) : jump", "      99 : jump");
  edit("changed look-up", "ip daddr vmap", "ip saddr vmap");
  edit("changed look-up", "meta l4proto \\. th dport vmap", "meta l4proto vmap");
  edit("changed look-up", "th dport vmap", "th sport vmap");
  edit("changed jump", "jump ([^ ,/]+)/[^ ,]+", "jump $1");
  faults.each(
      "lost element",
      [](const std::string& line) -> Changed {
        if (line.find(" : jump ") == std::string::npos) return std::nullopt;
        return "";
      },
      12);
  edit("lost state", "established,related", "related");
  edit("lost state", "established,related", "established");
  edit("changed state", "invalid drop", "invalid accept");
  edit("changed state", "invalid return", "invalid drop");
  edit("changed state", "invalid goto [a-z.]+", "invalid drop");
  edit("changed state", "invalid goto [a-z.]+", "invalid return");
  edit("more states", "established,related", "established,related,new");
  edit("more states", "state invalid", "state invalid,new");
  edit("changed ICMP type", "(icmp(?:v6)? type )[0-9]+", "$0142");
  edit("changed hop limit", "hoplimit 255", "hoplimit 254");
  edit("lost hop limit", "ip6 hoplimit 255 ", "");
  edit("lost family", "meta nfproto ipv[46] ", "");
  edit("changed family", "meta nfproto ipv4", "meta nfproto ipv6");
  edit("changed interface", "iifname", "oifname");
  edit("changed interface", "oifname", "iifname");
  edit("changed interface", "\"lo\"", "\"eth0\"");
  edit("lost interface", "[io]ifname \"lo\" ", "");
  edit("negation", "[io]ifname", "$& !=");
  edit("lost renewal", "update @[^ ]+ \\{ [^}]*\\} ", "");
  edit("another renewal", "update @dns4", "update @dns6");
  edit("negation", "tcp dport", "tcp dport !=");
  edit("unknown attribute", "tcp dport", "tcp flags syn tcp dport");
  edit("unknown attribute", "accept( comment.*)?$", "counter accept$1");
  edit("unknown action", "accept( comment.*)?$", "queue$1");
  edit("limit that decides", "accept( comment.*)?$", "limit rate 1/second accept$1");
  edit("open quote", "comment \"([^\"]*)\"$", "comment \"$1");
  faults.each("added rule", [](const std::string& line) -> Changed {
    if (!decides(line) || line.find(',') != std::string::npos) return std::nullopt;
    return "    meta l4proto 99 accept\n" + line;
  });
  anywhere("lost emptying", "^flush .*", "");
  anywhere("lost declaration", "^  (set|map|chain) .* \\}$", "");
  anywhere("another family of tables", "^table inet", "table ip");
  anywhere("hook of another chain", "hook forward", "hook input");
  anywhere("hook of another chain", "hook input", "hook forward");
  anywhere("hook of another chain", "hook output", "hook input");
  anywhere("lost hook", "type filter hook [^}]*", "");
  anywhere("another priority", "priority filter", "priority raw");
  anywhere("another policy", "policy accept", "policy drop");
  anywhere("another table", "^(flush table inet [^ ]+)", "$1x");
  anywhere("command", "^flush table", "flush ruleset\nflush table");
  anywhere("command", "^flush table", "delete table inet other\nflush table");
  anywhere("another type", "type ipv4_addr;", "type ether_addr;");
  anywhere("lost interval", "flags interval;", "");
  anywhere("lost timeout", "timeout [0-9]+s", "timeout 60s");
  anywhere("small set", "size [0-9]+", "size 1");
  anywhere("element twice", "^(      [0-9a-f.:/]+),$", "$1,\n$1,");
  // Exceptions before denies, and INVALID before what accepts.
  faults.swap("wrong order", [](const std::string& line) {
    return std::regex_match(line, std::regex(R"(    jump (except|deny|allow))"));
  });
  faults.swap("wrong order", [](const std::string& line) {
    return std::regex_match(line, std::regex(R"(    (ct state .*|jump \w+|.*goto denied))"));
  });
  faults.truncate();
  faults.missing();
}

void faults_of_domains(const backends::Emission& emission, std::size_t file, Mutants& out) {
  LineFaults faults(emission, file, out);
  faults_of_dnsmasq_names(faults, "nftset=");
  const auto edit = [&](std::string_view fault, const char* pattern, const char* with) {
    faults.each(fault, [=](const std::string& line) { return by_regex(line, pattern, with); });
  };
  edit("changed family", "4#inet", "6#inet");
  edit("another table", "#inet#[^#]+#", "#inet#other#");
  edit("changed set", "#dns4\\.", "#v4.");
  edit("unknown attribute", "^nftset=", "ipset=");
}

void faults_of_ages(const backends::Emission& emission, std::size_t file, Mutants& out) {
  LineFaults faults(emission, file, out);
  faults_of_dnsmasq_cache(faults);
}

void faults_of_script(const backends::Emission& emission, std::size_t file, Mutants& out) {
  LineFaults faults(emission, file, out);
  faults.each("another table",
              [](const std::string& line) { return by_regex(line, "^base='", "base='x"); });
  faults.each("another command",
              [](const std::string& line) { return by_regex(line, "nft -f", "nft -c -f"); });
  faults.truncate();
  faults.missing();
}

}  // namespace

Mutants nftables_mutants(const backends::Emission& emission) {
  Mutants out;
  for (std::size_t i = 0; i < emission.artefacts.size(); ++i) {
    const std::string& path = emission.artefacts[i].path;
    if (path == "ruleset.nft") faults_of_table(emission, i, out);
    if (path == "dnsmasq.conf") faults_of_domains(emission, i, out);
    if (path == "dnsmasq-cache.conf") faults_of_ages(emission, i, out);
    if (path == "apply.sh") faults_of_script(emission, i, out);
  }
  return out;
}

}  // namespace hcipol::test
