// Faults of a printer of rules, sets and names.
#include <regex>

#include "tests/mutation/mutants.h"

namespace hcipol::test {

namespace {

bool is_rule(const std::string& line) {
  return line.starts_with("-A ");
}

void faults_of_rules(const backends::Emission& emission, std::size_t file, Mutants& out) {
  LineFaults faults(emission, file, out);
  // A line that logs decides nothing.
  const auto edit = [&](std::string_view fault, const char* pattern, const char* with) {
    faults.each(fault, [=](const std::string& line) -> Changed {
      if (line.find("NFLOG") != std::string::npos) return std::nullopt;
      return by_regex(line, pattern, with);
    });
  };
  faults.each(
      "removed rule",
      [](const std::string& line) -> Changed {
        if (!is_rule(line) || line.find("NFLOG") != std::string::npos) return std::nullopt;
        return "";
      },
      24);
  edit("lost port", "(--dports? [0-9:,]*),[0-9:]+", "$1");
  edit("lost ports", " -m (tcp --dport|multiport --dports) [0-9:,]+", "");
  edit("changed port", "(--dports? )([0-9]+)", "$019$2");
  edit("widened range", "(--dports? (?:[0-9:]+,)*[0-9]+)(?=[ ,])", "$1:65535");
  edit("changed protocol", "-p tcp -m multiport", "-p udp -m multiport");
  edit("unknown protocol", "-p udp", "-p 0");
  // Of trees: what leads to others, which ask again.
  edit("narrowed block", "(--dports? [0-9]+):[0-9]+( -j \\S+\\+\\S+)$", "$1$2");
  edit("changed block", "-p tcp -m tcp --dport ([0-9:]+ -j \\S+\\+)",
       "-p udp -m multiport --dports $1");
  edit("narrowed block", " (-[sd] [0-9.]+)/[0-9]+( -j \\S+\\+\\S+)$", " $1/31$2");
  edit("changed jump", " -j (\\S+)\\+\\S+$", " -j $1");
  faults.each(
      "lost jump",
      [](const std::string& line) -> Changed {
        static const std::regex jump(R"(-A .* -j \S+\+\S+)");
        if (!std::regex_match(line, jump)) return std::nullopt;
        return "";
      },
      12);
  edit("swapped source and destination", "-s ([0-9a-f.:/]+)", "-d $1");
  edit("swapped source and destination", " dst( |$)", " src$1");
  edit("lost prefix", " -[sd] [0-9a-f.:/]+", "");
  edit("lost set", " -m set --match-set [^ ]+ (src|dst)", "");
  faults.each("widened prefix", [](const std::string& line) -> Changed {
    const auto at = line.find_first_of("-");
    if (!is_rule(line) || at == std::string::npos) return std::nullopt;
    if (line.find("NFLOG") != std::string::npos) return std::nullopt;
    const auto end = line.find(" -m comment");
    const auto wide = widened(line.substr(0, end));
    if (!wide || end == std::string::npos) return wide;
    return *wide + line.substr(end);
  });
  edit("changed action", "-j ACCEPT", "-j DROP");
  edit("changed action", "-g ([^ ]+)\\.denied$", "-j ACCEPT");
  edit("changed action", "-j REJECT --reject-with [a-z0-9-]+", "-j ACCEPT");
  edit("changed action", "-j ACCEPT", "-j RETURN");
  edit("lost state", "RELATED,ESTABLISHED", "ESTABLISHED");
  edit("lost state", "RELATED,ESTABLISHED", "RELATED");
  edit("more states", "RELATED,ESTABLISHED", "RELATED,ESTABLISHED,NEW");
  edit("more states", "--ctstate INVALID", "--ctstate INVALID,NEW");
  edit("changed state", "--ctstate INVALID -j DROP", "--ctstate INVALID -j ACCEPT");
  edit("changed state", "(--ctstate INVALID .*) -j DROP", "$1 -j RETURN");
  edit("changed ICMP type", "(icmp(?:v6)?-type )[0-9]+", "$0142");
  edit("changed hop limit", "--hl-eq 255 -j", "--hl-eq 254 -j");
  edit("lost hop limit", " -m hl --hl-eq 255", "");
  edit("lost negation", "! -p", "-p");
  edit("negation", " -p tcp", " ! -p tcp");
  edit("unknown attribute", "-p tcp -m tcp", "-p tcp -m tcp --syn");
  edit("unknown attribute", "-j ACCEPT", "-m time --timestart 08:00 -j ACCEPT");
  edit("unknown target", "-j ACCEPT", "-j ACCEPTED");
  edit("limit that decides", "-j ACCEPT", "-m limit --limit 1/s -j ACCEPT");
  edit("open quote", "(--comment \"[^\"]*)\"", "$1");
  edit("table of another kind", "^\\*filter$", "*mangle");
  edit("hook of another chain", "(-[CI] FORWARD )", "$1x");
  edit("built-in chain", "^:([^ ]+) - ", ":FORWARD ACCEPT ");
  edit("changed policy", "^:([A-Z]+) ACCEPT ", ":$1 DROP ");
  edit("changed policy", "^:([A-Z]+) DROP ", ":$1 ACCEPT ");
  edit("lost policy", "^:[A-Z]+ (ACCEPT|DROP) .*", "");
  edit("changed hook", "^-A (INPUT|OUTPUT|FORWARD) -j .*", "-A $1 -j ACCEPT");
  edit("lost loopback", " -[io] lo", "");
  edit("changed loopback", " -([io]) lo", " -$1 eth0");
  edit("changed loopback", " -i lo", " -o lo");
  edit("denied loopback", "( -[io] lo -j )(ACCEPT|RETURN)", "$1DROP");
  edit("lost state", " -m conntrack --ctstate UNTRACKED", "");
  edit("more states", "--ctstate UNTRACKED", "--ctstate UNTRACKED,NEW");
  edit("changed ICMP type", "icmpv6-type (130|143)( -m conntrack)", "icmpv6-type 128$2");
  faults.each("added rule", [](const std::string& line) -> Changed {
    if (!is_rule(line)) return std::nullopt;
    const auto end = line.find(' ', 3);
    return "-A " + line.substr(3, end - 3) + " -p 99 -j ACCEPT\n" + line;
  });
  // Exceptions before denies, and INVALID before what accepts.
  faults.swap("wrong order", [](const std::string& line) {
    return std::regex_match(line, std::regex(R"(-A \S+\.flows -j \S+)"));
  });
  faults.swap("wrong order", [](const std::string& line) {
    return std::regex_match(line, std::regex(R"(-A \S+\.ours .*(INVALID -j DROP|-j \S+\.flows))"));
  });
  faults.truncate();
  faults.missing();
}

void faults_of_sets(const backends::Emission& emission, std::size_t file, Mutants& out) {
  LineFaults faults(emission, file, out);
  faults.each(
      "lost prefix",
      [](const std::string& line) -> Changed {
        if (!line.starts_with("add ")) return std::nullopt;
        return "";
      },
      12);
  faults.each("widened prefix", [](const std::string& line) {
    return line.starts_with("add ") ? widened(line) : std::nullopt;
  });
  for (const char* verb : {"swap ", "create ", "flush "}) {
    const std::string start = verb;
    if (start == "flush ") continue;  // what it empties is empty unless a load broke off
    faults.each("lost " + start, [start](const std::string& line) -> Changed {
      if (!line.starts_with(start)) return std::nullopt;
      return "";
    });
  }
  const auto edit = [&](std::string_view fault, const char* pattern, const char* with) {
    faults.each(fault, [=](const std::string& line) { return by_regex(line, pattern, with); });
  };
  edit("lost address family", "family inet6", "family inet");
  edit("lost timeout", " timeout [0-9]+", "");
  edit("short timeout", " timeout [0-9]+", " timeout 60");
  edit("another type", "hash:ip", "hash:mac");
  edit("unknown attribute", " -exist", " nomatch -exist");
  edit("small set", "maxelem [0-9]+", "maxelem 1");
  edit("comment of other names", "^(# \\S+ is \\S+:) \\S+", "$1 other.example");
  edit("comment of another set", "^# (\\S+ is )", "# x$1");
  faults.missing();
}

void faults_of_scripts(const backends::Emission& emission, std::size_t file, Mutants& out) {
  LineFaults faults(emission, file, out);
  const auto edit = [&](std::string_view fault, const char* pattern, const char* with) {
    faults.each(fault, [=](const std::string& line) { return by_regex(line, pattern, with); });
  };
  edit("hook of another chain", "^(hooks='[A-Z]+:)", "$1x");
  edit("lost hook", "^(hooks='.*) [^ ]+'$", "$1'");
  edit("other names", "^base='(.*)'$", "base='x$1'");
  edit("table of another kind", "^table=shared$", "table=own");
  edit("table of another kind", "^table=own$", "table=shared");
  faults.each(
      "lost line",
      [](const std::string& line) -> Changed {
        if (line.empty()) return std::nullopt;
        return "";
      },
      5);
  faults.missing();
}

void faults_of_names(const backends::Emission& emission, std::size_t file, Mutants& out) {
  LineFaults faults(emission, file, out);
  faults_of_dnsmasq_names(faults, "ipset=");
  const auto edit = [&](std::string_view fault, const char* pattern, const char* with) {
    faults.each(fault, [=](const std::string& line) { return by_regex(line, pattern, with); });
  };
  edit("lost address family", "^(ipset=.*?),?[^,/]+-dns6", "$1");
  edit("changed set", "-dns4", "-v4");
  edit("unknown attribute", "^ipset=", "nftset=");
}

void faults_of_cache(const backends::Emission& emission, std::size_t file, Mutants& out) {
  LineFaults faults(emission, file, out);
  faults_of_dnsmasq_cache(faults);
}

}  // namespace

Mutants iptables_mutants(const backends::Emission& emission) {
  Mutants out;
  for (std::size_t i = 0; i < emission.artefacts.size(); ++i) {
    const std::string& path = emission.artefacts[i].path;
    if (path.starts_with("rules.")) faults_of_rules(emission, i, out);
    if (path == "ipset") faults_of_sets(emission, i, out);
    if (path == "apply.sh") faults_of_scripts(emission, i, out);
    if (path == "dnsmasq.conf") faults_of_names(emission, i, out);
    if (path == "dnsmasq-cache.conf") faults_of_cache(emission, i, out);
  }
  return out;
}

}  // namespace hcipol::test
