// A file in stretches that can be parsed on their own.
//
// libtree-sitter 0.20.7 keeps the number of a node's children in 16 bits and frees the wrong memory
// when an ERROR node has more; its recovery also takes time that grows with the square of the
// damage. So no text of more than `safe_bytes` is parsed in one go unless it has no errors.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "diagnostics/reporter.h"
#include "syntax/tree.h"

namespace hcipol::syntax {

/// Fewer tokens than this many bytes hold fit in 16 bits, whatever they are.
inline constexpr std::uint32_t safe_bytes = 60'000;

/// Bytes [begin, end) of a file, cut between two items.
struct Chunk {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t row = 0;  ///< how many line breaks are before `begin`
};

/// Cuts a text between top-level items so that each chunk is at most `safe_bytes` long where
/// possible; nothing if brackets are nested deeper than max_nesting (reported).
std::vector<Chunk> cut(FileId id, std::string_view text, Reporter& reporter);

/// What a chunk holds: whole items; a block whose body was left out (its header, to the `{`); or
/// items of the body that the last such block lacks.
enum class Part : std::uint8_t { items, header, body };

/// The tree of a chunk and where it begins. Places in the tree count from there.
struct ChunkTree {
  Chunk chunk;
  Tree tree;
  Part part = Part::items;
};

/// Parses a readable text and reports its syntax errors. A chunk that had to be given up has no
/// tree. With `cut_blocks` a large block without errors comes as a header and parts of its body.
std::vector<ChunkTree> parse_chunks(FileId id, std::string_view text, const Vocabulary& vocabulary,
                                    bool cut_blocks, Reporter& reporter);

}  // namespace hcipol::syntax
