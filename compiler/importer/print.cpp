// The text of the feature; the formatter gives it its layout.
#include "importer/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "support/text.h"

namespace hcipol::importer {

namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hole = text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{';
    if (text[i] == '"' || text[i] == '\\' || hole) out += '\\';
    out += text[i];
  }
  return out + "\"";
}

/// Lines of a comment, as wide as the formatter lets code be.
std::string commented(std::string_view text, std::string_view first, std::string_view next) {
  constexpr std::size_t width = 90;
  std::string out, line(first);
  bool empty = true;
  for (const std::string_view word : split(text, ' ')) {
    if (!empty && code_points(line) + 1 + code_points(word) > width) {
      out += line + "\n";
      line = next;
      empty = true;
    }
    line += (empty ? "" : " ") + std::string(word);
    empty = false;
  }
  return out + line + "\n";
}

/// "https", "ntp", "tcp-8084", "tcp-80-8084-udp-123": what tells the endpoints of a group apart.
std::string suffix(const net::ServiceSet& service) {
  static const std::map<std::string, std::string> names{
      {"tcp/443", "https"}, {"tcp/80", "http"}, {"tcp/80, tcp/443", "web"}, {"udp/123", "ntp"}};
  const std::string text = to_string(service);
  const auto known = names.find(text);
  return known != names.end() ? known->second : slug(text, 24, "other");
}

std::string condition(const std::set<std::string>& clouds) {
  std::vector<std::string> names;
  for (const std::string& cloud : clouds) names.push_back(quoted(cloud));
  if (names.empty()) return "";
  if (names.size() == 1) return fmt::format(" {{\nwhen = cluster.cloud == {}\n}}", names[0]);
  return fmt::format(" {{\nwhen = cluster.cloud in [{}]\n}}", fmt::join(names, ", "));
}

/// Endpoints that one rule can open.
struct Group {
  std::string name;
  std::vector<const Endpoint*> endpoints;
};

std::vector<Group> groups_of(const std::vector<Endpoint>& endpoints) {
  std::map<std::tuple<std::string, std::set<std::string>, net::ServiceSet>, std::size_t> places;
  std::vector<Group> out;
  std::set<std::string> names;
  for (const Endpoint& endpoint : endpoints) {
    const auto [place, added] =
        places.try_emplace({endpoint.group, endpoint.clouds, endpoint.service}, out.size());
    if (added) {
      std::string name = slug(endpoint.group, 24, "");
      for (const std::string& cloud : endpoint.clouds) name += "-" + cloud;
      name = slug(name + "-" + suffix(endpoint.service), 60, "hosts");
      std::string unique = name;
      // Two groups may come to the same name when they are shortened.
      for (int n = 2; !names.insert(unique).second; ++n) unique = fmt::format("{}-{}", name, n);
      out.push_back({unique, {}});
    }
    out[place->second].endpoints.push_back(&endpoint);
  }
  return out;
}

std::string endpoint_block(const Group& group) {
  std::string out = fmt::format("endpoint \"{}\" {{\n", group.name);
  const std::string& title = group.endpoints.front()->group;
  if (!title.empty()) out += fmt::format("title = {}\n", quoted(title));
  out += "fqdn = [\n";
  for (const Endpoint* endpoint : group.endpoints) {
    if (!endpoint->comment.empty()) out += commented(endpoint->comment, "# ", "# ");
    out += quoted(endpoint->host) + ",\n";
  }
  return out + "]\n}\n\n";
}

std::string rule(const Group& group, const std::string& from) {
  const Endpoint& first = *group.endpoints.front();
  const std::string services = to_string(first.service);
  const bool several = services.find(',') != std::string::npos;
  return fmt::format("allow \"{0}\" {1} -> {0} on {2}{3}{4}{5}\n", group.name, from,
                     several ? "[" : "", services, several ? "]" : "", condition(first.clouds));
}

}  // namespace

std::string slug(std::string_view text, std::size_t size, std::string_view otherwise) {
  std::string out;
  for (const char c : to_lower(text)) {
    const bool letter = c >= 'a' && c <= 'z';
    const bool digit = c >= '0' && c <= '9';
    if (letter || (digit && !out.empty())) {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  out = out.substr(0, size);
  while (out.ends_with('-')) out.pop_back();
  return out.empty() ? std::string(otherwise) : out;
}

std::string print(const std::vector<Endpoint>& endpoints, const std::vector<std::string>& left_out,
                  const Naming& naming) {
  const std::vector<Group> groups = groups_of(endpoints);
  std::string out =
      fmt::format("# Imported by `hcipolc import endpoints` from {}.\n\n", naming.list);
  out += fmt::format("feature \"{}\" {{\ntitle = {}\nsource = {}\n\n", naming.feature,
                     quoted("Endpoints of " + naming.list), quoted(naming.list));
  for (const Group& group : groups) out += endpoint_block(group);
  for (const Group& group : groups) out += rule(group, naming.from);
  out += "}\n";
  if (!left_out.empty()) out += "\n# Left out, because `--skip-refused` says so:\n";
  for (const std::string& line : left_out) out += commented(line, "# - ", "#   ");
  return out;
}

}  // namespace hcipol::importer
