// The form for terminals: one line a row, columns of the cluster's own width.
#include "report/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "report/plan_parts.h"
#include "support/text.h"

namespace hcipol::report {

namespace {

using Line = std::array<std::string, 6>;  ///< effect, from, to, service, rule, place

std::string padded(std::string text, std::size_t width) {
  const std::size_t length = code_points(text);
  text.append(width > length ? width - length : 0, ' ');
  return text;
}

std::string rows_text(const flow::ClusterDiff& cluster, const Plan& plan) {
  constexpr std::size_t widest = 40;
  std::vector<std::pair<Line, std::string>> lines;
  std::array<std::size_t, std::tuple_size_v<Line>> width{};
  for (const flow::Row& row : cluster.rows) {
    const RowWords text = words(row, cluster, plan);
    const std::string effect = row.effect == flow::Effect::opens ? "+ opens" : "- closes";
    Line line{effect, text.from, "-> " + text.to, text.service, text.rule, text.place};
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::size_t length = code_points(line[i]);
      if (length <= widest) width[i] = std::max(width[i], length);
    }
    std::string end = fmt::format("({})", text.because);
    if (!text.risks.empty()) end += fmt::format("  ! {}", fmt::join(text.risks, ", "));
    lines.emplace_back(std::move(line), std::move(end));
  }
  std::string out;
  for (auto& [line, end] : lines) {
    out += " ";
    for (std::size_t i = 0; i < line.size(); ++i) out += " " + padded(line[i], width[i]) + " ";
    out += end + "\n";
  }
  return out;
}

std::string devices_text(const flow::ClusterDiff& cluster, const Plan& plan) {
  const auto list = devices(cluster, plan);
  std::size_t width = 0;
  for (const DeviceWords& device : list) width = std::max(width, code_points(device.device));
  std::string out;
  for (const DeviceWords& device : list) {
    out += fmt::format("  {}  {}  {}\n", out.empty() ? "devices" : "       ",
                       padded(device.device, width), device.changes);
  }
  return out;
}

// Everything of a cluster but its name, so that clusters which change alike can be joined.
std::string body(const flow::ClusterDiff& cluster, const Plan& plan) {
  const std::string_view change = change_of(cluster);
  std::string out = verdict(count(cluster)) + " · " + rest(cluster);
  if (change == "new" || change == "gone") out += fmt::format(" · the cluster is {}", change);
  out += "\n";
  if (!cluster.rows.empty()) out += "\n" + rows_text(cluster, plan);
  for (const std::string& line : tags(cluster)) out += "\n  " + line + "\n";
  const std::string targets = devices_text(cluster, plan);
  if (!targets.empty()) out += "\n" + targets;
  return out;
}

}  // namespace

std::string plan_text(const Plan& plan) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<std::string>> names;
  for (const flow::ClusterDiff& cluster : plan.diff.clusters) {
    std::string text = body(cluster, plan);
    auto& alike = names[text];
    if (alike.empty()) order.push_back(text);
    alike.push_back(cluster.name);
  }
  std::string out = fmt::format("{} → {}\n", plan.base.name, plan.head.name);
  for (const std::string& text : order) {
    const auto& alike = names[text];
    const std::string each =
        alike.size() > 1 ? fmt::format(" ({} clusters, each)", alike.size()) : "";
    out += fmt::format("\n{}{}   {}", some_of(alike, 3), each, text);
  }
  const Counts counts = count(plan.diff);
  if (order.size() > 1) out += fmt::format("\nin all   {}\n", verdict(counts));
  const std::string limits = limits_text(plan.limits, LimitRows::changed, "--json has them");
  if (!limits.empty()) out += "\n" + limits;
  return out + fmt::format("\ninvariants  {}\nexceptions  {}\nlibrary     {}\n", invariants(plan),
                           exceptions(plan), plan.library);
}

}  // namespace hcipol::report
