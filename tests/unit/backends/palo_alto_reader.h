// Reads a PAN-OS configuration, checks it against the platform's rules, and judges packets by it.
// It shares nothing with the backend: what it knows comes from the vendor's schema and
// documentation.
#pragma once

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <map>
#include <pugixml.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace hcipol::backends::palo_alto::testing {

/// An IPv4 or IPv6 address as 16 bytes; IPv4 ones are apart from all IPv6 ones by `v4`.
struct Ip {
  bool v4 = true;
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const Ip&, const Ip&) = default;
};

inline Ip read_ip(const std::string& text) {
  Ip out;
  out.v4 = text.find(':') == std::string::npos;
  if (out.v4) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    char end = 0;
    if (std::sscanf(text.c_str(), "%u.%u.%u.%u%c", &a, &b, &c, &d, &end) != 4) {
      throw std::runtime_error("no address: " + text);
    }
    out.bytes = {static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b),
                 static_cast<std::uint8_t>(c), static_cast<std::uint8_t>(d)};
    return out;
  }
  // Groups before and after `::`.
  std::vector<unsigned> head, tail;
  std::vector<unsigned>* side = &head;
  std::size_t at = 0;
  if (text.starts_with("::")) {
    side = &tail;
    at = 2;
  }
  while (at < text.size()) {
    const std::size_t colon = std::min(text.find(':', at), text.size());
    if (colon == at) {
      side = &tail;
      ++at;
      continue;
    }
    side->push_back(static_cast<unsigned>(std::stoul(text.substr(at, colon - at), nullptr, 16)));
    at = colon + 1;
  }
  const auto put = [&](std::size_t group, unsigned value) {
    out.bytes[2 * group] = static_cast<std::uint8_t>(value >> 8);
    out.bytes[2 * group + 1] = static_cast<std::uint8_t>(value);
  };
  for (std::size_t i = 0; i < head.size(); ++i) put(i, head[i]);
  for (std::size_t i = 0; i < tail.size(); ++i) put(8 - tail.size() + i, tail[i]);
  return out;
}

struct PanPacket {
  std::string source;
  std::string destination;  ///< always an address
  std::string host;         ///< what the client asked for, if it asked for a name
  unsigned protocol = 6;
  unsigned detail = 0;  ///< port, or ICMP type
};

/// The security zone of an address, as the device's interfaces have it.
using ZoneMap = std::vector<std::pair<std::string, std::string>>;  // zone, prefix

class PanConfig {
 public:
  explicit PanConfig(const std::string& text) {
    const auto result = xml_.load_string(text.c_str(), pugi::parse_full);
    if (!result) {
      problems_.push_back(std::string("not well-formed: ") + result.description());
      return;
    }
    const auto device = xml_.child("config").child("devices").child("entry");
    base_ = device.child("vsys").child("entry");
    panorama_ = !base_;
    if (panorama_) base_ = device.child("device-group").child("entry");
    const auto shared = xml_.child("config").child("shared");
    if (!base_) base_ = shared;
    objects_ = shared.first_child() ? shared : base_;
    for (const char* place : {"pre-rulebase", "rulebase", "post-rulebase"}) {
      const auto rules = base_.child(place).child("security").child("rules");
      for (const auto& rule : rules.children("entry")) rules_.push_back(rule);
    }
    check();
  }
  PanConfig(const PanConfig&) = delete;
  PanConfig& operator=(const PanConfig&) = delete;

  const std::vector<std::string>& problems() const { return problems_; }
  bool panorama() const { return panorama_; }
  /// What the rules stand in, and what the objects do.
  pugi::xml_node base() const { return base_; }
  pugi::xml_node objects() const { return objects_; }
  /// "2022/06/30": rules whose schedules have ended before it match nothing any more.
  void day(const std::string& day) { day_ = day; }
  /// What the device's DNS says. Once it has said something, FQDN objects are addresses.
  void resolve(const std::string& name, const std::string& address) { dns_[name].insert(address); }
  const std::vector<pugi::xml_node>& rules() const { return rules_; }

  pugi::xml_node rule(const std::string& name) const {
    for (const auto& rule : rules_) {
      if (name == rule.attribute("name").value()) return rule;
    }
    return {};
  }
  pugi::xml_node object(const char* kind, const std::string& name) const {
    return objects_.child(kind).find_child_by_attribute("entry", "name", name.c_str());
  }
  pugi::xml_node category(const std::string& name) const {
    return objects_.child("profiles")
        .child("custom-url-category")
        .find_child_by_attribute("entry", "name", name.c_str());
  }
  static std::vector<std::string> members(pugi::xml_node node) {
    std::vector<std::string> out;
    for (const auto& member : node.children("member")) out.emplace_back(member.text().get());
    return out;
  }
  static std::vector<std::string> names(pugi::xml_node list) {
    std::vector<std::string> out;
    for (const auto& entry : list.children("entry")) {
      out.emplace_back(entry.attribute("name").value());
    }
    return out;
  }

  /// The first rule that matches, and whether it allows; without one the default rules decide.
  bool allows(const PanPacket& packet, const ZoneMap& zones, std::string* by = nullptr) const {
    const std::string from = zone_of(packet.source, zones);
    const std::string to = zone_of(packet.destination, zones);
    for (const auto& rule : rules_) {
      if (!matches(rule, packet, from, to)) continue;
      if (by != nullptr) *by = rule.attribute("name").value();
      return rule.child_value("action") == std::string("allow");
    }
    if (by != nullptr) *by = from == to ? "intrazone-default" : "interzone-default";
    return from == to;
  }

 private:
  using Node = pugi::xml_node;

  void problem(const std::string& text) { problems_.push_back(text); }

  // ---- judging ---------------------------------------------------------------

  static bool in_prefix(const Ip& address, const std::string& text) {
    const std::size_t slash = text.find('/');
    const Ip network = read_ip(text.substr(0, slash));
    if (network.v4 != address.v4) return false;
    const unsigned full = network.v4 ? 32 : 128;
    const unsigned length = slash == std::string::npos
                                ? full
                                : static_cast<unsigned>(std::stoul(text.substr(slash + 1)));
    for (unsigned bit = 0; bit < length; ++bit) {
      const unsigned mask = 0x80u >> (bit % 8);
      if (((network.bytes[bit / 8] ^ address.bytes[bit / 8]) & mask) != 0) return false;
    }
    return true;
  }
  static std::string zone_of(const std::string& address, const ZoneMap& zones) {
    for (const auto& [zone, prefix] : zones) {
      if (in_prefix(read_ip(address), prefix)) return zone;
    }
    return "world";
  }
  static bool holds(const std::vector<std::string>& list, const std::string& wanted) {
    return std::find(list.begin(), list.end(), wanted) != list.end();
  }
  bool in_address(const std::string& name, const std::string& address,
                  const std::string& host) const {
    if (name == "any") return true;
    if (const Node group = object("address-group", name)) {
      const auto list = members(group.child("static"));
      return std::any_of(list.begin(), list.end(), [&](const std::string& member) {
        return in_address(member, address, host);
      });
    }
    const Node object = this->object("address", name);
    if (const Node fqdn = object.child("fqdn")) {
      if (dns_.empty()) return host == fqdn.text().get();
      const auto known = dns_.find(fqdn.text().get());
      return known != dns_.end() && known->second.count(address) != 0;
    }
    const Ip ip = read_ip(address);
    if (const Node range = object.child("ip-range")) {
      const std::string text = range.text().get();
      const std::size_t dash = text.find('-');
      const Ip first = read_ip(text.substr(0, dash));
      const Ip last = read_ip(text.substr(dash + 1));
      return first.v4 == ip.v4 && first <= ip && ip <= last;
    }
    return in_prefix(ip, object.child_value("ip-netmask"));
  }
  static bool in_ports(const std::string& ports, unsigned port) {
    std::size_t at = 0;
    while (at < ports.size()) {
      const std::size_t comma = std::min(ports.find(',', at), ports.size());
      unsigned first = 0, last = 0;
      const int n = std::sscanf(ports.substr(at, comma - at).c_str(), "%u-%u", &first, &last);
      if (first <= port && port <= (n == 2 ? last : first)) return true;
      at = comma + 1;
    }
    return false;
  }
  bool in_service(const std::string& name, const PanPacket& packet) const {
    if (name == "any") return true;
    // The applications used with it are not told by ports.
    if (name == "application-default") return packet.protocol != 6 && packet.protocol != 17;
    const char* protocol = packet.protocol == 6 ? "tcp" : packet.protocol == 17 ? "udp" : "";
    const Node node = object("service", name).child("protocol").child(protocol);
    return node && in_ports(node.child_value("port"), packet.detail);
  }
  // App-ID gives a packet one application; custom ones win. A member may be a container.
  bool in_application(const std::string& name, const PanPacket& packet) const {
    if (name == "any") return true;
    std::set<std::string> is;
    const std::string type = std::to_string(packet.detail);
    for (const auto& entry : objects_.child("application").children("entry")) {
      const Node ident = entry.child("default");
      const bool hit =
          (packet.protocol == 1 && ident.child("ident-by-icmp-type") &&
           ident.child("ident-by-icmp-type").child_value("type") == type) ||
          (packet.protocol == 58 && ident.child("ident-by-icmp6-type") &&
           ident.child("ident-by-icmp6-type").child_value("type") == type) ||
          (ident.child("ident-by-ip-protocol") &&
           ident.child_value("ident-by-ip-protocol") == std::to_string(packet.protocol));
      if (hit) is.insert(entry.attribute("name").value());
    }
    if (packet.protocol == 6 || packet.protocol == 17) {
      // Each App-ID is taken to be what is spoken on its ports.
      const std::string port =
          (packet.protocol == 6 ? "tcp/" : "udp/") + std::to_string(packet.detail);
      static const std::set<std::pair<std::string, std::string>> spoken{
          {"dns", "tcp/53"},
          {"dns", "udp/53"},
          {"kerberos", "tcp/88"},
          {"kerberos", "udp/88"},
          {"ntp", "udp/123"},
          {"ms-kms", "tcp/1688"},
          {"ms-rdp", "tcp/3389"},
          {"ms-rdp", "udp/3389"},
          {"ms-hyper-v-vm-connect", "tcp/2179"},
          {"windows-remote-management", "tcp/5985"},
          {"windows-remote-management", "tcp/5986"},
          {"ms-update-optimization-p2p", "tcp/7680"}};
      return spoken.count({name, port}) != 0;
    }
    if (is.empty() && packet.protocol == 1) is.insert(packet.detail == 8 ? "ping" : "icmp");
    if (is.empty() && packet.protocol == 58) {
      is = {packet.detail == 128 ? "ping6" : "ipv6-icmp-base", "ipv6-icmp"};
    }
    return is.count(name) != 0;
  }
  bool in_category(const std::string& name, const PanPacket& packet) const {
    if (name == "any") return true;
    const bool web = packet.protocol == 6 && (packet.detail == 80 || packet.detail == 443);
    if (!web || packet.host.empty()) return false;
    for (std::string entry : members(category(name).child("list"))) {
      entry.pop_back();
      if (entry == packet.host) return true;
      if (entry.starts_with("*.") && packet.host.size() > entry.size() - 1 &&
          packet.host.ends_with(entry.substr(1))) {
        return true;
      }
    }
    return false;
  }
  bool matches(Node rule, const PanPacket& packet, const std::string& from,
               const std::string& to) const {
    const std::string type = rule.child_value("rule-type");
    if (type == "intrazone" && from != to) return false;
    if (const Node schedule = object("schedule", rule.child_value("schedule"));
        schedule && !day_.empty()) {
      const std::string span =
          schedule.child("schedule-type").child("non-recurring").child_value("member");
      if (span.substr(17, 10) < day_) return false;
    }
    if (type == "interzone" && from == to) return false;
    const auto zone = [&](const char* field, const std::string& is) {
      const auto list = members(rule.child(field));
      return holds(list, "any") || holds(list, is);
    };
    const auto some = [&](const char* field, auto test) {
      const auto list = members(rule.child(field));
      return std::any_of(list.begin(), list.end(), test);
    };
    return zone("from", from) && zone("to", to) &&
           some("source", [&](const auto& m) { return in_address(m, packet.source, ""); }) &&
           some("destination",
                [&](const auto& m) { return in_address(m, packet.destination, packet.host); }) &&
           some("service", [&](const auto& m) { return in_service(m, packet); }) &&
           some("application", [&](const auto& m) { return in_application(m, packet); }) &&
           some("category", [&](const auto& m) { return in_category(m, packet); });
  }

  // ---- checking --------------------------------------------------------------

  void check() {
    const Node config = xml_.child("config");
    if (std::string(config.attribute("urldb").value()) != "paloaltonetworks") problem("urldb");
    if (!re2::RE2::FullMatch(config.attribute("version").value(), R"((9|10|11)\.\d\.0)")) {
      problem("version");
    }
    if (!config.child("shared")) problem("no <shared/>");
    if (!base_) problem("no vsys and no device-group");
    check_schedules();
    check_tags();
    check_objects();
    check_groups();
    check_categories();
    std::set<std::string> seen;
    for (const auto& rule : rules_) check_rule(rule, seen);
  }

  // Sorted, unique without regard to case, and legal.
  void check_names(Node list, std::size_t limit, const std::string& pattern,
                   std::set<std::string>& seen) {
    const std::vector<std::string> found = names(list);
    if (list && found.empty()) problem(std::string("empty section ") + list.name());
    if (!std::is_sorted(found.begin(), found.end()))
      problem(std::string("order of ") + list.name());
    for (const std::string& name : found) check_name(name, limit, pattern, seen);
  }
  void check_name(const std::string& name, std::size_t limit, const std::string& pattern,
                  std::set<std::string>& seen) {
    if (name.size() > limit) problem("too long: " + name);
    if (!re2::RE2::FullMatch(name, pattern)) problem("not a name: " + name);
    if (name == "any" || name == "0.0.0.0") problem("reserved: " + name);
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (!seen.insert(lower).second) problem("twice: " + name);
  }
  void check_order(Node node, const std::vector<std::string>& order) {
    std::size_t at = 0;
    for (const auto& child : node.children()) {
      const auto found =
          std::find(order.begin() + static_cast<std::ptrdiff_t>(at), order.end(), child.name());
      if (found == order.end()) {
        problem(std::string("child out of place: ") + child.name() + " in " +
                node.attribute("name").value());
        return;
      }
      at = static_cast<std::size_t>(found - order.begin()) + 1;
    }
  }
  void check_list(Node list, bool sorted = true) {
    const auto found = members(list);
    const std::string where =
        std::string(list.name()) + " of " + list.parent().attribute("name").value();
    if (found.empty()) problem("empty " + where);
    if (std::set(found.begin(), found.end()).size() != found.size()) problem("repeated " + where);
    if (sorted && !std::is_sorted(found.begin(), found.end())) problem("unsorted " + where);
    if (found.size() > 1 && holds(found, "any")) problem("any with others: " + where);
    for (const std::string& member : found) {
      if (member.empty()) problem("empty member: " + where);
    }
  }
  void check_text(Node node, std::size_t limit) {
    const std::string text = node.text().get();
    if (text.size() > limit) problem(std::string("long ") + node.name());
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < 0x20) problem(std::string("control in ") + node.name());
    }
  }

  void check_tags() {
    std::set<std::string> seen;
    check_names(objects_.child("tag"), 127, R"([^\[\]']+)", seen);
    for (const auto& tag : objects_.child("tag").children("entry")) {
      check_order(tag, {"color", "comments"});
      if (!re2::RE2::FullMatch(tag.child_value("color"),
                               "color([1-9]|1[0-79]|2[0-9]|3[0-9]|4[0-2])")) {
        problem("colour");
      }
      check_text(tag.child("comments"), 1023);
    }
  }
  void check_defined(Node list, std::initializer_list<const char*> kinds,
                     const std::set<std::string>& predefined) {
    for (const std::string& member : members(list)) {
      if (predefined.count(member) != 0) continue;
      const bool defined = std::any_of(kinds.begin(), kinds.end(), [&](const char* kind) {
        return static_cast<bool>(object(kind, member));
      });
      if (!defined) problem(std::string("not defined: ") + list.name() + " " + member);
    }
  }
  void check_objects() {
    const std::string name = R"([a-zA-Z0-9_][ 0-9a-zA-Z._-]*)";
    std::set<std::string> addresses, services, applications;
    check_names(objects_.child("address"), 63, name, addresses);
    check_names(objects_.child("address-group"), 63, name, addresses);
    check_names(objects_.child("service"), 63, name, services);
    check_names(objects_.child("application"), 31, name, applications);
    for (const auto& address : objects_.child("address").children("entry")) {
      check_order(address, {"ip-netmask", "ip-range", "fqdn", "description", "tag"});
      check_defined(address.child("tag"), {"tag"}, {});
      const Node fqdn = address.child("fqdn");
      if (fqdn && (!re2::RE2::FullMatch(fqdn.text().get(), "[a-z0-9_]([a-z0-9._-])+[a-z0-9]") ||
                   std::string(fqdn.text().get()).size() > 255)) {
        problem(std::string("fqdn ") + fqdn.text().get());
      }
    }
    for (const auto& service : objects_.child("service").children("entry")) {
      check_order(service, {"protocol", "description", "tag"});
      check_defined(service.child("tag"), {"tag"}, {});
      const Node protocol = service.child("protocol").first_child();
      if (std::string("tcp") != protocol.name() && std::string("udp") != protocol.name()) {
        problem(std::string("protocol ") + protocol.name());
      }
      const std::string ports = protocol.child_value("port");
      if (!re2::RE2::FullMatch(ports, R"(\d+(-\d+)?(,\d+(-\d+)?)*)")) problem(ports);
      if (ports.size() > 1023) problem("port text of " + std::to_string(ports.size()));
    }
    for (const auto& application : objects_.child("application").children("entry")) {
      check_order(application, {"category", "subcategory", "technology", "risk", "default"});
    }
  }
  void check_schedules() {
    std::set<std::string> seen;
    check_names(objects_.child("schedule"), 31, R"([a-zA-Z0-9_][ 0-9a-zA-Z_-]*)", seen);
    for (const auto& schedule : objects_.child("schedule").children("entry")) {
      const std::string span =
          schedule.child("schedule-type").child("non-recurring").child_value("member");
      if (!re2::RE2::FullMatch(span, R"(2000/01/01@00:00-\d{4}/\d\d/\d\d@23:59)")) {
        problem("schedule " + span);
      }
    }
  }
  void check_groups() {
    for (const auto& group : objects_.child("address-group").children("entry")) {
      check_order(group, {"static", "description", "tag"});
      check_list(group.child("static"));
      check_defined(group.child("static"), {"address", "address-group"}, {});
      check_defined(group.child("tag"), {"tag"}, {});
      check_text(group.child("description"), 1023);
    }
  }
  void check_categories() {
    std::set<std::string> seen;
    const Node list = objects_.child("profiles").child("custom-url-category");
    check_names(list, 31, R"([a-zA-Z._-][ 0-9a-zA-Z._-]*)", seen);
    for (const auto& category : list.children("entry")) {
      check_order(category, {"description", "list", "type"});
      check_list(category.child("list"));
      check_text(category.child("description"), 255);
      if (std::string("URL List") != category.child_value("type")) problem("category type");
      for (const std::string& entry : members(category.child("list"))) {
        if (!re2::RE2::FullMatch(entry, R"((\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)+/)") ||
            entry.size() > 255) {
          problem("URL entry " + entry);
        }
      }
    }
  }
  void check_rule(Node rule, std::set<std::string>& seen) {
    const std::string name = rule.attribute("name").value();
    check_name(name, 63, R"([a-zA-Z0-9_][ 0-9a-zA-Z._-]*)", seen);
    check_order(rule, {"from",
                       "to",
                       "source",
                       "source-user",
                       "destination",
                       "service",
                       "category",
                       "application",
                       "source-hip",
                       "destination-hip",
                       "schedule",
                       "tag",
                       "negate-source",
                       "negate-destination",
                       "disabled",
                       "description",
                       "group-tag",
                       "action",
                       "icmp-unreachable",
                       "rule-type",
                       "option",
                       "log-setting",
                       "log-start",
                       "log-end",
                       "profile-setting",
                       "qos"});
    for (const char* field : {"from", "to", "source", "destination", "service", "application",
                              "category", "source-user", "tag"}) {
      check_list(rule.child(field));
    }
    for (const char* field : {"from", "to"}) {
      for (const std::string& zone : members(rule.child(field))) {
        if (zone.size() > 31) problem("long zone " + zone);
      }
    }
    check_defined(rule.child("source"), {"address", "address-group"}, {"any"});
    check_defined(rule.child("destination"), {"address", "address-group"}, {"any"});
    check_defined(rule.child("service"), {"service"}, {"any", "application-default"});
    check_defined(rule.child("application"), {"application"},
                  {"any", "icmp", "ping", "ipv6-icmp", "ping6", "dns", "kerberos", "ntp", "ms-kms",
                   "ms-rdp", "ms-hyper-v-vm-connect", "ms-update-optimization-p2p",
                   "windows-remote-management", "ssl", "web-browsing"});
    if (rule.child("schedule") && !object("schedule", rule.child_value("schedule"))) {
      problem("not defined: schedule of " + name);
    }
    check_defined(rule.child("tag"), {"tag"}, {});
    for (const std::string& member : members(rule.child("category"))) {
      if (member != "any" && !category(member)) problem("not defined: category " + member);
    }
    if (!object("tag", rule.child_value("group-tag"))) problem("group-tag of " + name);
    const std::string action = rule.child_value("action");
    if (action != "allow" && action != "deny") problem("action of " + name);
    const std::string type = rule.child_value("rule-type");
    if (type == "intrazone" && members(rule.child("from")) != members(rule.child("to"))) {
      problem("zones of intrazone rule " + name);
    }
    const auto services = members(rule.child("service"));
    const auto applications = members(rule.child("application"));
    // capirca #272: what is no port must not stand beside ports, where nothing would match it.
    if (holds(services, "application-default") && holds(applications, "any")) {
      problem("service and application of " + name);
    }
    for (const std::string& application : applications) {
      const bool portless = application == "icmp" || application == "ping" ||
                            application == "ipv6-icmp" || application == "ping6" ||
                            application.starts_with("hci-");
      const bool by_default = holds(services, "application-default");
      if (application != "any" && portless != by_default) problem("application of " + name);
    }
    check_text(rule.child("description"), 1024);
    if (std::string("yes") != rule.child_value("log-end")) problem("log-end of " + name);
    if (members(rule.child("profile-setting").child("group")).size() > 1) problem("profiles");
  }

  pugi::xml_document xml_;
  Node base_;
  Node objects_;
  std::string day_;
  bool panorama_ = false;
  std::vector<Node> rules_;
  std::map<std::string, std::set<std::string>> dns_;
  std::vector<std::string> problems_;
};

}  // namespace hcipol::backends::palo_alto::testing
