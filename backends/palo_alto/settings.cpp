// Options are checked here and nowhere else, so that later passes can use them as names at once.
#include "backends/palo_alto/settings.h"

#include <algorithm>
#include <array>

#include "backends/common/options.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

constexpr std::array specs{
    sema::OptionSpec{"zones", "map(address)", "none: rules match any zone",
                     "security zones by name, with the addresses behind each"},
    sema::OptionSpec{"outside_zone", "string", "any",
                     "the zone of every address that `zones` does not list, and of host names"},
    sema::OptionSpec{"vsys", "string", "\"vsys1\"", "the virtual system of a firewall"},
    sema::OptionSpec{"device_group", "string", "none: for a firewall", "a Panorama device group"},
    sema::OptionSpec{"shared", "string", "\"none\"",
                     "what stands in `shared`: `objects`, or with Panorama `all`, rules too"},
    sema::OptionSpec{"rulebase", "string", "\"split\" on Panorama",
                     "Panorama's rule base: `pre`, `post`, or `split`: rules in pre, clean-up in "
                     "post"},
    sema::OptionSpec{"before", "string", "none: on top",
                     "a security rule of the device that ours are to stand right before"},
    sema::OptionSpec{"format", "string", "\"xml\"",
                     "`xml` for partial loads, or `set` commands for the command line"},
    sema::OptionSpec{"default_deny", "bool", "true",
                     "end with rules that deny the servers' other traffic"},
    sema::OptionSpec{"log_setting", "string", "none", "a log forwarding profile, for every rule"},
    sema::OptionSpec{"profile_group", "string", "none",
                     "a security profile group, for every rule that allows"},
    sema::OptionSpec{"schedules", "bool", "true",
                     "exceptions match until the end of their last day only, by the device's "
                     "clock"},
    sema::OptionSpec{"app_id", "bool", "false",
                     "on well-known ports, allow only what App-ID recognises as their application"},
    sema::OptionSpec{"service_tags", "string", "\"prefixes\"",
                     "service tags as their `prefixes`, or as an `edl` that the device fetches"},
    sema::OptionSpec{"edl_url", "string", "none",
                     "for `edl`: the URL of a tag's list, with `{tag}` (in lower case) in it and "
                     "perhaps `{family}` (ipv4, ipv6) and `{cloud}` (public, usgov, china)"},
    sema::OptionSpec{"edl_certificate_profile", "string", "none",
                     "for `edl`: the certificate profile that the lists' servers are checked with"},
    sema::OptionSpec{"version", "string", "\"10.1.0\"",
                     "PAN-OS release: 9.1, 10.0, 10.1, 10.2, 11.0 or 11.1"},
};

bool alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Names that a user gives are refused rather than changed: they exist on the device already.
std::string name_fault(std::string_view name, std::size_t limit) {
  if (name.empty()) return "it is empty";
  if (name.size() > limit) return fmt::format("it is longer than {} characters", limit);
  const bool legal = std::all_of(name.begin(), name.end(), [](char c) {
    return alphanumeric(c) || c == '_' || c == '-' || c == '.' || c == ' ';
  });
  if (!legal) return "a name is made of letters, digits, blanks, `.`, `_` and `-`";
  if (!alphanumeric(name.front()) && name.front() != '_') {
    return "a name starts with a letter, a digit or `_`";
  }
  if (name.back() == ' ') return "a name does not end with a blank";
  return {};
}

class Reader {
 public:
  Reader(const flow::DevicePolicy& device, EmitContext& context)
      : options_(device.view->options), context_(context) {}

  DiagnosticBuilder bad(std::string_view option, std::string_view why) {
    const Span span = option_span(options_, option, context_.place(nullptr));
    return context_.reporter().report<Diag::bad_option>(span, option, backend_name, why);
  }
  bool has(std::string_view option) const { return options_.find(option) != options_.end(); }

  std::string name(std::string_view option, std::size_t limit) {
    std::string value = text_option(options_, option);
    if (value.empty() && !has(option)) return value;
    if (const std::string fault = name_fault(value, limit); !fault.empty()) bad(option, fault);
    return value;
  }
  std::string version();
  Location location();
  bool set_commands();
  std::vector<Zone> zones();
  /// Empty for prefixes.
  std::string edl_url();

 private:
  std::string vsys();
  /// One of the choices; the first one if the option is not set.
  std::string choice(std::string_view option, std::initializer_list<std::string_view> choices);

  const sema::Options& options_;
  EmitContext& context_;
};

std::string Reader::version() {
  std::string value = text_option(options_, "version", "10.1.0");
  constexpr std::array releases{"9.1", "10.0", "10.1", "10.2", "11.0", "11.1"};
  for (const std::string_view release : releases) {
    const std::string full = std::string(release) + ".0";
    if (value == release || value == full) return full;
  }
  bad("version", "it is none of 9.1, 10.0, 10.1, 10.2, 11.0 and 11.1");
  return value;
}

std::string Reader::choice(std::string_view option,
                           std::initializer_list<std::string_view> choices) {
  std::string value = text_option(options_, option, *choices.begin());
  if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
    bad(option,
        "it is one of " + list_of(std::vector<std::string>(choices.begin(), choices.end())));
  }
  return value;
}

Location Reader::location() {
  Location out;
  const std::string shared = choice("shared", {"none", "objects", "all"});
  out.shared_objects = shared != "none";
  out.name = vsys();
  out.named = has("vsys");
  const std::string group = name("device_group", short_name_limit);
  if (group == "shared") bad("device_group", "`shared` is no device group; say `shared = \"all\"`");
  if (has("device_group")) {
    out.rules = Location::Rules::device_group;
    out.name = group;
  }
  if (shared == "all") {
    out.rules = Location::Rules::shared;
    out.name.clear();
    for (const std::string_view option : {"vsys", "device_group"}) {
      if (has(option)) bad(option, "`shared = \"all\"` leaves nothing to stand there");
    }
  }
  const std::string rulebase = choice("rulebase", {"split", "pre", "post"});
  if (!out.panorama()) {
    if (has("rulebase")) bad("rulebase", "a firewall has only one; this is for Panorama");
    return out;
  }
  out.rulebase = rulebase == "post" ? "post-rulebase" : "pre-rulebase";
  out.cleanup_rulebase = rulebase == "pre" ? "pre-rulebase" : "post-rulebase";
  return out;
}

bool Reader::set_commands() {
  return choice("format", {"xml", "set"}) == "set";
}

std::string Reader::vsys() {
  std::string value = text_option(options_, "vsys", "vsys1");
  const bool legal =
      value.starts_with("vsys") && value.size() > 4 && value.size() < 9 && value[4] != '0' &&
      std::all_of(value.begin() + 4, value.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!legal) bad("vsys", "a virtual system is called `vsys` and a number");
  if (has("vsys") && has("device_group")) {
    bad("vsys", "a Panorama device group has no virtual systems; say `vsys` or `device_group`");
  }
  return value;
}

std::string url_fault(std::string_view url) {
  if (!url.starts_with("https://") && !url.starts_with("http://")) {
    return "it starts with neither `https://` nor `http://`";
  }
  const bool printable =
      std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!printable) return "a URL is made of ASCII without blanks";
  if (url.find("{tag}") == std::string_view::npos) return "it has no `{tag}`";
  for (std::size_t at = 0; (at = url.find_first_of("{}", at)) != std::string_view::npos;) {
    const std::size_t end = url.find('}', at);
    const auto hole = end == std::string_view::npos ? url.substr(at) : url.substr(at, end - at + 1);
    if (hole != "{tag}" && hole != "{family}" && hole != "{cloud}") {
      return fmt::format(
          "`{}` stands for nothing; there are `{{tag}}`, `{{family}}` and `{{cloud}}`", hole);
    }
    at += hole.size();
  }
  return {};
}

std::string Reader::edl_url() {
  const std::string form = text_option(options_, "service_tags", "prefixes");
  if (form != "prefixes" && form != "edl") bad("service_tags", "it is `prefixes` or `edl`");
  const std::string url = text_option(options_, "edl_url");
  if (form != "edl") {
    for (const std::string_view option : {"edl_url", "edl_certificate_profile"}) {
      if (has(option)) bad(option, "it says nothing without `service_tags = \"edl\"`");
    }
    return {};
  }
  if (!has("edl_url")) {
    bad("service_tags", "`edl` needs `edl_url`, which says where the lists are");
  } else if (const std::string fault = url_fault(url); !fault.empty()) {
    bad("edl_url", fault);
  } else if (text_option(options_, "format") == "set" &&
             url.find_first_of("\"?\\|") != std::string::npos) {
    bad("edl_url",
        "`?`, `\"`, `\\` and `|` mean something to the command line: use `format = "
        "\"xml\"`");
  }
  return url;
}

std::vector<Zone> Reader::zones() {
  std::vector<Zone> out;
  for (const auto& [name, peers] : peers_option(options_, "zones")) {
    std::string fault = name_fault(name, short_name_limit);
    // Words of the rule language, which stand in the same lists as zone names.
    if (name == "any" || name == "multicast") fault = "PAN-OS keeps this word for itself";
    if (!fault.empty()) bad("zones", fmt::format("zone `{}`: {}", name, fault));
    Zone zone{name, peers.set().addresses};
    if (zone.addresses.empty()) bad("zones", fmt::format("zone `{}` has no addresses", name));
    for (const Zone& other : out) {
      const net::AddressSet both = zone.addresses & other.addresses;
      if (both.empty()) continue;
      bad("zones", fmt::format("`{}` and `{}` both hold {}", other.name, name,
                               net::to_string(net::AddressSet(both.ranges().front()))));
    }
    out.push_back(std::move(zone));
  }
  return out;
}

}  // namespace

std::span<const sema::OptionSpec> option_specs() {
  return specs;
}

Settings read_settings(const flow::DevicePolicy& device, EmitContext& context) {
  Reader reader(device, context);
  Settings out;
  out.version = reader.version();
  out.location = reader.location();
  out.set_commands = reader.set_commands();
  out.schedules = flag_option(device.view->options, "schedules", true);
  out.app_id = flag_option(device.view->options, "app_id", false);
  out.outside_zone = reader.name("outside_zone", short_name_limit);
  if (out.outside_zone == "any") out.outside_zone.clear();
  if (out.outside_zone == "multicast") reader.bad("outside_zone", "`multicast` is no zone");
  out.before = reader.name("before", name_limit);
  out.log_setting = reader.name("log_setting", name_limit);
  out.profile_group = reader.name("profile_group", short_name_limit);
  out.default_deny = flag_option(device.view->options, "default_deny", true);
  out.zones = reader.zones();
  out.edl_url = reader.edl_url();
  out.edl_certificate_profile = reader.name("edl_certificate_profile", name_limit);
  if (!out.outside_zone.empty() && out.zones.empty()) {
    reader.bad("outside_zone", "it says nothing without `zones`");
  }
  return out;
}

void Where::add(const Where& other) {
  anywhere = anywhere || other.anywhere;
  if (std::includes(zones.begin(), zones.end(), other.zones.begin(), other.zones.end())) return;
  Members both;
  std::set_union(zones.begin(), zones.end(), other.zones.begin(), other.zones.end(),
                 std::back_inserter(both));
  zones = std::move(both);
}

Members Where::members() const {
  return anywhere ? Members{"any"} : zones;
}

Where whereabouts(const Settings& settings, const net::AddressSet& addresses, bool has_names) {
  Where out;
  if (settings.zones.empty()) return {true, {}};
  net::AddressSet rest = addresses;
  for (const Zone& zone : settings.zones) {
    if (!addresses.intersects(zone.addresses)) continue;
    out.add({false, {zone.name}});
    rest = rest - zone.addresses;
  }
  if (rest.empty() && !has_names) return out;
  out.add(settings.outside_zone.empty() ? Where{true, {}} : Where{false, {settings.outside_zone}});
  return out;
}

}  // namespace hcipol::backends::palo_alto
