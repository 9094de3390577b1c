// Small files, which is nearly all of them, are one chunk and never reach the scanner.
#include "syntax/chunks.h"

#include <algorithm>
#include <array>

#include "syntax/line_tokens.h"
#include "syntax/parser.h"
#include "syntax/scan.h"
#include "syntax/syntax_errors.h"

namespace hcipol::syntax {
namespace {

/// After so many damaged chunks nobody reads on, and parsing damage is what is slow.
constexpr int max_damaged_chunks = 20;

/// Whether an item begins after the `}` that ends at `at`: a word on a later line does, unless it
/// could continue an expression.
bool item_follows(std::string_view text, std::size_t at) {
  bool new_line = false;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      new_line = new_line || c == '\n';
      ++at;
    } else {
      break;
    }
  }
  std::size_t end = at;
  while (end < text.size() && ((text[end] >= 'a' && text[end] <= 'z') || text[end] == '_')) ++end;
  constexpr std::array<std::string_view, 6> continues{"as", "on", "in", "if", "for", "except"};
  const std::string_view word = text.substr(at, end - at);
  return new_line && !word.empty() &&
         std::find(continues.begin(), continues.end(), word) == continues.end();
}

}  // namespace

std::vector<Chunk> cut(FileId id, std::string_view text, Reporter& reporter) {
  const auto size = static_cast<std::uint32_t>(text.size());
  if (size <= safe_bytes) return {{0, size, 0}};

  std::vector<Chunk> out;
  std::uint32_t begin = 0;
  std::uint32_t last_cut = 0;  // the last place where cutting is possible
  const auto cut_at = [&](std::uint32_t end) {
    out.push_back({begin, end, 0});
    begin = end;
  };
  Scanner scanner(text);
  while (scanner.step()) {
    const std::uint32_t at = scanner.position();
    if (scanner.open().size() > 2 * max_nesting) {
      reporter.report<Diag::too_deep>(Span{id, at - 1, at}, max_nesting);
      return {};
    }
    const bool block_ended =
        scanner.closed_one() && scanner.closed().what == '{' && scanner.open().empty();
    if (!block_ended || !item_follows(text, at)) continue;
    if (at - begin > safe_bytes && last_cut > begin) cut_at(last_cut);
    last_cut = at;
  }
  if (size - begin > safe_bytes && last_cut > begin) cut_at(last_cut);
  cut_at(size);

  for (std::size_t i = 1; i < out.size(); ++i) {
    const auto before = text.substr(out[i - 1].begin, out[i - 1].end - out[i - 1].begin);
    const auto rows = std::count(before.begin(), before.end(), '\n');
    out[i].row = out[i - 1].row + static_cast<std::uint32_t>(rows);
  }
  return out;
}

std::vector<ChunkTree> parse_chunks(FileId id, std::string_view text, const Vocabulary& vocabulary,
                                    Reporter& reporter) {
  std::vector<ChunkTree> out;
  int damaged = 0;
  for (const Chunk& chunk : cut(id, text, reporter)) {
    if (damaged >= max_damaged_chunks) break;
    const std::uint32_t size = chunk.end - chunk.begin;
    const std::string_view part = text.substr(chunk.begin, size);
    if (size > safe_bytes) {
      std::uint32_t error_at = 0;
      Tree tree = parse_tree_without_errors(part, error_at);
      if (!tree) {
        ++damaged;
        report_syntax_error_at(id, text, chunk.begin + error_at, vocabulary, reporter);
        continue;
      }
      out.push_back({chunk, std::move(tree)});
      continue;
    }
    Tree tree = parse_tree(part);
    if (ts_node_has_error(ts_tree_root_node(tree.get()))) {
      ++damaged;
      report_syntax_errors(id, text, chunk.begin, tree.get(), vocabulary, reporter);
    }
    out.push_back({chunk, std::move(tree)});
  }
  return out;
}

}  // namespace hcipol::syntax
