// A cell has one service on each line, so that columns stay narrow.
#include "report/matrix.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/table.h"

namespace hcipol::report {

namespace {

// One row of the matrix as the lines that it takes.
std::vector<Row> lines_of_row(const flow::Matrix& matrix, std::size_t from) {
  std::vector<Row> lines{{matrix.axes[from].label}};
  for (std::size_t column = 0; column < matrix.columns.size(); ++column) {
    std::vector<std::string> services =
        lines_of(matrix.cells[from][matrix.columns[column]], " (partly)");
    if (services.empty()) services.emplace_back("·");
    if (lines.size() < services.size()) lines.resize(services.size(), {""});
    for (std::size_t i = 0; i < services.size(); ++i) {
      lines[i].resize(column + 1);
      lines[i].push_back(std::move(services[i]));
    }
  }
  for (Row& line : lines) line.resize(matrix.columns.size() + 1);
  return lines;
}

std::string text(const flow::Matrix& matrix) {
  Row head{"from \\ to"};
  for (const std::size_t to : matrix.columns) head.push_back(matrix.axes[to].label);
  std::vector<Row> rows{head};
  for (const std::size_t from : matrix.rows) {
    rows.emplace_back(head.size());
    for (Row& line : lines_of_row(matrix, from)) rows.push_back(std::move(line));
  }
  std::string out = table(rows, 2);
  for (const flow::Axis& axis : matrix.axes) {
    if (axis.members.empty()) continue;
    out += fmt::format("\n  {}:\n", axis.label);
    for (const std::string& member : axis.members) out += fmt::format("    {}\n", member);
  }
  return out;
}

}  // namespace

std::vector<std::string> lines_of(const flow::Cell& cell, std::string_view partly) {
  std::vector<std::string> out;
  for (const net::ServiceSet& service : pieces(cell.whole | cell.part)) {
    const bool whole = cell.whole.contains(service);
    out.push_back(fmt::format("{}{}", net::to_string(service), whole ? "" : partly));
  }
  return out;
}

std::string matrix_text(const std::vector<ClusterMatrix>& clusters) {
  std::string out;
  for (const ClusterMatrix& cluster : clusters) {
    if (!out.empty()) out += "\n";
    out += cluster_line(*cluster.entry->cluster) + "\n" + text(cluster.matrix);
  }
  return out;
}

}  // namespace hcipol::report
