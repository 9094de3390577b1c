// Headings, as Microsoft's pages, sheets and JSON files have them.
#include "importer/table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "support/text.h"

namespace hcipol::importer {

namespace {

constexpr auto headings = std::to_array<std::pair<std::string_view, Column>>({
    {"url", Column::host},
    {"urls", Column::host},
    {"uri", Column::host},
    {"fqdn", Column::host},
    {"host", Column::host},
    {"hosts", Column::host},
    {"hostname", Column::host},
    {"host name", Column::host},
    {"endpoint", Column::host},
    {"endpoints", Column::host},
    {"endpoint url", Column::host},
    {"domain", Column::host},
    {"port", Column::port},
    {"ports", Column::port},
    {"port(s)", Column::port},
    {"protocol", Column::protocol},
    {"scheme", Column::protocol},
    {"component", Column::group},
    {"azure local component", Column::group},
    {"hci component", Column::group},
    {"service", Column::group},
    {"name", Column::note},
    {"note", Column::note},
    {"notes", Column::note},
    {"description", Column::note},
    {"endpoint description", Column::note},
    {"purpose", Column::note},
    {"id", Column::number},
    {"#", Column::number},
});

/// The length of a blank that web pages and sheets leave behind, and that is none for a parser: the
/// no-break spaces U+00A0 and U+202F, U+2000 … U+200A, U+3000; 0 for other text.
std::size_t wide_blank(std::string_view text) {
  if (text.starts_with("\xC2\xA0")) return 2;
  if (text.starts_with("\xE3\x80\x80") || text.starts_with("\xE2\x80\xAF")) return 3;
  const bool general = text.starts_with("\xE2\x80") && text.size() > 2 &&
                       static_cast<unsigned char>(text[2]) >= 0x80 &&
                       static_cast<unsigned char>(text[2]) <= 0x8A;
  return general ? 3 : 0;
}

}  // namespace

Column column_of(std::string_view heading) {
  const std::string name = to_lower(trim(heading));
  const auto found = std::find_if(headings.begin(), headings.end(),
                                  [&](const auto& known) { return known.first == name; });
  return found == headings.end() ? Column::other : found->second;
}

bool Row::has(Column column) const {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const Field& field) { return field.column == column; });
}

bool repeats_header(const Row& row) {
  bool host = false;
  for (const Field& field : row.fields) {
    if (field.column != Column::host && field.column != Column::port) continue;
    if (field.heading.empty() || column_of(field.value.text) != field.column) return false;
    host = host || field.column == Column::host;
  }
  return host;
}

Cell without_blanks(const Cell& cell, Findings& findings) {
  Cell plain = cell;
  for (std::size_t at = 0; at < plain.text.size(); ++at) {
    const std::size_t size = wide_blank(std::string_view(plain.text).substr(at));
    plain.text.replace(at, size, size, ' ');
  }
  Cell bare = trimmed(plain);
  if (bare.text.size() == plain.text.size() || bare.text.empty()) return bare;
  findings.report<Diag::list_spelling>(cell.span(), "blanks stand around it")
      .fix(cell.span(), bare.text);
  return bare;
}

void add_row(List& list, Span span, const std::vector<std::string>& names,
             const std::vector<Cell>& cells, Findings& findings) {
  if (cells.size() != names.size()) {
    findings.refuse<Diag::list_shape>(span, span,
                                      fmt::format("it has {}, and the header has {}",
                                                  counted(cells.size(), "cell"), names.size()));
    return;
  }
  Row row{span, {}};
  for (std::size_t i = 0; i < cells.size(); ++i) {
    row.fields.push_back({column_of(names[i]), names[i], cells[i]});
  }
  list.rows.push_back(std::move(row));
}

}  // namespace hcipol::importer
