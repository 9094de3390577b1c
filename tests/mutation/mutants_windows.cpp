// Faults of a printer of scripts.
#include <regex>

#include "tests/mutation/mutants.h"

namespace hcipol::test {

namespace {

/// A whole rule, from `@{` to `}`.
void whole_rules(const backends::Emission& emission, std::size_t file, Mutants& out) {
  const backends::Artefact& artefact = emission.artefacts[file];
  std::vector<std::pair<std::size_t, std::size_t>> places;
  const std::string& text = artefact.text;
  for (auto at = text.find("    @{\n        Name "); at != std::string::npos;
       at = text.find("    @{\n        Name ", at + 1)) {
    const std::string_view end = "\n    }\n";
    places.emplace_back(at, text.find(end, at) + end.size());
  }
  for (const std::size_t p : spread(places.size(), 6)) {
    const auto [begin, end] = places[p];
    const std::string rule = text.substr(begin, end - begin);
    const auto add = [&](const char* fault, const std::string& with) {
      out.push_back({fault,
                     artefact.path + ": " + rule.substr(0, 90),
                     {{file, text.substr(0, begin) + with + text.substr(end)}},
                     {}});
    };
    add("removed rule", "");
    add("rule twice", rule + rule);
    add("name without the prefix", *replaced(rule, "Name          = 'hcipolc-", "Name = 'x-"));
    std::string more = std::regex_replace(rule, std::regex("(Name          = '.*)'"), "$1-more'",
                                          std::regex_constants::format_first_only);
    more = std::regex_replace(more, std::regex("(Local|Remote)Port .*\n"), "");
    more = std::regex_replace(more, std::regex("IcmpType .*\n"), "");
    more = std::regex_replace(more, std::regex("Protocol      = '.*'"), "Protocol = '99'");
    add("added rule", rule + more);
  }
}

}  // namespace

Mutants windows_mutants(const backends::Emission& emission) {
  Mutants out;
  // Scripts of a cluster are much alike.
  for (std::size_t i = 0; i < std::min<std::size_t>(emission.artefacts.size(), 2); ++i) {
    whole_rules(emission, i, out);
    // What stands before is the head, whose faults are below, and where programs find the proxy,
    // which is not the firewall's.
    LineFaults faults(emission, i, out, "$addresses = @{");
    LineFaults head(emission, i, out);
    const auto edit = [&](std::string_view fault, const char* pattern, const char* with,
                          std::size_t most = 4) {
      faults.each(
          fault, [=](const std::string& line) { return by_regex(line, pattern, with); }, most);
    };
    edit("swapped direction", "(Direction     = ')Inbound", "$1Outbound");
    edit("swapped direction", "(Direction     = ')Outbound", "$1Inbound");
    edit("unknown direction", "(Direction     = ')Inbound", "$1In");
    edit("changed action", "(Action        = ')Allow", "$1Block", 8);
    edit("changed action", "(Action        = ')Block", "$1Allow", 8);
    edit("unknown action", "(Action        = ')Allow", "$1Permit");
    edit("lost end", "^ +Until .*$", "");
    edit("later end", "(Until         = ')20", "$121");
    edit("earlier end", "(Until         = ')20", "$119");
    edit("end in another form", "(Until         = '....)-(..)-", "$1/$2/");
    edit("end of a rule for ever", "(Action        = 'Allow')", "$1; Until = '2029-01-01'");
    edit("end of a block", "(Action        = 'Block')", "$1; Until = '2029-01-01'");
    edit("changed protocol", "(Protocol      = ')TCP", "$1UDP");
    edit("every protocol", "(Protocol      = ')(ICMPv.|[0-9]+)'", "$1Any'");
    edit("lost port", "((?:Local|Remote)Port .*), '[^']+'", "$1");
    edit("changed port", "((?:Local|Remote)Port .*?@\\(')([0-9]+)'", "$019$2'");
    edit("lost ports", "^ +(Local|Remote)Port .*$", "");
    edit("port of the other side", "LocalPort     =", "RemotePort    =");
    edit("lost ICMP type", "^ +IcmpType .*$", "");
    edit("changed ICMP type", "(IcmpType .*?@\\(')([0-9]+)", "$0142");
    edit("every remote address", "(RemoteAddress = ).*", "$1@('Any')");
    edit("every local address", "(LocalAddress  = ).*", "$1@('Any')");
    edit("empty list", "(RemoteAddress = ).*", "$1@()");
    edit("lost address", "(RemoteAddress = @\\(.*), '[^']+'\\)", "$1)");
    edit("lost address", "(LocalAddress  = @\\(.*), '[^']+'\\)", "$1)");
    faults.each(
        "widened prefix",
        [](const std::string& line) -> Changed {
          const bool list = line.find("RemoteAddress") != std::string::npos ||
                            std::regex_match(line, std::regex(" {8}'[0-9a-f.:/]+'"));
          return list ? widened(line) : std::nullopt;
        },
        8);
    edit("another server's list", "(RemoteAddress = ).*", "$1@('203.0.113.77')");
    edit("missing list", "\\$addresses\\['", "$$addresses['x");
    edit("unknown attribute", "^(        )(Direction )", "$1Enabled = 'False'; $2");
    edit("unknown attribute", "^(        )(Direction )", "$1Program = 'c:\\x.exe'; $2");
    const auto edit_head = [&](std::string_view fault, const char* pattern, const char* with) {
      head.each(fault, [=](const std::string& line) { return by_regex(line, pattern, with); });
    };
    edit_head("other profile", "(Profile    = ').*'", "$1Domain, Public'");
    edit("other variable", "^\\$rules = ", "$$rulez = ");
    edit("expression", "(Protocol      = )'TCP'", "$1('T' + 'CP')");
    edit("expression", "(Protocol      = )'TCP'", "$1\"TCP\"");
    edit("quote of another kind", "(DisplayName   = '.*)'$", "$1\xe2\x80\x99; Enabled = 'False'");
    edit("widened wildcard", "(; Keyword = '\\*\\.)[a-z0-9-]+\\.([a-z0-9-]+\\.)", "$1$2");
    edit("lost keyword", "^    @\\{ Id = .*$", "");
    edit("changed engine", "New-NetFirewallRule @parameters", "New-NetFirewallRule");
    edit("changed engine", "Set-NetFirewallProfile @parameters @place",
         "Set-NetFirewallProfile @place");
    edit("changed engine", "Get-LockOut -Policy", "Get-Need -Policy");
    edit("changed engine", "(\\$rule\\['Enabled'\\] = ).*", "$1'True'");
    edit("changed engine", "; Enabled = 'False'", "; Enabled = 'True'");
    edit_head("changed head", "^\\$ErrorActionPreference = 'Stop'$",
              "$$ErrorActionPreference = 'Continue'");
    edit("code between tables", "^\\$rules = ", "Remove-NetFirewallRule -All\n$$rules = ");
    head.truncate();
    faults.missing();
  }
  return out;
}

}  // namespace hcipol::test
