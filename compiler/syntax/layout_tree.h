// The tree that the formatter works on: every token and comment of a file, measured.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "syntax/chunks.h"
#include "syntax/tree.h"

namespace hcipol::syntax {

/// A node with all its tokens, except that commas between elements are left out: the layout puts
/// them.
struct LayoutNode {
  /// The width of what cannot stand on one line.
  static constexpr std::uint32_t unbounded = 1U << 30;

  Kind kind = Kind::other;
  Field field = Field::none;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t row = 0;
  std::uint32_t end_row = 0;
  std::uint32_t width = 0;  ///< on one line, in code points
  /// A comment stands where the layout has no place for one: the item is left as it was written.
  bool stray_comment = false;
  std::vector<LayoutNode> children;

  const LayoutNode* child(Field wanted) const;
};

/// The items and comments of a file.
LayoutNode layout_tree(std::string_view text, const std::vector<ChunkTree>& chunks,
                       const Vocabulary& vocabulary);

/// What stands between two neighbours in a node that is written on one line.
std::string_view gap(Kind parent, Kind left, Kind right);

}  // namespace hcipol::syntax
