// A rule becomes one rule for each pair of zones only where its type asks whether they are the
// same.
#include "backends/palo_alto/read_back.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "backends/common/options.h"
#include "backends/palo_alto/read_objects.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

using ReadAct = ReadRule::Act;
using Names = std::vector<std::string_view>;

constexpr std::size_t longest_rule_name = 63;

/// The zones of the target and what is in each.
class Zones {
 public:
  Zones(const ReadContext& context, DeviceReading& out) {
    std::map<std::string, net::PeerSet, std::less<>> zones;
    net::AddressSet listed;
    for (const auto& [name, peers] : peers_option(context.options(), "zones")) {
      for (const policy::NamedSet* part : peers.parts) {
        zones[name].addresses = zones[name].addresses | part->set.addresses;
      }
      listed = listed | zones[name].addresses;
    }
    known_ = !zones.empty();
    const net::PeerSet rest{net::AddressSet::all() - listed, net::DomainSet::all()};
    const std::string outside = text_option(context.options(), "outside_zone");
    if (!outside.empty() && outside != "any") {
      // A zone may be listed and be the outside one as well.
      zones[outside] = zones[outside] | rest;
    } else if (!rest.addresses.empty()) {
      unnamed_ = out.keep(rest);
    }
    for (auto& [name, set] : zones) zones_[name] = out.keep(std::move(set));
  }

  bool known() const { return known_; }
  /// What is in no zone that the target names; such packets may share a zone or not. Or null.
  const net::PeerSet* unnamed() const { return unnamed_; }
  const std::map<std::string, const net::PeerSet*, std::less<>>& all() const { return zones_; }
  const net::PeerSet* find(std::string_view name) const {
    const auto found = zones_.find(name);
    return found == zones_.end() ? nullptr : found->second;
  }

 private:
  std::map<std::string, const net::PeerSet*, std::less<>> zones_;
  const net::PeerSet* unnamed_ = nullptr;
  bool known_ = false;
};

class ConfigReader {
 public:
  /// `wide`: of which verdict the rules are that take in what may be in their zones.
  ConfigReader(const Artefact& artefact, const ReadContext& context, net::Family family,
               ReadAct wide, DeviceReading& out)
      : file_(artefact.path),
        wide_(wide),
        out_(out),
        objects_(file_, context, family),
        zones_(context, out) {
    const auto result = xml_.load_buffer(artefact.text.data(), artefact.text.size(), parse_flags);
    if (!result) throw Unreadable(file_, 0, result.description());
    read_frame();
  }
  bool by_family() const { return objects_.by_family(); }
  bool zones_unknown() const { return zones_.known() && zones_.unnamed() != nullptr; }
  RuleList take() { return std::move(rules_); }

 private:
  // Nothing that could matter is left out of the tree.
  static constexpr unsigned parse_flags = pugi::parse_default | pugi::parse_comments |
                                          pugi::parse_pi | pugi::parse_doctype |
                                          pugi::parse_declaration;

  enum class Type { universal, intrazone, interzone };

  void read_frame() {
    const pugi::xml_node declaration = xml_.first_child();
    const pugi::xml_node config = declaration.next_sibling();
    if (declaration.type() != pugi::node_declaration ||
        std::string_view(config.name()) != "config" || config.next_sibling()) {
      throw Unreadable(file_, 0, "no configuration");
    }
    Elements top(file_, config);
    if (std::string_view(config.attribute("urldb").value()) != "paloaltonetworks" ||
        !config.attribute("version")) {
      top.fail("its attributes");
    }
    Elements(file_, top.need("shared")).done();
    Elements devices(file_, top.need("devices"));
    top.done(2);
    const pugi::xml_node host = devices.need("entry");
    devices.done();
    Elements device(file_, host);
    if (std::string_view(host.attribute("name").value()) != "localhost.localdomain") {
      device.fail("another device");
    }
    const pugi::xml_node group = device.find("device-group");
    const pugi::xml_node vsys = device.find("vsys");
    if (!group == !vsys) device.fail("neither a virtual system nor a device group");
    device.done(1);
    Elements section(file_, group ? group : vsys);
    const pugi::xml_node entry = section.need("entry");
    section.done();
    read_base(entry, !group.empty());
  }

  void read_base(pugi::xml_node entry, bool panorama) {
    Elements base(file_, entry);
    if (!entry.attribute("name")) base.fail("it has no name");
    objects_.read(base);
    if (panorama) {
      read_rulebase(base.need("pre-rulebase"));
      read_rulebase(base.need("post-rulebase"));
    } else {
      read_rulebase(base.need("rulebase"));
    }
    base.done(1);
  }

  void read_rulebase(pugi::xml_node node) {
    Elements rulebase(file_, node);
    Elements security(file_, rulebase.need("security"));
    rulebase.done();
    const pugi::xml_node rules = security.need("rules");
    security.done();
    if (!rules.first_child()) return;
    for_each_entry(file_, rules, [&](std::string_view name, pugi::xml_node rule) {
      if (name.size() > longest_rule_name || !names_.insert(to_lower(name)).second) {
        unreadable(file_, rule, "its name");
      }
      read_rule(rule);
    });
  }

  void read_rule(pugi::xml_node node) {
    Elements rule(file_, node);
    const Names from = needed(rule, "from");
    const Names to = needed(rule, "to");
    const net::PeerSet* source = peers(needed(rule, "source"));
    const net::PeerSet* destination = peers(needed(rule, "destination"));
    if (needed(rule, "source-user") != Names{"any"}) rule.fail("users");
    const net::ServiceSet* service = services(needed(rule, "service"), needed(rule, "application"));
    const Names category = needed(rule, "category");
    for (const std::string_view tag : rule.members("tag")) objects_.check_tag(tag);
    rule.text("description");
    objects_.check_tag(rule.text("group-tag"));
    const std::string_view action = rule.text("action");
    if (action != "allow" && action != "deny") rule.fail("its action");
    const Type type = type_of(rule);
    for (const char* log : {"log-setting", "log-start", "log-end"}) rule.text(log);
    if (const pugi::xml_node profile = rule.find("profile-setting")) {
      Elements setting(file_, profile);
      if (needed(setting, "group").size() != 1 || action != "allow") rule.fail("its profiles");
      setting.done();
    }
    rule.done(1);
    if (const auto names = objects_.categories(category)) {
      // With addresses or other services beside it, a category would mean something else.
      if (destination != nullptr || service == nullptr || !net::web_services().contains(*service)) {
        rule.fail("its URL category");
      }
      destination = out_.keep(net::PeerSet{{}, *names});
    }
    const ReadRule base{source, destination, service,
                        action == "allow" ? ReadAct::allow : ReadAct::deny};
    add(rule, base, type, from, to);
  }

  static Names needed(Elements& rule, const char* name) {
    Names out = rule.members(name);
    if (out.empty()) rule.fail(fmt::format("`{}` is missing", name));
    if (out.size() > 1 && std::find(out.begin(), out.end(), "any") != out.end()) {
      rule.fail(fmt::format("`{}`: any beside others", name));
    }
    return out;
  }

  static Type type_of(Elements& rule) {
    const std::string_view type = rule.text("rule-type");
    if (type == "universal") return Type::universal;
    if (type == "intrazone") return Type::intrazone;
    if (type == "interzone") return Type::interzone;
    rule.fail("its type");
  }

  void add(const Elements& rule, const ReadRule& base, Type type, const Names& from,
           const Names& to) {
    if (type == Type::universal) {
      add(base, place(rule, base.act, from), place(rule, base.act, to));
      return;
    }
    if (!zones_.known()) rule.fail("its type asks for zones, and none are known");
    const bool same = type == Type::intrazone;
    for (const auto& [one, one_set] : zones_.all()) {
      for (const auto& [other, other_set] : zones_.all()) {
        if ((one == other) != same || !has(from, one) || !has(to, other)) continue;
        add(base, reach(base.act, one_set), reach(base.act, other_set));
      }
      // What is in no zone of the target is at any rate not in one of them.
      if (same || zones_.unnamed() == nullptr) continue;
      if (has(from, one) && has(to, "any")) add(base, one_set, zones_.unnamed());
      if (has(from, "any") && has(to, one)) add(base, zones_.unnamed(), one_set);
    }
    const bool any = has(from, "any") && has(to, "any");
    if (any && zones_.unnamed() != nullptr) rule.fail("its type asks for unknown zones");
    place(rule, base.act, from);
    place(rule, base.act, to);
  }

  /// What a rule that names a zone matches of it. Addresses of no zone may be in any, as far as is
  /// known: rules of one verdict take them in, those of the other cannot be relied on for them.
  const net::PeerSet* reach(ReadAct act, const net::PeerSet* zone) {
    if (act != wide_ || zones_.unnamed() == nullptr) return zone;
    const auto [known, fresh] = reach_.try_emplace(zone, nullptr);
    if (fresh) known->second = out_.keep(*zone | *zones_.unnamed());
    return known->second;
  }

  static bool has(const Names& names, std::string_view zone) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
      return name == zone || (name == "any" && zone != "any");
    });
  }

  /// What is in the zones; null for everything.
  const net::PeerSet* place(const Elements& rule, ReadAct act, const Names& zones) {
    if (zones.front() == "any") return nullptr;
    const auto [known, fresh] = places_.try_emplace(
        fmt::format("{} {}", act == ReadAct::allow, fmt::join(zones, "\n")), nullptr);
    if (!fresh) return known->second;
    net::PeerSet out;
    for (const std::string_view name : zones) {
      const net::PeerSet* zone = zones_.find(name);
      if (zone == nullptr) rule.fail(fmt::format("there is no zone `{}`", name));
      out = out | *reach(act, zone);
    }
    return known->second = out_.keep(std::move(out));
  }

  void add(const ReadRule& base, const net::PeerSet* from, const net::PeerSet* to) {
    ReadRule rule = base;
    rule.from = both(base.from, from);
    rule.to = both(base.to, to);
    rules_.push_back(rule);
  }

  const net::PeerSet* both(const net::PeerSet* a, const net::PeerSet* b) {
    if (a == nullptr || b == nullptr) return a == nullptr ? b : a;
    const auto [known, fresh] = both_.try_emplace({a, b}, nullptr);
    if (fresh) known->second = out_.keep(*a & *b);
    return known->second;
  }

  const net::PeerSet* peers(const Names& members) {
    const auto [known, fresh] =
        peers_.try_emplace(fmt::format("{}", fmt::join(members, "\n")), nullptr);
    if (!fresh) return known->second;
    if (auto set = objects_.peers(members)) known->second = out_.keep(*std::move(set));
    return known->second;
  }

  const net::ServiceSet* services(const Names& services, const Names& applications) {
    const auto [known, fresh] = services_.try_emplace(
        fmt::format("{}\t{}", fmt::join(services, "\n"), fmt::join(applications, "\n")), nullptr);
    if (!fresh) return known->second;
    if (auto set = objects_.services(services, applications)) {
      known->second = out_.keep(*std::move(set));
    }
    return known->second;
  }

  std::string_view file_;
  ReadAct wide_;
  DeviceReading& out_;
  pugi::xml_document xml_;
  ObjectReader objects_;
  Zones zones_;
  RuleList rules_;
  std::set<std::string> names_;
  std::unordered_map<std::string, const net::PeerSet*> places_;
  std::unordered_map<const net::PeerSet*, const net::PeerSet*> reach_;
  std::unordered_map<std::string, const net::PeerSet*> peers_;
  std::unordered_map<std::string, const net::ServiceSet*> services_;
  std::map<std::pair<const net::PeerSet*, const net::PeerSet*>, const net::PeerSet*> both_;
};

}  // namespace

DeviceReading read_back(std::span<const Artefact> artefacts, const ReadContext& context) {
  if (artefacts.size() != 1) throw Unreadable("palo-alto", 0, "not one file");
  const Artefact& file = artefacts.front();
  DeviceReading out;
  bool by_family = false;
  bool zones_unknown = false;
  const auto add = [&](std::vector<net::Family> families, ReadAct wide) {
    ConfigReader reader(file, context, families.front(), wide, out);
    by_family = reader.by_family();
    zones_unknown = reader.zones_unknown();
    if (by_family) families.resize(1);
    Reading& reading = out.readings.emplace_back();
    reading.file = file.path;
    reading.families = std::move(families);
    reading.lists.push_back(reader.take());
  };
  for (const ReadAct wide : {ReadAct::allow, ReadAct::deny}) {
    if (wide == ReadAct::deny && !zones_unknown) break;
    add({net::Family::ipv4, net::Family::ipv6}, wide);
    if (by_family) add({net::Family::ipv6}, wide);
  }
  return out;
}

}  // namespace hcipol::backends::palo_alto
