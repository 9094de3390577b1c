// Four lists: what meets the group at all, the way out, whether the way in follows, the way in.
#include "backends/azure_nsg/read_back.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "backends/common/arm/naming.h"
#include "backends/common/arm/read_template.h"
#include "backends/common/read_text.h"
#include "support/text.h"

namespace hcipol::backends::azure_nsg {

namespace {

using Act = ReadRule::Act;
using Json = arm::ReadJson;

constexpr std::uint32_t way_out = 1;
constexpr std::uint32_t then_in = 2;
constexpr std::uint32_t way_in = 3;
constexpr std::size_t longest_text = 140;
constexpr std::size_t most_read_rules = 1'000;
constexpr std::size_t most_entries = 4'000;  ///< of sources, and of destinations

class GroupReader {
 public:
  GroupReader(const Artefact& file, const Artefact& values, const ReadContext& context,
              DeviceReading& out)
      : file_(file.path), context_(context), out_(out), values_(file.path) {
    const Json json = arm::parse_json(file.path, file.text);
    const Json given = arm::parse_json(values.path, values.text);
    frame(json, values.path, given);
    finish();
  }

 private:
  void frame(const Json& json, std::string_view values_file, const Json& given) {
    arm::Members top(file_, "the template", json);
    schema(top, "deploymentTemplate");
    top.skip_text("metadata");
    const Json& defaults = top.need("parameters");
    const Json& resources = top.need("resources");
    const Json& outputs = top.need("outputs");
    top.done();
    arm::Members other(values_file, "the parameters", given);
    schema(other, "deploymentParameters");
    values_.read(defaults, values_file, other.need("parameters"));
    other.done();
    for (const auto& [name, output] : outputs.items()) {
      arm::Members members(file_, name, output);
      members.skip_text("type");
      values_.value(members.need("value"));
      members.done();
    }
    if (!resources.is_array() || resources.size() != 1) top.fail("one resource is known here");
    resource(resources[0]);
  }

  static void schema(arm::Members& members, std::string_view kind) {
    const std::string known =
        fmt::format("https://schema.management.azure.com/schemas/2019-04-01/{}.json#", kind);
    if (members.need("$schema") != known) members.fail("another schema");
    if (members.need("contentVersion") != "1.0.0.0") members.fail("another version");
  }

  void resource(const Json& json) {
    arm::Members members(file_, "the group", json);
    if (members.need("type") != "Microsoft.Network/networkSecurityGroups") {
      members.fail("a type of resource that is not known here");
    }
    members.skip_text("apiVersion");
    members.skip_text("comments");
    if (!arm::is_azure_name(values_.text(members.need("name")))) members.fail("its name");
    values_.text(members.need("location"));
    arm::Members properties(file_, "the group", members.need("properties"));
    const Json& rules = properties.need("securityRules");
    properties.done();
    members.done();
    if (!rules.is_array() || rules.size() > most_read_rules) members.fail("its rules");
    for (const Json& each : rules) {
      arm::Members one(file_, "a rule", each);
      const std::string name = values_.text(one.need("name"));
      if (!arm::is_azure_name(name) || !names_.insert(to_lower(name)).second) {
        one.fail("its name");
      }
      arm::Members what(file_, name, one.need("properties"));
      rule(what);
      what.done();
      one.done();
    }
  }

  void rule(arm::Members& members) {
    if (const Json* text = members.find("description")) {
      if (values_.text(*text).size() > longest_text) members.fail("a long description");
    }
    const Json& priority = members.need("priority");
    if (!priority.is_number_unsigned() || priority < 100u || priority > 4096u) {
      members.fail("a priority");
    }
    const Json& direction = members.need("direction");
    if (direction != "Inbound" && direction != "Outbound") members.fail("a direction");
    const bool out = direction == "Outbound";
    const Json& access = members.need("access");
    if (access != "Allow" && access != "Deny") members.fail("an access");
    const bool allow = access == "Allow";
    if (members.need("sourcePortRange") != "*") members.fail("ports of the source");
    ReadRule rule;
    const Side from = side(members, "sourceAddressPrefix", sources_);
    const Side to = side(members, "destinationAddressPrefix", destinations_);
    if (from.family && to.family && *from.family != *to.family) {
      members.fail("its ends are of two address families");
    }
    rule.from = from.set;
    rule.to = to.set;
    rule.service = service(members);
    rule.act = allow ? Act::allow : Act::deny;
    if (out && allow) {
      rule.act = Act::go;
      rule.list = then_in;
    }
    const auto number = priority.get<unsigned>();
    if (!rules_[out ? way_out : way_in].emplace(number, rule).second) {
      members.fail("a priority twice");
    }
  }

  /// Of a service tag and of everything, no family is said.
  struct Side {
    const net::PeerSet* set = nullptr;
    std::optional<net::Family> family;
  };

  /// `<key>` or `<key>es`, one of them; `entries` counts those of all rules.
  Side side(arm::Members& members, const std::string& key, std::size_t& entries) {
    const Json* single = members.find(key.c_str());
    const Json* several = members.find((key + "es").c_str());
    if ((single == nullptr) == (several == nullptr)) members.fail(key);
    entries += single != nullptr ? 1 : several->size();
    if (entries > most_entries) members.fail("more prefixes than a group takes");
    if (single != nullptr) {
      const std::string text = values_.text(*single);
      if (text == "*") return {out_.keep(net::PeerSet{net::AddressSet::all(), {}}), {}};
      if (is_tag_name(text)) return {out_.keep(context_.tag(text)), {}};
      const net::Cidr one = prefix(members, text);
      return {out_.keep(net::PeerSet{net::AddressSet(one), {}}), one.network.family};
    }
    std::vector<net::AddressRange> ranges;
    for (const std::string& text : values_.texts(*several)) {
      const net::Cidr cidr = prefix(members, text);
      ranges.push_back({cidr.network, net::last_of(cidr.network, cidr.length)});
    }
    const auto v4 = std::count_if(ranges.begin(), ranges.end(), [](const auto& range) {
      return range.first.family == net::Family::ipv4;
    });
    if (v4 != 0 && v4 != static_cast<std::ptrdiff_t>(ranges.size())) {
      members.fail("two address families in one rule");
    }
    return {out_.keep(net::PeerSet{net::AddressSet::of(std::move(ranges)), {}}),
            v4 != 0 ? net::Family::ipv4 : net::Family::ipv6};
  }

  static bool is_tag_name(const std::string& text) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    if (text.find(':') != std::string::npos) return false;  // "fd00::1"
    return !text.empty() && letter(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) {
             return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
           });
  }

  static net::Cidr prefix(const arm::Members& members, const std::string& text) {
    const auto cidr = net::parse_cidr(text);
    if (!cidr || net::first_of(cidr->network, cidr->length) != cidr->network) {
      members.fail("no prefix: " + text);
    }
    return *cidr;
  }

  const net::ServiceSet* service(arm::Members& members) {
    const Json* single = members.find("destinationPortRange");
    const Json* several = members.find("destinationPortRanges");
    if ((single == nullptr) == (several == nullptr)) members.fail("destination ports");
    std::vector<std::string> texts;
    if (single != nullptr) {
      texts.push_back(values_.text(*single));
    } else {
      texts = values_.texts(*several);
    }
    const std::string protocol = values_.text(members.need("protocol"));
    const bool every_port = texts.size() == 1 && texts.front() == "*";
    if (protocol == "Tcp" || protocol == "Udp") {
      const std::uint8_t number = protocol == "Tcp" ? 6 : 17;
      net::ServiceSet set;
      if (every_port) set = net::ServiceSet::whole(number);
      for (const std::string& text : texts) {
        if (!every_port) set = set | ports(members, number, text);
      }
      return out_.keep(std::move(set));
    }
    if (!every_port) members.fail("ports of a protocol that has none");
    if (protocol == "*") return out_.keep(net::ServiceSet::any());
    static const std::map<std::string, std::uint8_t> whole{{"Icmp", 1}, {"Esp", 50}, {"Ah", 51}};
    const auto known = whole.find(protocol);
    if (known == whole.end()) members.fail("a protocol that is not known here");
    return out_.keep(net::ServiceSet::whole(known->second));
  }

  static net::ServiceSet ports(const arm::Members& members, std::uint8_t protocol,
                               std::string_view text) {
    const auto dash = text.find('-');
    const auto first = number_of(text.substr(0, dash), 65'535);
    const auto last =
        dash == std::string_view::npos ? first : number_of(text.substr(dash + 1), 65'535);
    if (!first || !last || *first > *last) members.fail("no port: " + std::string(text));
    return net::ServiceSet::ports(protocol, static_cast<std::uint16_t>(*first),
                                  static_cast<std::uint16_t>(*last));
  }

  void finish() {
    Reading reading;
    reading.file = std::string(file_);
    reading.families = {net::Family::ipv4, net::Family::ipv6};
    net::PeerSet servers;
    if (const policy::NamedSet* set = context_.device().cluster->servers) {
      servers.addresses = set->set.addresses;
    }
    const net::PeerSet* behind = out_.keep(std::move(servers));
    reading.lists.resize(4);
    reading.lists[0] = {{behind, nullptr, nullptr, Act::go, way_out},
                        {nullptr, behind, nullptr, Act::go, way_in}};
    reading.lists[then_in] = {{nullptr, behind, nullptr, Act::go, way_in},
                              {nullptr, nullptr, nullptr, Act::allow, 0}};
    for (const std::uint32_t list : {way_out, way_in}) {
      for (const auto& [priority, rule] : rules_[list]) reading.lists[list].push_back(rule);
    }
    out_.readings.push_back(std::move(reading));
  }

  std::string_view file_;
  const ReadContext& context_;
  DeviceReading& out_;
  arm::Values values_;
  std::size_t sources_ = 0;
  std::size_t destinations_ = 0;
  std::set<std::string> names_;                                  ///< of rules, in lower case
  std::map<std::uint32_t, std::map<unsigned, ReadRule>> rules_;  ///< by list, then priority
};

}  // namespace

DeviceReading read_back(std::span<const Artefact> artefacts, const ReadContext& context) {
  const auto find = [&](std::string_view end) -> const Artefact& {
    for (const Artefact& artefact : artefacts) {
      if (artefact.path.ends_with(end)) return artefact;
    }
    throw Unreadable(end, 0, "the file is missing");
  };
  if (artefacts.size() != 2) throw Unreadable("azure-nsg", 0, "not two files");
  DeviceReading out;
  GroupReader(find(".azuredeploy.json"), find(".azuredeploy.parameters.json"), context, out);
  return out;
}

}  // namespace hcipol::backends::azure_nsg
