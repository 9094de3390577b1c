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
    bool folded = false;
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
        folded = true;
      }
      out += row;
    }
    if (folded) out += "\n</details>\n";
    return out;
  }

  void leave_out(const flow::ClusterDiff& cluster) { left_out_ += cluster.rows.size(); }
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

// Nothing, but false, if there is no room for it.
bool append_folded(std::string& out, std::string_view title, const std::string& body) {
  if (body.empty()) return true;
  if (out.size() + body.size() + reserve / 2 >= budget) return false;
  out += fmt::format("\n<details><summary>{}</summary>\n\n{}\n</details>\n", title, body);
  return true;
}

}  // namespace

std::string plan_markdown(const Plan& plan) {
  std::string out = headline(plan);
  out += fmt::format("\n{} → {}\n", code_span(plan.base.name), code_span(plan.head.name));
  Table table(plan);
  std::map<std::string, std::vector<std::string>> alike;
  std::vector<const flow::ClusterDiff*> first;
  std::size_t unshown = 0;   // clusters for which there was no room
  std::size_t unlisted = 0;  // shown ones whose devices did not fit
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
    std::string title;
    if (plan.diff.clusters.size() > 1 || change == "new" || change == "gone") {
      title = fmt::format("\n#### {}: {}", some_of(names, 3), change);
      title += names.size() > 1 ? fmt::format(", each of {} clusters\n", names.size()) : "\n";
    }
    std::string end = fmt::format("\n{}\n", rest(*cluster));
    for (const std::string& line : tags(*cluster)) end += fmt::format("\n{}\n", line);
    if (out.size() + title.size() + end.size() + reserve / 2 >= budget) {
      table.leave_out(*cluster);
      unshown += names.size();
      continue;
    }
    out += title;
    out += table.of(*cluster, out.size() + end.size());
    out += end;
    if (!append_folded(out, "Devices", device_list(*cluster, plan))) ++unlisted;
  }
  std::vector<std::string> left_out;
  if (table.left_out() > 0) left_out.push_back(fmt::format("{} more rows", table.left_out()));
  if (unshown > 0) left_out.push_back(counted(unshown, "more cluster"));
  if (unlisted > 0) left_out.push_back("the devices of " + counted(unlisted, "cluster"));
  if (!append_folded(out, "Limits", limits_markdown(plan.limits))) {
    left_out.emplace_back("the limits of devices");
  }
  if (!left_out.empty()) {
    out += fmt::format("\n… {}: `hcipolc plan --json` has them all\n", list_of(left_out, "and"));
  }
  return out + fmt::format("\nInvariants: {}. Exceptions: {}. Library: {}.\n", invariants(plan),
                           exceptions(plan), plan.library);
}

}  // namespace hcipol::report
