// Azure itself says "The request is invalid." after minutes; here it is a figure and a name.
#include "backends/azure_firewall/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "backends/common/arm/write_template.h"

namespace hcipol::backends::azure_firewall {

namespace {

constexpr std::size_t most_group_bytes = 2'000'000;
/// The figure has been 60, 90 and 100; the least is the one to rely on.
constexpr std::size_t most_groups = 60;
constexpr std::size_t most_collections = 2'000;
constexpr std::size_t most_ip_groups = 200;
constexpr std::size_t advised_network_names = 1'000;

/// "/subscriptions/<36>/resourceGroups/<some>/providers/Microsoft.Network/ipGroups/": what Azure
/// stores in front of an IP group's name.
constexpr std::size_t resource_id_bytes = 130;

std::size_t count(const Addresses& addresses) {
  return addresses.literals.size() + addresses.groups.size();
}

/// Compact JSON, "x",: three bytes more than the text.
std::size_t bytes(const std::vector<std::string>& texts) {
  std::size_t sum = 0;
  for (const std::string& text : texts) sum += text.size() + 3;
  return sum;
}

std::size_t bytes(const Addresses& addresses) {
  std::size_t sum = bytes(addresses.literals);
  for (const IpGroup* group : addresses.groups) sum += resource_id_bytes + group->name.size() + 3;
  return sum;
}

std::string megabytes(std::size_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

}  // namespace

std::size_t stored_bytes(const Rule& rule) {
  constexpr std::size_t frame = 100;  // {"ruleType":"NetworkRule","name":"","description":"", …
  std::size_t sum = frame + rule.name.size() + rule.description.size() + bytes(rule.from);
  if (const auto* network = std::get_if<NetworkMatch>(&rule.match)) {
    sum += 70 + bytes(network->to) + bytes(network->fqdns) + bytes(network->ports);
  } else {
    const auto& application = std::get<ApplicationMatch>(rule.match);
    sum += 30 + 40 * application.protocols.size() + bytes(application.fqdns);
  }
  return sum;
}

std::size_t stored_bytes(const RuleCollection& collection) {
  std::size_t sum = 0;
  for (const Rule& rule : collection.rules) sum += stored_bytes(rule);
  return sum;
}

Budgets::Budgets(const Document& document) : format_(document.format) {
  count_rules(document);
  count_objects(document);
}

void Budgets::add(std::string_view limit, std::size_t used, std::size_t allowed,
                  std::string holder) {
  Row& row = rows_.emplace_back();
  row.budget = {std::string(limit), used, allowed};
  row.holder = std::move(holder);
  row.figures = fmt::format("{} {}, at most {}", used, limit, allowed);
}

void Budgets::count_rules(const Document& document) {
  std::size_t pairs = 0;
  std::size_t names = 0;
  std::size_t collections = 0;
  std::size_t most_bytes = 0;
  std::string largest;
  for (const RuleCollectionGroup& group : document.groups) {
    std::size_t size = 0;
    collections += group.collections.size();
    for (const RuleCollection& collection : group.collections) {
      size += stored_bytes(collection);
      for (const Rule& rule : collection.rules) {
        const auto* network = std::get_if<NetworkMatch>(&rule.match);
        if (network == nullptr) continue;
        pairs += count(rule.from) * (count(network->to) + network->fqdns.size());
        names += network->fqdns.size();
      }
    }
    if (size > most_bytes) largest = group.name;
    most_bytes = std::max(most_bytes, size);
  }
  add("pairs of source and destination in network rules", pairs, most_pairs, "the policy");
  if (document.ip_groups.empty() && format_ == Format::arm) {
    rows_.back().help = "`ip_groups = true`: an IP group counts as one";
  }
  add("host names in network rules", names, advised_network_names, "");
  rows_.back().note = fmt::format("{} host names in network rules; Microsoft advises at most {}",
                                  names, advised_network_names);
  add("rule collection groups", document.groups.size(), most_groups, "the policy");
  add("rule collections", collections, most_collections, "the policy");
  add("bytes of rules in the largest rule collection group", most_bytes, most_group_bytes,
      fmt::format("rule collection group `{}`", largest));
  rows_.back().figures = fmt::format("its rules are about {}, and at most {} are allowed",
                                     megabytes(most_bytes), megabytes(most_group_bytes));
  if (most_bytes > usable_group_bytes && most_bytes <= most_group_bytes) {
    // Only a note: the budget has the documented limit.
    add("", most_bytes, usable_group_bytes, "");
    rows_.back().note = fmt::format(
        "the rules of `{}` are about {}; of the {} that are documented, {} have been found usable",
        largest, megabytes(most_bytes), megabytes(most_group_bytes), megabytes(usable_group_bytes));
  }
}

void Budgets::count_objects(const Document& document) {
  if (format_ == Format::rcg_json) return;
  add("IP groups", document.ip_groups.size(), most_ip_groups, "the policy");
  std::size_t longest = 0;
  std::string name;
  for (const auto& [key, group] : document.ip_groups) {
    if (group.addresses.size() > longest) name = group.name;
    longest = std::max(longest, group.addresses.size());
  }
  add("entries of the longest IP group", longest, most_ip_group_entries,
      fmt::format("IP group `{}`", name));
  const bool makes_policy = document.mode != Mode::attach;
  const bool has_location = makes_policy || !document.ip_groups.empty();
  const bool has_servers = makes_policy && !document.dns_servers.empty();
  add("parameters of the template",
      document.ip_groups.size() + 1 + (has_location ? 1 : 0) +
          (document.mode == Mode::child ? 1 : 0) + (has_servers ? 1 : 0),
      arm::most_parameters, "the template");
  add("resources of the template",
      document.ip_groups.size() + document.groups.size() + (makes_policy ? 1 : 0),
      arm::most_resources, "the template");
}

void Budgets::add_files(const std::vector<Artefact>& artefacts) {
  if (artefacts.empty()) return;
  if (format_ == Format::rcg_json) {
    const Artefact& file = artefacts.front();
    add("characters of the file", file.text.size(), most_loaded_bytes, "");
    rows_.back().note = fmt::format("`{}` has {} characters, and Bicep's loadJsonContent takes {}",
                                    file.path, file.text.size(), most_loaded_bytes);
    return;
  }
  const auto largest = [&](bool values) {
    const Artefact* out = nullptr;
    for (const Artefact& artefact : artefacts) {
      if (artefact.path.ends_with(".parameters.json") != values) continue;
      if (out == nullptr || artefact.text.size() > out->text.size()) out = &artefact;
    }
    return out;
  };
  for (const bool values : {false, true}) {
    const Artefact& file = *largest(values);
    const std::size_t size = file.text.size();
    add(values ? "bytes of the parameter file" : "bytes of the template", size,
        arm::most_template_bytes, fmt::format("`{}`", file.path));
    rows_.back().figures =
        fmt::format("{}, at most {}", megabytes(size), megabytes(arm::most_template_bytes));
    rows_.back().help =
        "let two targets `see` a part of the policy each, one with the policy of the other as its "
        "`base_policy`";
  }
}

bool Budgets::within() const {
  return std::all_of(rows_.begin(), rows_.end(), [](const Row& row) {
    return !row.note.empty() || row.budget.used <= row.budget.allowed;
  });
}

void Budgets::report(EmitContext& context) const {
  for (const Row& row : rows_) {
    if (row.budget.used <= row.budget.allowed) continue;
    if (!row.note.empty()) {
      context.note(title, row.note);
      continue;
    }
    auto error = context.reporter().report<Diag::device_limit>(context.place(nullptr), row.holder,
                                                               title, row.figures);
    if (!row.help.empty()) error.help(row.help);
  }
}

std::vector<Budget> Budgets::take() {
  std::vector<Budget> out;
  for (Row& row : rows_) {
    if (!row.budget.limit.empty()) out.push_back(std::move(row.budget));
  }
  return out;
}

}  // namespace hcipol::backends::azure_firewall
