// Figures and patterns are those of the schema that PAN-OS 10.0 serves, as far as no other source
// is named; they are written down here a second time, because the printer's could be wrong.
#include "backends/palo_alto/read_limits.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>

#include "backends/palo_alto/read_characters.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

using pugi::xml_node;

constexpr std::size_t most_tags = 64;
constexpr std::size_t most_members = 65'535;   // capirca's paloaltofw.py
constexpr std::size_t longest_file_name = 32;  // netbox-panorama-configpump #12

constexpr Characters letters_and_digits = Characters::word("");
constexpr Characters of_names = Characters::word(" ._-");
constexpr Characters of_schedules = Characters::word(" _-");
constexpr Characters of_hosts = Characters::word("._-");

bool plain_name(std::string_view name) {
  return of_names.has_all(name) && (letters_and_digits.has(name.front()) || name.front() == '_') &&
         name.back() != ' ';
}
bool category_name(std::string_view name) {
  return of_names.has_all(name) && !(name.front() >= '0' && name.front() <= '9') &&
         name.front() != ' ';
}
// Vendor's documentation of schedules: letters, digits, blanks, hyphens and underscores.
bool schedule_name(std::string_view name) {
  return plain_name(name) && of_schedules.has_all(name);
}
bool tag_name(std::string_view name) {
  return name.find_first_of("[]'") == std::string_view::npos && name != "none";
}

struct LimitedSection {
  const char* path;
  std::size_t longest_name;
  bool (*legal)(std::string_view name);
  std::size_t most;
  const char* text;  ///< what of an entry people read
  std::size_t longest_text;
};

constexpr LimitedSection limited_sections[] = {
    {"tag", 127, tag_name, 10'000, "comments", 1023},
    {"address", 63, plain_name, 162'400, "description", 1023},
    {"address-group", 63, plain_name, 102'400, "description", 1023},
    {"application", 31, plain_name, 6416, "description", 1023},
    {"service", 63, plain_name, 102'400, "description", 1023},
    {"external-list", 63, plain_name, 102'400, "description", 255},
    {"schedule", 31, schedule_name, 102'400, "description", 255},
    {"profiles/custom-url-category", 31, category_name, 102'400, "description", 255},
};

class Checker {
 public:
  explicit Checker(std::string_view file) : file_(file) {}

  void check(const Configuration& configuration) {
    for (const LimitedSection& section : limited_sections) check(configuration.objects(), section);
    std::size_t rules = 0;
    for (const char* rulebase : configuration.rulebases()) {
      const xml_node list = configuration.rules().child(rulebase).child("security").child("rules");
      for (xml_node rule = list.first_child(); rule; rule = rule.next_sibling()) {
        check_rule(rule);
        ++rules;
      }
    }
    if (rules > 102'400) fail(configuration.rules(), "too many rules");
    check_place(configuration.rules());
  }

 private:
  void check_place(xml_node place) const {
    const std::string_view name = place.attribute("name").value();
    if (name.size() > 31) fail(place, "its name");
  }

  void check(xml_node base, const LimitedSection& section) {
    const xml_node list = base.first_element_by_path(section.path);
    std::size_t count = 0;
    // Addresses, groups and lists stand in the same fields of rules.
    const std::string_view path = section.path;
    const bool peers = path == "address" || path == "address-group" || path == "external-list";
    Names& names = names_[peers ? "peers" : section.path];
    for (xml_node entry = list.first_child(); entry; entry = entry.next_sibling()) {
      const std::string_view name = entry.attribute("name").value();
      if (name.empty() || name.size() > section.longest_name || !section.legal(name)) {
        fail(entry, "its name");
      }
      // A load writes into what the device has under a name, so all names must be ours.
      const std::string_view ours = path == "tag" ? "hcipol" : "hci-";
      if (!name.starts_with(ours)) fail(entry, "a name that may be somebody else's");
      if (name == "any" || name == "0.0.0.0" || name == "application-default") {
        fail(entry, "a reserved name");
      }
      if (!names.insert(name).second) fail(entry, "a name that is taken");
      const Children parts(entry);
      check_text(entry, parts, section.text, section.longest_text);
      check_list(parts.find("tag"), most_tags);
      check_list(parts.find("static"), 102'400);
      check_value(entry, parts);
      ++count;
    }
    if (count > section.most) fail(list, "too many of them");
  }

  // What only some kinds of objects have.
  void check_value(xml_node entry, const Children& parts) const {
    if (const xml_node fqdn = parts.find("fqdn")) {
      const std::string_view text = fqdn.text().get();
      const bool legal = text.size() >= 3 && text.size() <= 255 && of_hosts.has_all(text) &&
                         (letters_and_digits.has(text.front()) || text.front() == '_') &&
                         letters_and_digits.has(text.back());
      if (!legal) fail(entry, "its host name");
      // Release notes: names with capitals did not match before 10.2.10-h12.
      if (text != to_lower(text)) fail(entry, "capitals in a host name");
    }
    if (const xml_node by_protocol = parts.find("protocol")) {
      for (const char* protocol : {"tcp", "udp"}) {
        const xml_node port = by_protocol.child(protocol).child("port");
        if (std::string_view(port.text().get()).size() > 1023) fail(entry, "its ports");
      }
    }
    if (const xml_node ip = parts.find("type").child("ip")) {
      const xml_node url = ip.child("url");
      if (std::string_view(url.text().get()).size() > 255) fail(entry, "its URL");
      const xml_node profile = ip.child("certificate-profile");
      if (std::string_view(profile.text().get()).size() > 63) fail(entry, "its profile");
    }
    if (const xml_node list = parts.find("list")) {
      for (const xml_node& member : list.children()) check_url(member);
    }
  }

  // Vendor's "Guidelines for URL Category Exceptions": a wildcard is a whole token.
  void check_url(xml_node member) const {
    const std::string_view url = member.text().get();
    if (url.size() > 255 || url.find("://") != std::string_view::npos) fail(member, "a URL");
    constexpr std::string_view separators = "./?&=;+";
    std::string_view before = ".";
    for (std::size_t at = 0; at < url.size();) {
      const std::size_t end = std::min(url.find_first_of(separators, at), url.size());
      const std::string_view token = url.substr(at, end - at);
      const bool wild = token.find_first_of("*^") != std::string_view::npos;
      if (wild && token.size() != 1) fail(member, "a wildcard within a word");
      if (token == "*" && before == "*") fail(member, "two wildcards in a row");
      before = token;
      at = end + 1;
    }
  }

  void check_rule(xml_node rule) const {
    const std::string_view name = rule.attribute("name").value();
    if (name.empty() || name.size() > 63 || !plain_name(name)) fail(rule, "its name");
    for (const char* reserved : {"any", "intrazone-default", "interzone-default"}) {
      if (name == reserved) fail(rule, "a reserved name");
    }
    const Children parts(rule);
    check_text(rule, parts, "description", 1024);
    check_text(rule, parts, "group-tag", 127);
    check_text(rule, parts, "log-setting", 63);
    check_list(parts.find("tag"), most_tags);
    for (const std::string_view list :
         {"source", "destination", "service", "category", "application"}) {
      check_list(parts.find(list), most_members);
    }
    for (const std::string_view zones : {"from", "to"}) {
      const xml_node list = parts.find(zones);
      check_list(list, most_members);
      for (xml_node zone = list.first_child(); zone; zone = zone.next_sibling()) {
        if (std::string_view(zone.text().get()).size() > 31) fail(rule, "a zone");
      }
    }
    if (std::string_view(parts.find("rule-type").child_value()) == "intrazone" &&
        !same_zones(parts)) {
      fail(rule, "an intrazone rule between different zones");
    }
    const xml_node group = parts.find("profile-setting").child("group");
    check_list(group, 1);
    if (std::string_view(group.child("member").text().get()).size() > 31) fail(rule, "its profile");
  }

  static bool same_zones(const Children& rule) {
    const auto zones = [&](std::string_view list) {
      std::set<std::string_view> out;
      for (const xml_node& zone : rule.find(list).children()) out.insert(zone.text().get());
      return out;
    };
    return zones("from") == zones("to");
  }

  // Release notes of 10.1.0: Panorama's command line does not refuse a member that stands twice.
  void check_list(xml_node list, std::size_t most) const {
    const xml_node first = list.first_child();
    if (!first.next_sibling()) return;
    MemberNames members;
    for (xml_node member = first; member; member = member.next_sibling()) {
      members.push_back(member.text().get());
    }
    std::sort(members.begin(), members.end());
    if (std::adjacent_find(members.begin(), members.end()) != members.end()) {
      fail(list, "a member that stands twice");
    }
    if (members.size() > most) fail(list, "too many members");
  }

  void check_text(xml_node entry, const Children& parts, std::string_view name,
                  std::size_t longest) const {
    if (std::string_view(parts.find(name).child_value()).size() > longest) {
      fail(entry, fmt::format("a {} of more than {} bytes", name, longest));
    }
  }

  [[noreturn]] void fail(xml_node node, std::string_view what) const {
    for (xml_node at = node; at; at = at.parent()) {
      if (!at.attribute("name")) continue;
      unreadable(file_, node, fmt::format("{} ({})", what, at.attribute("name").value()));
    }
    unreadable(file_, node, what);
  }

  std::string_view file_;
  using Names = std::unordered_set<std::string_view>;
  std::map<std::string_view, Names> names_;  ///< by what they must be unique in
};

}  // namespace

void check_limits(std::string_view file, const Configuration& configuration) {
  if (file.size() > longest_file_name) throw Unreadable(file, 0, "its own name is too long");
  Checker(file).check(configuration);
}

}  // namespace hcipol::backends::palo_alto
