// For a comment on a pull request. What is longest, the rows, is cut to the budget; the verdict and
// the totals never are.
#include <fmt/format.h>

#include <map>

#include "report/plan.h"
#include "report/plan_parts.h"
#include "support/text.h"

namespace hcipol::report {

namespace {

constexpr std::size_t budget = 60'000;  ///< characters of the whole text
constexpr std::size_t reserve = 2'000;  ///< of these, for what stands around the last rows
constexpr std::size_t most_open = 20;   ///< rows of a cluster that are not folded

// A cell of a table in code type; nothing in it can end the cell or start markup.
std::string code_span(std::string_view text) {
  std::string out = "`";
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '`' ? '\'' : c;
  }
  return out + "`";
}

std::string row_text(const flow::Row& row, const flow::ClusterDiff& cluster, const Plan& plan) {
  const RowWords text = words(row, cluster, plan);
  const std::string_view sign = row.effect == flow::Effect::opens ? "➕ opens" : "➖ closes";
  const std::string risks =
      text.risks.empty() ? "" : fmt::format(" ⚠️ {}", fmt::join(text.risks, ", "));
  return fmt::format("| {}{} | {} | {} | {} | {}: {} ({}) |\n", sign, risks, code_span(text.from),
                     code_span(text.to), code_span(text.service), code_span(text.rule),
                     text.because, code_span(text.place));
}

constexpr std::string_view table_head =
    "\n| | From | To | Service | Because |\n|---|---|---|---|---|\n";

/// Rows as they fit.
class Table {
 public:
  explicit Table(const Plan& plan) : plan_(plan) {}

  std::string of(const flow::ClusterDiff& cluster, std::size_t used) {
    std::string out;
    for (std::size_t i = 0; i < cluster.rows.size(); ++i) {
      const std::string row = row_text(cluster.rows[i], cluster, plan_);
      if (left_out_ > 0 || used + out.size() + row.size() + reserve > budget) {
        left_out_ += cluster.rows.size() - i;
        break;
      }
      if (i == 0) out += table_head;
      if (i == most_open) {
        out += fmt::format("\n<details><summary>{}</summary>\n{}",
                           counted(cluster.rows.size() - i, "more row"), table_head);
      }
      out += row;
      if (i >= most_open && i + 1 == cluster.rows.size()) out += "\n</details>\n";
    }
    return out;
  }

  std::size_t left_out() const { return left_out_; }

 private:
  const Plan& plan_;
  std::size_t left_out_ = 0;
};

std::string device_list(const flow::ClusterDiff& cluster, const Plan& plan) {
  std::string out;
  for (const DeviceWords& device : devices(cluster, plan)) {
    out += fmt::format("- {}: {}\n", code_span(device.device), device.changes);
  }
  return out;
}

// "⚠️ from the Internet: 1, management port: 2".
std::string risk_totals(const flow::PolicyDiff& diff) {
  std::map<flow::Risk, std::size_t> totals;
  for (const auto& cluster : diff.clusters) {
    for (const auto& row : cluster.rows) {
      for (const flow::Risk risk : row.risks) ++totals[risk];
    }
  }
  std::vector<std::string> out;
  for (const auto& [risk, count] : totals) out.push_back(fmt::format("{}: {}", word(risk), count));
  return out.empty() ? "" : fmt::format(" ⚠️ {}", fmt::join(out, ", "));
}

std::string headline(const Plan& plan) {
  std::vector<std::string> changed;
  for (const auto& cluster : plan.diff.clusters) {
    if (!cluster.rows.empty()) changed.push_back(cluster.name);
  }
  const Counts counts = count(plan.diff);
  std::string flows = "0 flows changed";
  if (counts.opens > 0 && counts.closes > 0) {
    flows = fmt::format("{} opened, {} closed", counted(counts.opens, "flow"), counts.closes);
  } else if (counts.opens + counts.closes > 0) {
    flows = fmt::format("{} {}", counted(counts.opens + counts.closes, "flow"),
                        counts.opens > 0 ? "opened" : "closed");
  }
  const std::string where = changed.empty() ? "" : fmt::format(" ({})", some_of(changed, 3));
  return fmt::format("### hcipolc: {}{}{}\n", flows, where, risk_totals(plan.diff));
}

}  // namespace

std::string plan_markdown(const Plan& plan) {
  std::string out = headline(plan);
  out += fmt::format("\n{} → {}\n", code_span(plan.base.name), code_span(plan.head.name));
  Table table(plan);
  std::map<std::string, std::vector<std::string>> alike;
  std::vector<const flow::ClusterDiff*> first;
  for (const auto& cluster : plan.diff.clusters) {
    // Rows without a limit: what decides whether two clusters change alike must not be cut.
    std::string whole(change_of(cluster));
    for (const auto& row : cluster.rows) whole += row_text(row, cluster, plan);
    for (const std::string& line : tags(cluster)) whole += line;
    auto& names = alike[whole + rest(cluster) + device_list(cluster, plan)];
    if (names.empty()) first.push_back(&cluster);
    names.push_back(cluster.name);
  }
  std::map<std::string, const std::vector<std::string>*> group;
  for (const auto& [text, names] : alike) group[names.front()] = &names;
  for (const flow::ClusterDiff* cluster : first) {
    const auto& names = *group.at(cluster->name);
    const std::string_view change = change_of(*cluster);
    if (plan.diff.clusters.size() > 1 || change == "new" || change == "gone") {
      out += fmt::format("\n#### {}: {}", some_of(names, 3), change);
      out += names.size() > 1 ? fmt::format(", each of {} clusters\n", names.size()) : "\n";
    }
    out += table.of(*cluster, out.size());
    out += fmt::format("\n{}\n", rest(*cluster));
    for (const std::string& line : tags(*cluster)) out += fmt::format("\n{}\n", line);
    const std::string list = device_list(*cluster, plan);
    if (!list.empty() && out.size() + list.size() + reserve / 2 < budget) {
      out += fmt::format("\n<details><summary>Devices</summary>\n\n{}\n</details>\n", list);
    }
  }
  const std::string limits = limits_markdown(plan.limits);
  if (!limits.empty() && out.size() + limits.size() + reserve / 2 < budget) {
    out += fmt::format("\n<details><summary>Limits</summary>\n\n{}\n</details>\n", limits);
  }
  if (table.left_out() > 0) {
    out += fmt::format("\n… {} more rows: `hcipolc plan --json` has them all\n", table.left_out());
  }
  return out + fmt::format("\nInvariants: {}. Exceptions: {}. Library: {}.\n", invariants(plan),
                           exceptions(plan), plan.library);
}

}  // namespace hcipol::report
