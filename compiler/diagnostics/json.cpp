// For tools: everything that the human form shows, with numbers instead of pictures.
#include <nlohmann/json.hpp>

#include "diagnostics/render.h"

namespace hcipol {

namespace {

using Json = nlohmann::ordered_json;

Json place(Span span, const SourceMap& sources) {
  Json out = Json::object();
  if (span.file == FileId::no_file) return out;
  const LineColumn begin = sources.line_column(span.file, span.begin);
  const LineColumn end = sources.line_column(span.file, span.end);
  out["file"] = sources.file(span.file).path;
  out["line"] = begin.line;
  out["col"] = begin.column;
  out["endLine"] = end.line;
  out["endCol"] = end.column;
  return out;
}

Json object(const Diagnostic& d, const SourceMap& sources) {
  Json out;
  out["code"] = entry(d.id).code;
  out["severity"] = d.severity == Severity::Error ? "error" : "warning";
  out["message"] = d.message;
  out["spans"] = Json::array();
  const auto add_span = [&](Span span, const std::string& label, bool primary) {
    if (span.file == FileId::no_file) return;
    Json json = place(span, sources);
    json["label"] = label;
    json["primary"] = primary;
    out["spans"].push_back(std::move(json));
  };
  add_span(d.span, d.primary_label, true);
  for (const Label& label : d.labels) add_span(label.span, label.text, false);
  out["notes"] = d.notes;
  out["fixes"] = Json::array();
  for (const Fix& fix : d.fixes) {
    out["fixes"].push_back({{"span", place(fix.span, sources)}, {"text", fix.text}});
  }
  out["help"] = d.help;
  return out;
}

}  // namespace

std::string render_json(std::span<const Diagnostic> diagnostics, const SourceMap& sources) {
  Json out;
  out["version"] = 1;
  out["diagnostics"] = Json::array();
  for (const Diagnostic& d : diagnostics) out["diagnostics"].push_back(object(d, sources));
  // A text that is no UTF-8 has its own diagnostic; its bytes must not break the one that says so.
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hcipol
