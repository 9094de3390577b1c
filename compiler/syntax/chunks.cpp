// Small files, which is nearly all of them, are one chunk and never reach the scanner.
#include "syntax/chunks.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>

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

/// Whether a rule begins at `at`, on a line of its own and not below a comment, which belongs to
/// it.
bool rule_begins(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (!rest.starts_with("allow \"") && !rest.starts_with("deny ")) return false;
  const std::size_t line = text.rfind('\n', at);
  if (line == text.npos || text.find_first_not_of(' ', line + 1) != at) return false;
  const std::size_t above = line == 0 ? 0 : text.rfind('\n', line - 1) + 1;
  const std::size_t word = text.find_first_not_of(" \t", above);
  return text[word] != '#';
}

/// Where a block that is alone in its chunk can be cut: behind its `{`, between items of its body,
/// and before its `}`. Nothing if the chunk is not of that form.
std::vector<std::uint32_t> body_cuts(std::string_view part) {
  std::vector<std::uint32_t> cuts;
  std::uint32_t close = 0;
  std::uint32_t last = 0;
  Scanner scanner(part);
  while (scanner.step()) {
    const std::uint32_t at = scanner.position();
    const auto& open = scanner.open();
    if (close != 0 && part.substr(close).find_first_not_of(" \t\r\n") != part.npos) return {};
    if (cuts.empty()) {
      if (open.size() == 1 && open.back().what == '{') cuts.push_back(last = at);
      if (open.size() > 1) return {};
      continue;
    }
    if (open.empty()) {
      if (close == 0 && scanner.closed_one()) close = at;
      continue;
    }
    if (open.size() != 1) continue;
    const bool ended =
        scanner.closed_one() && scanner.closed().what == '{' && item_follows(part, at);
    if (!ended && !rule_begins(part, at)) continue;
    if (at - cuts.back() > safe_bytes && last > cuts.back()) cuts.push_back(last);
    last = at;
  }
  if (close == 0) return {};
  if (close - cuts.back() > safe_bytes && last > cuts.back()) cuts.push_back(last);
  cuts.push_back(close - 1);
  return cuts;
}

/// Parses a large block as a header and stretches of its body: their grammar is that of a file.
/// False, with nothing added, if it cannot be cut or has an error; it is then parsed whole, and
/// slowly.
bool parse_block(std::string_view text, const Chunk& chunk, const Vocabulary& vocabulary,
                 std::vector<ChunkTree>& out) {
  const std::string_view part = text.substr(chunk.begin, chunk.end - chunk.begin);
  const auto cuts = body_cuts(part);
  if (cuts.size() < 2) return false;
  std::vector<ChunkTree> trees;
  const std::string header = std::string(part.substr(0, cuts.front())) + "}";
  trees.push_back({chunk, parse_tree(header), Part::header});
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    if (cuts[i + 1] - cuts[i] > safe_bytes) return false;
    const Chunk inner{chunk.begin + cuts[i], chunk.begin + cuts[i + 1], 0};
    trees.push_back({inner, parse_tree(part.substr(cuts[i], cuts[i + 1] - cuts[i])), Part::body});
  }
  const TSNode root = ts_tree_root_node(trees.front().tree.get());
  const std::uint32_t items = ts_node_named_child_count(root);
  const bool block =
      items > 0 && vocabulary.kind(ts_node_named_child(root, items - 1)) == Kind::block;
  if (!block) return false;
  for (const ChunkTree& tree : trees) {
    if (ts_node_has_error(ts_tree_root_node(tree.tree.get()))) return false;
  }
  std::move(trees.begin(), trees.end(), std::back_inserter(out));
  return true;
}

/// The items of a small chunk, each on its own; nothing if the brackets do not pair up, for then a
/// scan does not know where items end.
std::vector<Chunk> items_of(std::string_view text, const Chunk& chunk) {
  const std::string_view part = text.substr(chunk.begin, chunk.end - chunk.begin);
  std::vector<Chunk> out;
  Chunk next = chunk;
  Scanner scanner(part);
  while (scanner.step()) {
    const std::uint32_t at = scanner.position();
    const bool stray = std::string_view("}])").find(part[at - 1]) != std::string_view::npos &&
                       !scanner.closed_one() && scanner.open().empty();
    if (stray) return {};
    const bool ended =
        scanner.closed_one() && scanner.closed().what == '{' && scanner.open().empty();
    if (!ended || !item_follows(part, at)) continue;
    next.end = chunk.begin + at;
    out.push_back(next);
    const std::string_view seen = text.substr(next.begin, next.end - next.begin);
    next.row += static_cast<std::uint32_t>(std::count(seen.begin(), seen.end(), '\n'));
    next.begin = next.end;
  }
  if (!scanner.open().empty()) return {};
  next.end = chunk.end;
  out.push_back(next);
  return out;
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
                                    bool cut_blocks, Reporter& reporter) {
  std::vector<ChunkTree> out;
  int damaged = 0;
  for (const Chunk& chunk : cut(id, text, reporter)) {
    if (damaged >= max_damaged_chunks) break;
    const std::uint32_t size = chunk.end - chunk.begin;
    const std::string_view part = text.substr(chunk.begin, size);
    if (size > safe_bytes) {
      if (cut_blocks && parse_block(text, chunk, vocabulary, out)) continue;
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
    if (!ts_node_has_error(ts_tree_root_node(tree.get()))) {
      out.push_back({chunk, std::move(tree)});
      continue;
    }
    // Damage in one item must not hide what is wrong with the next.
    std::vector<Chunk> items = items_of(text, chunk);
    if (items.empty()) items.push_back(chunk);
    for (const Chunk& item : items) {
      Tree one = parse_tree(text.substr(item.begin, item.end - item.begin));
      if (ts_node_has_error(ts_tree_root_node(one.get()))) {
        ++damaged;
        report_syntax_errors(id, text, item.begin, one.get(), vocabulary, reporter);
      }
      out.push_back({item, std::move(one)});
      if (damaged >= max_damaged_chunks) break;
    }
  }
  return out;
}

}  // namespace hcipol::syntax
