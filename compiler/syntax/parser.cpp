// The gate: what is not plain UTF-8 text of reasonable size never reaches tree-sitter.
#include "syntax/parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/text.h"
#include "syntax/ast_builder.h"
#include "syntax/chunks.h"
#include "syntax/tree.h"

namespace hcipol::syntax {

bool readable(FileId id, std::string_view text, Reporter& reporter) {
  if (text.size() > max_file_bytes) {
    reporter.report<Diag::file_too_large>(Span{id, 0, 0}, max_file_bytes >> 20);
    return false;
  }
  std::size_t bad = 0;
  const auto byte_at = [&](std::size_t at) {
    const auto begin = static_cast<std::uint32_t>(at);
    return Span{id, begin, begin + 1};
  };
  if (!valid_utf8(text, &bad)) {
    reporter.report<Diag::not_utf8>(byte_at(bad))
        .help("save the file as UTF-8: `iconv -f WINDOWS-1252 -t UTF-8` converts it");
    return false;
  }
  if (const std::size_t at = find_control(text, "\t\r"); at != text.npos) {
    const auto byte = static_cast<unsigned char>(text[at]);
    reporter.report<Diag::not_utf8>(byte_at(at))
        .here(fmt::format("this is the control character U+{:04X}", byte))
        .help(byte == 0 ? "save the file as UTF-8, not as UTF-16" : "delete it");
    return false;
  }
  return true;
}

File parse(FileId id, const SourceMap& sources, Reporter& reporter) {
  const std::string_view text = sources.file(id).text;
  if (!readable(id, text, reporter)) {
    File nothing;
    nothing.id = id;
    return nothing;
  }
  const Vocabulary vocabulary;
  return build_ast(id, text, parse_chunks(id, text, vocabulary, true, reporter), vocabulary,
                   reporter);
}

}  // namespace hcipol::syntax
