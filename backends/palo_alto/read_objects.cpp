// Predefined applications as of content of 2022: `ping` is ICMP type 8, `ping6` ICMPv6 type 128,
// `icmp` and `ipv6-icmp` are the rest. An application of the configuration's own takes its packets
// away from them in every rule.
#include "backends/palo_alto/read_objects.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/common/options.h"
#include "backends/common/read_text.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

constexpr std::size_t longest_name = 63;
constexpr std::size_t longest_category_name = 31;
constexpr std::uint8_t icmp = 1;
constexpr std::uint8_t tcp = 6;
constexpr std::uint8_t udp = 17;
constexpr std::uint8_t icmpv6 = 58;
constexpr std::uint8_t echo_request = 8;
constexpr std::uint8_t echo_request_v6 = 128;

void replace_all(std::string& text, std::string_view hole, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(hole, at)) != std::string::npos; at += with.size()) {
    text.replace(at, hole.size(), with);
  }
}

}  // namespace

void ObjectReader::read(Elements& base) {
  read_tags(base.find("tag"));
  read_addresses(base.find("address"));
  read_groups(base.find("address-group"));
  read_applications(base.find("application"));
  read_services(base.find("service"));
  read_lists(base.find("external-list"));
  read_schedules(base.find("schedule"));
  read_categories(base.find("profiles"));
}

void ObjectReader::read_tags(pugi::xml_node section) {
  for_each_entry(file_, section, [&](std::string_view name, pugi::xml_node node) {
    Elements entry(file_, node);
    entry.text("color");
    entry.text("comments");
    entry.done(1);
    if (!tags_.insert(name).second) entry.fail("it stands twice");
  });
}

void ObjectReader::check_tag(std::string_view name) const {
  if (!tags_.contains(name)) fail("there is no tag " + quoted(name));
}

void ObjectReader::check_tags(Elements& entry) const {
  for (const std::string_view tag : entry.members("tag")) check_tag(tag);
}

void ObjectReader::read_addresses(pugi::xml_node section) {
  for_each_entry(file_, section, [&](std::string_view name, pugi::xml_node node) {
    Elements entry(file_, node);
    const std::string_view netmask = entry.text("ip-netmask");
    const std::string_view range = entry.text("ip-range");
    const std::string_view fqdn = entry.text("fqdn");
    check_tags(entry);
    entry.done(1);
    net::PeerSet out;
    if (!netmask.empty() && range.empty() && fqdn.empty()) {
      const auto cidr = net::parse_cidr(netmask);
      if (!cidr) entry.fail("no prefix");
      out.addresses = net::AddressSet(*cidr);
    } else if (!range.empty() && netmask.empty() && fqdn.empty()) {
      const std::size_t dash = range.find('-');
      const auto first = net::parse_address(range.substr(0, dash));
      const auto last = dash == std::string_view::npos ? std::nullopt
                                                       : net::parse_address(range.substr(dash + 1));
      if (!first || !last || first->family != last->family || *last < *first) {
        entry.fail("no range");
      }
      out.addresses = net::AddressSet(net::AddressRange{*first, *last});
    } else if (!fqdn.empty() && netmask.empty() && range.empty()) {
      const auto pattern = net::parse_pattern(fqdn);
      if (!pattern || pattern->wildcard || pattern->name != fqdn) entry.fail("no host name");
      out.names = net::DomainSet(*pattern);
    } else {
      entry.fail("not one kind of address");
    }
    if (name.size() > longest_name || name == "any") entry.fail("its name");
    if (!peers_.try_emplace(name, std::move(out)).second) entry.fail("it stands twice");
  });
}

void ObjectReader::read_groups(pugi::xml_node section) {
  std::vector<std::pair<std::string_view, net::PeerSet>> groups;
  for_each_entry(file_, section, [&](std::string_view name, pugi::xml_node node) {
    Elements entry(file_, node);
    const auto members = entry.members("static");
    entry.text("description");
    check_tags(entry);
    entry.done(1);
    if (members.empty() || name.size() > longest_name || name == "any") entry.fail("a group");
    std::vector<const net::PeerSet*> sets;
    for (const std::string_view member : members) {
      const auto one = peers_.find(member);
      if (one == peers_.end()) entry.fail("there is no address " + quoted(member));
      sets.push_back(&one->second);
    }
    groups.emplace_back(name, net::union_of(sets));
  });
  for (auto& [name, set] : groups) {
    if (!peers_.try_emplace(name, std::move(set)).second) fail(quoted(name) + " stands twice");
  }
}

void ObjectReader::read_applications(pugi::xml_node section) {
  for_each_entry(file_, section, [&](std::string_view name, pugi::xml_node node) {
    Elements entry(file_, node);
    for (const char* about : {"category", "subcategory", "technology", "risk"}) entry.text(about);
    Elements ident(file_, entry.need("default"));
    entry.done(1);
    net::ServiceSet set;
    const auto number = [&](std::string_view text) {
      const auto value = number_of(text, 255);
      if (!value) entry.fail("no number");
      return static_cast<std::uint8_t>(*value);
    };
    if (const std::string_view text = ident.text("ident-by-ip-protocol"); !text.empty()) {
      const std::uint8_t protocol = number(text);
      if (net::has_ports(protocol) || net::has_types(protocol)) entry.fail("its protocol");
      set = net::ServiceSet::whole(protocol);
    }
    for (const auto& [element, protocol] :
         {std::pair{"ident-by-icmp-type", icmp}, {"ident-by-icmp6-type", icmpv6}}) {
      const pugi::xml_node by_type = ident.find(element);
      if (!by_type) continue;
      Elements type(file_, by_type);
      set = set | net::ServiceSet::icmp_type(protocol, number(type.text("type")));
      type.done();
    }
    ident.done();
    static const std::set<std::string_view> predefined{"any", "icmp", "ping", "ipv6-icmp", "ping6"};
    if (set.empty() || name.size() > longest_category_name || predefined.contains(name)) {
      entry.fail("an application");
    }
    // Which of two a packet belonged to would be a matter of luck.
    if (custom_.intersects(set)) entry.fail("packets of another application");
    custom_ = custom_ | set;
    if (!applications_.emplace(name, std::move(set)).second) entry.fail("it stands twice");
  });
}

void ObjectReader::read_services(pugi::xml_node section) {
  for_each_entry(file_, section, [&](std::string_view name, pugi::xml_node node) {
    Elements entry(file_, node);
    Elements protocol(file_, entry.need("protocol"));
    net::ServiceSet set;
    for (const auto& [element, number] : {std::pair{"tcp", tcp}, {"udp", udp}}) {
      const pugi::xml_node found = protocol.find(element);
      if (!found) continue;
      if (!set.empty()) entry.fail("two protocols");
      Elements inner(file_, found);
      set = ports(number, inner.text("port"));
      inner.done();
    }
    protocol.done();
    check_tags(entry);
    entry.done(1);
    if (set.empty() || name.size() > longest_name || name == "any" ||
        name == "application-default") {
      entry.fail("a service");
    }
    if (!services_.try_emplace(name, std::move(set)).second) entry.fail("it stands twice");
  });
}

net::ServiceSet ObjectReader::ports(std::uint8_t protocol, std::string_view text) const {
  std::vector<net::ServiceRange> out;
  for (std::string_view rest = text;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    const std::size_t dash = part.find('-');
    const auto first = number_of(part.substr(0, dash), 65535);
    const auto last =
        dash == std::string_view::npos ? first : number_of(part.substr(dash + 1), 65535);
    if (!first || !last || *first > *last) fail("ports " + quoted(text));
    out.push_back({protocol * 65536u + *first, protocol * 65536u + *last});
    if (comma == std::string_view::npos) return net::ServiceSet::of(std::move(out));
    rest.remove_prefix(comma + 1);
  }
}

void ObjectReader::read_lists(pugi::xml_node section) {
  for_each_entry(file_, section, [&](std::string_view name, pugi::xml_node node) {
    Elements entry(file_, node);
    Elements type(file_, entry.need("type"));
    Elements ip(file_, type.need("ip"));
    net::PeerSet set = fetched(ip.text("url"));
    ip.text("certificate-profile");
    Elements recurring(file_, ip.need("recurring"));
    Elements(file_, recurring.need("hourly")).done();
    recurring.done();
    ip.done();
    type.done();
    entry.done(1);
    if (name.size() > longest_name || name == "any") entry.fail("its name");
    if (!peers_.try_emplace(name, std::move(set)).second) entry.fail("it stands twice");
  });
}

// The site's URL says which tag's list it is.
net::PeerSet ObjectReader::fetched(std::string_view url) {
  std::string pattern = text_option(context_.options(), "edl_url");
  replace_all(pattern, "{cloud}", context_.device().cluster->cloud);
  const bool families = pattern.find("{family}") != std::string::npos;
  by_family_ = by_family_ || families;
  constexpr std::string_view hole = "{tag}";
  for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
    std::string here = pattern;
    replace_all(here, "{family}", family == net::Family::ipv4 ? "ipv4" : "ipv6");
    const std::size_t at = here.find(hole);
    if (at == std::string::npos || !url.starts_with(here.substr(0, at))) continue;
    for (std::size_t size = 1; at + size <= url.size(); ++size) {
      const std::string tag(url.substr(at, size));
      std::string whole = here;
      replace_all(whole, hole, tag);
      if (whole != url) continue;
      if (families && family != family_) return {};
      return context_.tag(tag);
    }
  }
  fail("a list from elsewhere: " + quoted(url));
}

// PAN-OS 10.0 schema: `YYYY/MM/DD@hh:mm-YYYY/MM/DD@hh:mm`, by the device's clock; the last minute
// is within. Parts of days have no place in a policy.
void ObjectReader::read_schedules(pugi::xml_node section) {
  for_each_entry(file_, section, [&](std::string_view name, pugi::xml_node node) {
    Elements entry(file_, node);
    Elements type(file_, entry.need("schedule-type"));
    entry.done(1);
    const auto spans = type.members("non-recurring");
    type.done();
    if (spans.size() != 1) entry.fail("not one span of time");
    const auto day = [&](std::size_t at, std::string_view time) {
      std::string text(spans[0].substr(std::min(at, spans[0].size()), 10));
      std::replace(text.begin(), text.end(), '/', '-');
      const auto date = parse_date(text);
      if (!date || spans[0].substr(at + 10, 6) != time) entry.fail("no whole days");
      return *date;
    };
    if (spans[0].size() != 33 || spans[0][16] != '-') entry.fail("no span of time");
    // Nothing was built before.
    if (day(0, "@00:00") > parse_date("2000-01-01")) entry.fail("it begins too late");
    if (!schedules_.emplace(name, day(17, "@23:59")).second) entry.fail("it stands twice");
  });
}

Date ObjectReader::last_day(std::string_view schedule) const {
  const auto found = schedules_.find(schedule);
  if (found == schedules_.end()) fail("there is no schedule " + quoted(schedule));
  return found->second;
}

void ObjectReader::read_categories(pugi::xml_node profiles) {
  if (!profiles) return;
  Elements section(file_, profiles);
  for_each_entry(
      file_, section.need("custom-url-category"), [&](std::string_view name, pugi::xml_node node) {
        Elements entry(file_, node);
        entry.text("description");
        std::vector<net::DomainPattern> patterns;
        for (const std::string_view url : entry.members("list")) {
          // Without the slash, names that only begin so match as well.
          if (!url.ends_with('/')) entry.fail("an entry without an end");
          auto pattern = net::parse_pattern(url.substr(0, url.size() - 1));
          if (!pattern) entry.fail("no host name");
          patterns.push_back(*std::move(pattern));
        }
        if (entry.text("type") != "URL List") entry.fail("its type");
        entry.done(1);
        if (name.size() > longest_category_name || name == "any") entry.fail("its name");
        if (!categories_.try_emplace(name, net::DomainSet::of(std::move(patterns))).second) {
          entry.fail("it stands twice");
        }
      });
  section.done();
}

template <class Set>
std::optional<std::vector<const Set*>> ObjectReader::found(
    const std::unordered_map<std::string_view, Set>& known, std::string_view what,
    const MemberNames& members) const {
  if (is_any(members)) return std::nullopt;
  std::vector<const Set*> out;
  for (const std::string_view member : members) {
    const auto one = known.find(member);
    if (one == known.end()) fail(fmt::format("there is no {} {}", what, quoted(member)));
    out.push_back(&one->second);
  }
  return out;
}

std::optional<net::PeerSet> ObjectReader::peers(const MemberNames& members) const {
  const auto sets = found(peers_, "address", members);
  return sets ? std::optional(net::union_of(*sets)) : std::nullopt;
}

std::optional<net::DomainSet> ObjectReader::categories(const MemberNames& members) const {
  const auto sets = found(categories_, "URL category", members);
  if (!sets) return std::nullopt;
  net::DomainSet out;
  for (const net::DomainSet* set : *sets) out = out | *set;
  return out;
}

std::optional<net::ServiceSet> ObjectReader::services(const MemberNames& services,
                                                      const MemberNames& applications,
                                                      bool allow) const {
  const bool any_application = is_any(applications);
  const bool by_application = services.size() == 1 && services.front() == "application-default";
  const bool recognised = !any_application && !by_application;
  if (any_application && by_application) fail("the ports of no application");
  if (recognised && (!allow || !flag_option(context_.options(), "app_id", false))) {
    fail("services beside applications");
  }
  net::ServiceSet out;
  if (by_application) {
    for (const std::string_view name : applications) out = out | application(name);
    return out;
  }
  if (is_any(services)) return std::nullopt;
  for (const std::string_view name : services) {
    const auto found = services_.find(name);
    if (found == services_.end()) fail("there is no service " + quoted(name));
    out = out | found->second;
  }
  if (!recognised) return out;
  net::ServiceSet known;
  for (const std::string_view name : applications) known = known | recognised_on(name);
  if (!known.contains(out)) fail("ports on which none of the applications is spoken");
  return out;
}

// Applipedia and RFCs, for the applications that go through a firewall in front of HCI.
net::ServiceSet ObjectReader::recognised_on(std::string_view name) const {
  struct Port {
    std::string_view application;
    std::uint8_t protocol;
    std::uint16_t first, last;
  };
  constexpr Port known[] = {
      {"dns", tcp, 53, 53},
      {"dns", udp, 53, 53},
      {"kerberos", tcp, 88, 88},
      {"kerberos", udp, 88, 88},
      {"ms-hyper-v-vm-connect", tcp, 2179, 2179},
      {"ms-kms", tcp, 1688, 1688},
      {"ms-rdp", tcp, 3389, 3389},
      {"ms-rdp", udp, 3389, 3389},
      {"ms-update-optimization-p2p", tcp, 7680, 7680},
      {"ntp", udp, 123, 123},
      {"ssl", tcp, 443, 443},
      {"web-browsing", tcp, 80, 80},
      {"windows-remote-management", tcp, 5985, 5986},
  };
  net::ServiceSet out;
  for (const Port& port : known) {
    if (port.application != name) continue;
    out = out | net::ServiceSet::ports(port.protocol, port.first, port.last);
  }
  if (out.empty()) fail("there is no application " + quoted(name));
  return out;
}

net::ServiceSet ObjectReader::application(std::string_view name) const {
  if (const auto found = applications_.find(name); found != applications_.end()) {
    return found->second;
  }
  if (name == "icmp") return rest_of_icmp(icmp, echo_request);
  if (name == "ipv6-icmp") return rest_of_icmp(icmpv6, echo_request_v6);
  if (name == "ping") return net::ServiceSet::icmp_type(icmp, echo_request) - custom_;
  if (name == "ping6") return net::ServiceSet::icmp_type(icmpv6, echo_request_v6) - custom_;
  fail("there is no application " + quoted(name));
}

net::ServiceSet ObjectReader::rest_of_icmp(std::uint8_t protocol, std::uint8_t echo) const {
  return net::ServiceSet::whole(protocol) - net::ServiceSet::icmp_type(protocol, echo) - custom_;
}

}  // namespace hcipol::backends::palo_alto
