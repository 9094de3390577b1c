// Which format a file is in. Its name says little: two of Microsoft's `.json` files are no JSON.
#include "importer/read.h"

#include <algorithm>

#include "importer/host.h"
#include "support/text.h"

namespace hcipol::importer {

namespace {

bool is_comment(std::string_view line) {
  return trim(line).empty() || trim(line).starts_with('#');
}

// Whether most lines are addresses.
bool looks_like_lines(std::string_view text) {
  std::size_t addresses = 0, others = 0;
  for (const std::string_view line : split(text, '\n')) {
    if (is_comment(line)) continue;
    ++(looks_like_address(trim(line)) ? addresses : others);
  }
  return addresses > others;
}

}  // namespace

std::vector<Range> lines_of(std::string_view text, Range range) {
  std::vector<Range> out;
  for (std::size_t at = range.begin; at < range.end;) {
    const std::size_t stop = std::min(text.find('\n', at), range.end);
    const bool carriage_return = stop > at && text[stop - 1] == '\r';
    out.push_back({at, carriage_return ? stop - 1 : stop});
    at = stop + 1;
  }
  return out;
}

List read_lines(Range range, Findings& findings) {
  List out;
  for (const Range line : lines_of(findings.text(), range)) {
    const std::string_view text = findings.text().substr(line.begin, line.end - line.begin);
    if (is_comment(text)) continue;
    Cell cell = trimmed(verbatim(findings.file(), findings.text(), line.begin, line.end));
    const Span span = cell.span();
    out.rows.push_back({span, {{Column::host, "", std::move(cell)}}});
  }
  return out;
}

std::vector<List> read(Findings& findings) {
  const std::string_view text = findings.text();
  if (looks_like_json(text)) return read_json({0, text.size()}, findings);
  if (looks_like_markdown(text)) return read_markdown(findings);
  if (looks_like_csv(text)) return read_csv(findings);
  if (looks_like_lines(text)) return {read_lines({0, text.size()}, findings)};
  findings
      .report<Diag::list_empty>(Span{findings.file(), 0, 0},
                                "it is neither JSON, nor a Markdown page, nor a table with a "
                                "header, nor a list of names")
      .help("a table needs a column that is called `URL`, `Endpoint`, `FQDN` or `Host`");
  return {};
}

}  // namespace hcipol::importer
