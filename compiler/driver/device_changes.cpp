// Things are known by the command that removes them: two targets may make one thing.
#include "driver/device_changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "support/text.h"

namespace hcipol::driver {

namespace {

using backends::Budget;
using backends::Made;

constexpr std::size_t most_tables = 5;

const Budget* find(const std::vector<Budget>& budgets, const std::string& limit) {
  const auto found = std::find_if(budgets.begin(), budgets.end(),
                                  [&](const Budget& budget) { return budget.limit == limit; });
  return found == budgets.end() ? nullptr : &*found;
}

bool same_figures(const std::vector<Budget>& before, const std::vector<Budget>& now) {
  return std::equal(before.begin(), before.end(), now.begin(), now.end(),
                    [](const Budget& a, const Budget& b) {
                      return a.limit == b.limit && a.used == b.used && a.allowed == b.allowed;
                    });
}

double fullest(const std::vector<Budget>& budgets) {
  double out = 0;
  for (const Budget& budget : budgets) {
    out = std::max(out, static_cast<double>(budget.used) / static_cast<double>(budget.allowed));
  }
  return out;
}

std::string rows(const std::vector<Budget>& before, const std::vector<Budget>& now) {
  std::size_t width = 0;
  for (const Budget& budget : now) width = std::max(width, std::to_string(budget.used).size());
  std::string out;
  for (const Budget& budget : now) {
    const Budget* was = find(before, budget.limit);
    if (budget.used == 0 && (was == nullptr || was->used == 0)) continue;
    out += fmt::format("  {:>{}} of {} {}", budget.used, width, budget.allowed, budget.limit);
    if (was != nullptr && was->used != budget.used) out += fmt::format(", before {}", was->used);
    out += "\n";
  }
  return out;
}

}  // namespace

std::string budget_text(const DeviceRecords& before, const DeviceRecords& now) {
  struct Table {
    double fullest;
    std::string text;
  };
  std::vector<Table> tables;
  for (const auto& [device, record] : now) {
    const auto former = before.find(device);
    static const std::vector<Budget> none;
    const std::vector<Budget>& was = former == before.end() ? none : former->second.budgets;
    if (same_figures(was, record.budgets)) continue;
    const std::string table = rows(was, record.budgets);
    if (table.empty()) continue;
    tables.push_back({fullest(record.budgets), fmt::format("limits of {}\n{}", device, table)});
  }
  const std::size_t all = tables.size();
  if (all > most_tables) {
    std::stable_sort(tables.begin(), tables.end(),
                     [](const Table& a, const Table& b) { return a.fullest > b.fullest; });
    tables.resize(most_tables);
  }
  std::string out;
  for (const Table& table : tables) out += table.text;
  if (all > most_tables) {
    out += fmt::format("limits of {} are less used: `budgets` in the manifest has them\n",
                       counted(all - most_tables, "more device"));
  }
  return out;
}

std::string left_text(const DeviceRecords& before, const DeviceRecords& now) {
  std::set<std::string> made;
  for (const auto& [device, record] : now) {
    for (const Made& one : record.made) made.insert(one.remove);
  }
  std::string out;
  for (const auto& [device, record] : before) {
    for (const Made& one : record.made) {
      if (!made.insert(one.remove).second) continue;
      out += fmt::format("{} no longer has the {}, which stays until it is removed:\n  {}\n",
                         device, one.what, one.remove);
    }
  }
  return out;
}

}  // namespace hcipol::driver
