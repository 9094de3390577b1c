// A cursor over the concrete tree of a chunk, with what its nodes say.
#pragma once

#include "diagnostics/reporter.h"
#include "syntax/parser.h"
#include "syntax/tree.h"

namespace hcipol::syntax {

/// Where the builders are in the tree. They share one, so that depth is counted over items and
/// expressions together.
class TreeReader {
 public:
  /// `base` is where the text of the tree begins in `text`.
  TreeReader(FileId id, std::string_view text, std::uint32_t base, TSNode root,
             const Vocabulary& vocabulary, Reporter& reporter)
      : id_(id),
        text_(text),
        base_(base),
        vocabulary_(vocabulary),
        reporter_(reporter),
        cursor_(root) {}

  TSNode node() const { return cursor_.node(); }
  Kind kind() const { return vocabulary_.kind(node()); }
  Kind kind(TSNode of) const { return vocabulary_.kind(of); }
  Field field() const { return vocabulary_.field(cursor_.field()); }
  Span span() const { return span(node()); }
  Span span(TSNode of) const {
    return {id_, base_ + ts_node_start_byte(of), base_ + ts_node_end_byte(of)};
  }
  std::string_view text(Span of) const { return text_.substr(of.begin, of.end - of.begin); }
  std::string_view source() const { return text_; }
  Reporter& reporter() const { return reporter_; }

  template <class Visit>
  void each_child(Visit&& visit) {
    cursor_.each_child(std::forward<Visit>(visit));
  }

  /// Goes one level deeper; false, and E0130 once per chunk, when that is too deep. Everything
  /// after this room recurses over its trees, so this is where depth is bounded.
  bool enter() {
    if (depth_ < max_nesting) {
      ++depth_;
      return true;
    }
    if (!reported_depth_) reporter_.report<Diag::too_deep>(span(), max_nesting);
    reported_depth_ = true;
    return false;
  }
  void leave() { --depth_; }

 private:
  FileId id_;
  std::string_view text_;
  std::uint32_t base_;
  const Vocabulary& vocabulary_;
  Reporter& reporter_;
  Cursor cursor_;
  unsigned depth_ = 0;
  bool reported_depth_ = false;
};

}  // namespace hcipol::syntax
