// A rule becomes one rule for each pair of zones only where its type asks whether they are the
// same.
#include "backends/palo_alto/read_back.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "backends/common/options.h"
#include "backends/palo_alto/read_commands.h"
#include "backends/palo_alto/read_frame.h"
#include "backends/palo_alto/read_limits.h"
#include "backends/palo_alto/read_objects.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

using ReadAct = ReadRule::Act;

constexpr std::size_t longest_rule_name = 63;

/// A rule that a schedule ends.
struct DatedRule {
  ReadRule rule;
  std::optional<Date> until;  ///< the last day; nothing for ever
};

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
  ConfigReader(std::string_view file, const Configuration& configuration,
               const ReadContext& context, net::Family family, ReadAct wide, DeviceReading& out)
      : file_(file),
        wide_(wide),
        out_(out),
        objects_(file_, context, family),
        zones_(context, out) {
    read(configuration);
  }
  bool by_family() const { return objects_.by_family(); }
  bool zones_unknown() const { return zones_.known() && zones_.unnamed() != nullptr; }
  std::set<Date> last_days() const {
    std::set<Date> out;
    for (const DatedRule& rule : rules_) {
      if (rule.until) out.insert(*rule.until);
    }
    return out;
  }
  /// The rules that match something on a day; all of them without one.
  RuleList rules(std::optional<Date> day) const {
    return rules_if(
        [&](const DatedRule& rule) { return !day || !rule.until || *day <= *rule.until; });
  }
  RuleList rules_ending(Date day) const {
    return rules_if([&](const DatedRule& rule) { return rule.until == day; });
  }

 private:
  template <class Test>
  RuleList rules_if(Test test) const {
    RuleList out;
    out.reserve(rules_.size());
    for (const DatedRule& each : rules_) {
      if (test(each)) out.push_back(each.rule);
    }
    return out;
  }

  enum class Type { universal, intrazone, interzone };

  void read(const Configuration& configuration) {
    const pugi::xml_node objects = configuration.objects();
    const pugi::xml_node rules = configuration.rules();
    Elements base(file_, objects);
    objects_.read(base);
    if (rules != objects) {
      base.done(objects.attribute("name") ? 1 : 0);
      base = Elements(file_, rules);
    }
    for (const char* rulebase : configuration.rulebases()) read_rulebase(base.find(rulebase));
    base.done(rules.attribute("name") ? 1 : 0);
  }

  void read_rulebase(pugi::xml_node node) {
    if (!node) return;
    Elements rulebase(file_, node);
    Elements security(file_, rulebase.need("security"));
    rulebase.done();
    const pugi::xml_node rules = security.need("rules");
    security.done();
    for_each_entry(file_, rules, [&](std::string_view name, pugi::xml_node rule) {
      if (name.size() > longest_rule_name || !names_.insert(to_lower(name)).second) {
        unreadable(file_, rule, "its name");
      }
      read_rule(rule);
    });
  }

  void read_rule(pugi::xml_node node) {
    Elements rule(file_, node);
    const MemberNames from = needed(rule, "from");
    const MemberNames to = needed(rule, "to");
    const net::PeerSet* source = peers(needed(rule, "source"));
    const net::PeerSet* destination = peers(needed(rule, "destination"));
    if (!is_any(needed(rule, "source-user"))) rule.fail("users");
    const MemberNames service_names = needed(rule, "service");
    const MemberNames applications = needed(rule, "application");
    const MemberNames category = needed(rule, "category");
    until_.reset();
    if (const std::string_view schedule = rule.text("schedule"); !schedule.empty()) {
      until_ = objects_.last_day(schedule);
      // So what ends decides on its own, and what is behind it is the same on every day.
      const bool behind = !rules_.empty() && !rules_.back().until;
      if (behind) rule.fail("it ends, and stands behind a rule that does not");
    }
    for (const std::string_view tag : rule.members("tag")) objects_.check_tag(tag);
    rule.text("description");
    objects_.check_tag(rule.text("group-tag"));
    const std::string_view action = rule.text("action");
    if (action != "allow" && action != "deny") rule.fail("its action");
    if (action == "deny" && until_) rule.fail("a deny that ends");
    const net::ServiceSet* service = services(service_names, applications, action == "allow");
    const Type type = type_of(rule);
    for (const std::string_view log : {"log-setting", "log-start", "log-end"}) rule.text(log);
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

  static MemberNames needed(Elements& rule, std::string_view name) {
    MemberNames out = rule.members(name);
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

  void add(const Elements& rule, const ReadRule& base, Type type, const MemberNames& from,
           const MemberNames& to) {
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

  static bool has(const MemberNames& names, std::string_view zone) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
      return name == zone || (name == "any" && zone != "any");
    });
  }

  /// What is in the zones; null for everything.
  const net::PeerSet* place(const Elements& rule, ReadAct act, const MemberNames& zones) {
    if (zones.front() == "any") return nullptr;
    start_key(act == ReadAct::allow);
    add_to_key(zones);
    const auto [known, fresh] = places_.try_emplace(key_, nullptr);
    if (!fresh) return known->second;
    net::PeerSet out;
    for (const std::string_view name : zones) {
      const net::PeerSet* zone = zones_.find(name);
      if (zone == nullptr) rule.fail(fmt::format("there is no zone `{}`", name));
      out = out | *reach(act, zone);
    }
    return known->second = out_.keep(std::move(out));
  }

  /// A key says of which members a set was made; the buffer serves all of them.
  void start_key(bool flag) { key_.assign(1, flag ? '1' : '0'); }
  void add_to_key(const MemberNames& members) {
    for (const std::string_view member : members) (key_ += member) += '\n';
  }

  void add(const ReadRule& base, const net::PeerSet* from, const net::PeerSet* to) {
    ReadRule rule = base;
    rule.from = both(base.from, from);
    rule.to = both(base.to, to);
    rules_.push_back({rule, until_});
  }

  const net::PeerSet* both(const net::PeerSet* a, const net::PeerSet* b) {
    if (a == nullptr || b == nullptr) return a == nullptr ? b : a;
    const auto [known, fresh] = both_.try_emplace({a, b}, nullptr);
    if (fresh) known->second = out_.keep(*a & *b);
    return known->second;
  }

  const net::PeerSet* peers(const MemberNames& members) {
    key_.clear();
    add_to_key(members);
    const auto [known, fresh] = peers_.try_emplace(key_, nullptr);
    if (!fresh) return known->second;
    if (auto set = objects_.peers(members)) known->second = out_.keep(*std::move(set));
    return known->second;
  }

  const net::ServiceSet* services(const MemberNames& services, const MemberNames& applications,
                                  bool allow) {
    start_key(allow);
    add_to_key(services);
    key_ += '\t';
    add_to_key(applications);
    const auto [known, fresh] = services_.try_emplace(key_, nullptr);
    if (!fresh) return known->second;
    if (auto set = objects_.services(services, applications, allow)) {
      known->second = out_.keep(*std::move(set));
    }
    return known->second;
  }

  std::string_view file_;
  ReadAct wide_;
  DeviceReading& out_;
  ObjectReader objects_;
  Zones zones_;
  std::vector<DatedRule> rules_;
  std::optional<Date> until_;  ///< of the rule that is being read
  std::unordered_set<std::string> names_;
  std::string key_;
  std::unordered_map<std::string, const net::PeerSet*> places_;
  std::unordered_map<const net::PeerSet*, const net::PeerSet*> reach_;
  std::unordered_map<std::string, const net::PeerSet*> peers_;
  std::unordered_map<std::string, const net::ServiceSet*> services_;
  std::map<std::pair<const net::PeerSet*, const net::PeerSet*>, const net::PeerSet*> both_;
};

/// The days after which something changes: in the file, and in the policy.
std::set<Date> last_days(const ReadContext& context, std::set<Date> in_file) {
  for (const flow::Flow& flow : context.device().flows) {
    if (flow.rule != nullptr && flow.rule->expires) in_file.insert(*flow.rule->expires);
  }
  return in_file;
}

}  // namespace

DeviceReading read_back(std::span<const Artefact> artefacts, const ReadContext& context) {
  // The configuration, the commands that load it, and those that take it off again.
  if (artefacts.size() != 3) throw Unreadable("palo-alto", 0, "not three files");
  const Artefact& file = artefacts.front();
  const Configuration configuration(file, context);
  check_limits(file.path, configuration);
  check_commands(artefacts[1], artefacts[2], file, configuration, context);
  const bool dated = flag_option(context.options(), "schedules", true);
  DeviceReading out;
  bool by_family = false;
  bool zones_unknown = false;
  const auto add = [&](std::vector<net::Family> families, ReadAct wide) {
    ConfigReader reader(file.path, configuration, context, families.front(), wide, out);
    by_family = reader.by_family();
    zones_unknown = reader.zones_unknown();
    if (by_family) families.resize(1);
    const auto add_reading = [&](std::optional<Date> day, RuleList rules, bool only_ending) {
      Reading& reading = out.readings.emplace_back();
      reading.file = file.path;
      if (day) reading.file += (only_ending ? ", what ends on " : " on ") + to_string(*day);
      reading.day = day;
      reading.only_ending = only_ending;
      reading.families = families;
      reading.lists.push_back(std::move(rules));
    };
    const std::set<Date> ends = reader.last_days();
    if (!dated && !ends.empty()) throw Unreadable(file.path, 0, "rules that end");
    const std::set<Date> days = dated ? last_days(context, ends) : ends;
    if (days.empty()) return add_reading({}, reader.rules({}), false);
    // With all that ends, and with nothing of it; and each day's for itself, since allows that come
    // first are added to what is behind them.
    for (const Date day : {*days.begin(), *days.rbegin() + std::chrono::days(1)}) {
      add_reading(day, reader.rules(day), false);
    }
    if (days.size() == 1) return;
    for (const Date day : days) add_reading(day, reader.rules_ending(day), true);
  };
  for (const ReadAct wide : {ReadAct::allow, ReadAct::deny}) {
    if (wide == ReadAct::deny && !zones_unknown) break;
    add({net::Family::ipv4, net::Family::ipv6}, wide);
    if (by_family) add({net::Family::ipv6}, wide);
  }
  return out;
}

}  // namespace hcipol::backends::palo_alto
