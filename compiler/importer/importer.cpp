// Read, judge, print, and format with `fmt` itself.
#include "importer/importer.h"

#include "importer/endpoints.h"
#include "importer/findings.h"
#include "importer/print.h"
#include "importer/read.h"
#include "support/bug.h"
#include "support/text.h"
#include "syntax/formatter.h"
#include "syntax/parser.h"

namespace hcipol::importer {

namespace {

// In one line: where a row stands, what it says, and why it is not here.
std::vector<std::string> lines_of_refused(const Findings& findings, const SourceMap& sources) {
  std::vector<std::string> out;
  for (const Refused& refused : findings.refused()) {
    const std::uint32_t line = sources.line_of(refused.what.file, refused.what.begin);
    out.push_back(fmt::format("line {}: {} ({})", line,
                              one_line(collapsed(sources.text(refused.what)), 160), refused.why));
  }
  return out;
}

std::string formatted(std::string text) {
  SourceMap sources;
  Reporter reporter;
  const FileId id = sources.add("imported", std::move(text));
  auto out = syntax::format(id, sources, reporter);
  if (!out) bug("the feature of an imported list does not parse");
  return *std::move(out);
}

}  // namespace

bool is_name(std::string_view text) {
  constexpr std::size_t longest = 63;
  if (text.empty() || text.size() > longest) return false;
  SourceMap sources;
  Reporter reporter;
  const FileId id = sources.add("name", fmt::format("allow \"x\" {} -> any on any", text));
  const syntax::File file = syntax::parse(id, sources, reporter);
  if (reporter.has_errors() || file.items.size() != 1) return false;
  const auto* rule = std::get_if<syntax::Rule>(&file.items.front().node);
  const auto* flow = rule == nullptr ? nullptr : std::get_if<syntax::Flow>(&rule->flow->node);
  const auto* from = flow == nullptr ? nullptr : std::get_if<syntax::Name>(&flow->from->node);
  return from != nullptr && from->text == text;
}

std::string feature_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return slug(name.substr(0, name.rfind('.')), 63, "imported");
}

std::optional<std::string> import_endpoints(FileId list, const SourceMap& sources,
                                            const Request& request, Reporter& reporter) {
  const std::string_view text = sources.file(list).text;
  if (text.starts_with("PK\x03\x04")) {
    reporter.report<Diag::list_empty>(Span{list, 0, 0}, "it is an archive, as workbooks are")
        .help("save each sheet as CSV");
    return std::nullopt;
  }
  if (!syntax::readable(list, text, reporter)) return std::nullopt;
  const std::size_t before = reporter.errors();
  Findings findings(list, text, request.skip_refused, reporter);
  const auto endpoints = endpoints_of(read(findings), request.widen_globs, findings);
  if (reporter.errors() > before) return std::nullopt;
  if (endpoints.empty()) {
    reporter.report<Diag::list_empty>(Span{list, 0, 0}, findings.refused().empty()
                                                            ? "no row has a host"
                                                            : "every row is refused");
    return std::nullopt;
  }
  return formatted(print(endpoints, lines_of_refused(findings, sources),
                         {request.feature, request.from, request.list}));
}

}  // namespace hcipol::importer
