// Compiles policies that use the library, and reads what their features open.
#include "library.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "diagnostics/render.h"
#include "policy/model.h"
#include "support/text.h"
#include "tests/support/repository.h"

namespace hcipol::test {

namespace {

/// What opens most of a feature, from a release on, in some clouds.
struct Parameters {
  std::string since;
  std::set<std::string, std::less<>> clouds;  ///< empty: all
  std::string text;
};
using ParametersOfFeatures = std::map<std::string, std::vector<Parameters>, std::less<>>;

/// everything_on.json: the features that have parameters whose default does not open most.
const ParametersOfFeatures& parameters_of_features() {
  static const ParametersOfFeatures all = [] {
    std::ifstream in(repository() / "tests/unit/stdlib/everything_on.json");
    const auto table = nlohmann::json::parse(in);
    ParametersOfFeatures out;
    for (const auto& [feature, rows] : table.items()) {
      EXPECT_TRUE(features_declared(releases().back()).contains(feature)) << feature;
      for (const auto& row : rows) {
        Parameters made;
        for (const auto& [key, value] : row.items()) {
          if (key == "since")
            made.since = value;
          else if (key == "with")
            made.text = value;
          else if (key == "clouds")
            made.clouds = value.get<std::set<std::string, std::less<>>>();
          else
            ADD_FAILURE() << "everything_on.json: unknown key `" << key << "`";
        }
        out[feature].push_back(std::move(made));
      }
    }
    return out;
  }();
  return all;
}

/// Of the rows that a context has for a feature the last one counts.
std::string parameters(const Context& context, std::string_view feature) {
  std::string text;
  const auto found = parameters_of_features().find(feature);
  if (found == parameters_of_features().end()) return text;
  for (const Parameters& row : found->second) {
    const bool here = row.clouds.empty() || row.clouds.contains(context.cloud);
    if (here && is_from(context.release, row.since)) text = row.text;
  }
  return text;
}

std::string enable_line(const Context& context, const std::string& feature,
                        std::string_view more = "") {
  std::string text = "  enable \"" + feature + "\" { " + parameters(context, feature);
  if (!more.empty()) text += " " + std::string(more);
  return text + " }\n";
}

/// Names of a kind that the library declares at the top of its files, with the release that does so
/// first.
std::map<std::string, std::string> declared(const std::string& kind) {
  const std::regex pattern("(^|\\n)" + kind + " \"([^\"]+)\"");
  std::map<std::string, std::string> names;
  for (const std::string& release : releases()) {
    for (const auto& [path, text] : files_below("stdlib/hci/" + release, {".hcipol"})) {
      if (path.ends_with(".test.hcipol")) continue;
      for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) {
        names.try_emplace((*at)[2], release);
      }
    }
  }
  return names;
}

struct BoundRole {
  std::string since;  ///< the release that declares it
  std::string address;
};
const std::map<std::string, BoundRole, std::less<>>& bound_roles() {
  static const auto all = [] {
    std::map<std::string, BoundRole, std::less<>> out;
    for (const auto& [name, release] : declared("role")) {
      out[name] = {release, "10.5.0." + std::to_string(out.size() + 1)};
    }
    return out;
  }();
  return all;
}

net::PeerSet addresses(std::initializer_list<std::string_view> texts) {
  net::PeerSet set;
  for (const std::string_view text : texts) {
    set.addresses = set.addresses | net::AddressSet(net::parse_address(text).value());
  }
  return set;
}

const std::map<std::string, net::PeerSet, std::less<>>& roles() {
  static const auto all = [] {
    std::map<std::string, net::PeerSet, std::less<>> sets;
    sets["servers"] = addresses({"10.1.0.11", "10.2.0.11"});
    sets["internet"] = {net::internet_addresses(), net::DomainSet::all()};
    for (const auto& [name, bound] : bound_roles()) sets[name] = addresses({bound.address});
    return sets;
  }();
  return all;
}

std::string to_text(const net::PeerSet& peers) {
  for (const auto& [name, set] : roles()) {
    if (set == peers) return name;
  }
  if (peers.names.empty()) return to_string(peers.addresses);
  if (peers.addresses.empty()) return to_string(peers.names);
  return to_string(peers.addresses) + ", " + to_string(peers.names);
}

}  // namespace

std::string to_string(const Context& context) {
  return context.release + "/" + context.cloud + "/" + context.region +
         (context.gateway ? "/gateway" : "");
}

std::string_view some_region(std::string_view cloud) {
  return cloud == "public" ? "westeurope" : cloud == "usgov" ? "usgovvirginia" : "chinaeast2";
}

const std::vector<std::string>& releases() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> names = folders_in("stdlib/hci");
    std::sort(names.begin(), names.end());
    return names;
  }();
  return all;
}

bool is_from(std::string_view release, std::string_view since) {
  return release >= since;
}

Compiled compile(const std::string& text) {
  MemoryFileSystem files;
  driver::Environment environment;
  environment.files = &files;
  environment.read_stdin = [&] { return text; };
  environment.today = *parse_date("2022-06-01");
  driver::Options options;
  options.path = "-";
  auto compilation = std::make_unique<driver::Compilation>();
  if (driver::compile(options, {}, environment, *compilation)) return {std::move(compilation), ""};
  return {nullptr, render_short(compilation->reporter.sorted(), compilation->sources)};
}

std::string policy_text(const Context& context, const std::string& enables) {
  std::ostringstream text;
  text << "use \"std/hci/" << context.release << "\"\n\n"
       << "cluster \"lab\" {\n  cloud  = \"" << context.cloud << "\"\n";
  if (!context.region.empty()) text << "  region = \"" << context.region << "\"\n";
  text << "  site \"east\" { node \"e1\" { address = 10.1.0.11 } }\n"
       << "  site \"west\" { node \"w1\" { address = 10.2.0.11 } }\n";
  for (const auto& [name, bound] : bound_roles()) {
    if (!is_from(context.release, bound.since)) continue;
    text << "  role \"" << name << "\" { members = " << bound.address << " }\n";
  }
  text << enables << "}\n";
  return text.str();
}

const std::set<std::string>& features_of(const Context& context) {
  static std::map<std::pair<std::string, std::string>, std::set<std::string>> known;
  const auto [at, is_new] = known.try_emplace({context.release, context.cloud});
  if (!is_new) return at->second;
  for (const std::string& feature : features_declared(context.release)) {
    const std::string errors = compile(policy_text(context, enable_line(context, feature))).errors;
    const bool gone =
        errors.find("there is no feature called `" + feature + "`") != std::string::npos;
    if (!gone && errors.find("E0403") == std::string::npos) at->second.insert(feature);
  }
  return at->second;
}

std::string everything_on(const Context& context,
                          const std::map<std::string_view, std::string_view>& more) {
  std::string text;
  for (const std::string& feature : features_of(context)) {
    if (feature == "arc-gateway" && !context.gateway) continue;
    const auto added = more.find(feature);
    text += enable_line(context, feature, added == more.end() ? "" : added->second);
  }
  return text;
}

const net::PeerSet& role(std::string_view name) {
  const auto found = roles().find(name);
  if (found != roles().end()) return found->second;
  ADD_FAILURE() << "no role `" << name << "` is bound in these tests";
  static const net::PeerSet none;
  return none;
}

net::PeerSet host(std::string_view pattern) {
  const auto parsed = net::parse_pattern(pattern);
  if (parsed) return {{}, net::DomainSet(*parsed)};
  ADD_FAILURE() << "the language cannot say `" << pattern << "`";
  return {};
}

net::PeerSet peer(std::string_view text) {
  return roles().contains(text) ? role(text) : host(text);
}

std::vector<std::string> roles_of(std::string_view release) {
  std::vector<std::string> out;
  for (const auto& [name, bound] : bound_roles()) {
    if (is_from(release, bound.since)) out.push_back(name);
  }
  return out;
}

std::string address_of(std::string_view role) {
  return bound_roles().at(std::string(role)).address;
}

std::set<std::string> features_declared(std::string_view release) {
  static const std::map<std::string, std::string> all = declared("feature");
  std::set<std::string> names;
  for (const auto& [name, since] : all) {
    if (is_from(release, since)) names.insert(name);
  }
  return names;
}

std::vector<OpenedFlow> opened(const policy::Policy& policy) {
  std::vector<OpenedFlow> flows;
  for (const policy::Cluster& cluster : policy.clusters) {
    for (const policy::Rule& rule : cluster.rules) {
      EXPECT_EQ(rule.kind, policy::Rule::Kind::allow) << rule.address;
      const net::PeerSet from = rule.from.set();
      const net::PeerSet to = rule.to.set();
      flows.push_back({rule.origin.feature, rule.address, {from, to, rule.service}});
      if (rule.both_ways) {
        flows.push_back({rule.origin.feature, rule.address, {to, from, rule.service}});
      }
    }
  }
  return flows;
}

net::ServiceSet service_of(const std::string& text) {
  net::ServiceSet set;
  for (std::string_view part : split(text, ',')) {
    part = trim(part);
    const auto slash = part.find('/');
    const auto protocol = net::protocol_number(part.substr(0, slash));
    EXPECT_TRUE(protocol && slash != part.npos) << text;
    if (!protocol || slash == part.npos) continue;
    const std::string numbers(part.substr(slash + 1));
    const auto dash = numbers.find('-');
    const int first = std::stoi(numbers);
    const int last = dash == numbers.npos ? first : std::stoi(numbers.substr(dash + 1));
    const bool icmp = *protocol == net::protocol::icmp || *protocol == net::protocol::icmpv6;
    set = set | (icmp ? net::ServiceSet::icmp_type(*protocol, static_cast<std::uint8_t>(first))
                      : net::ServiceSet::ports(*protocol, static_cast<std::uint16_t>(first),
                                               static_cast<std::uint16_t>(last)));
  }
  return set;
}

std::string to_text(const net::PacketSet& packets) {
  std::string text;
  for (const net::Box& box : packets.boxes(20)) {
    text += "\n  " + to_text(box.from) + " -> " + to_text(box.to) + " on " + to_string(box.service);
  }
  return text;
}

}  // namespace hcipol::test
