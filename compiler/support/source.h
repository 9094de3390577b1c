// Owns every source text of a run and turns byte offsets into lines and columns.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "support/span.h"

namespace hcipol {

/// A place as people count it: both from 1; the column counts Unicode code points.
struct LineColumn {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

/// One text. `path` is what diagnostics print: relative to where the command was started, or
/// `std/hci/21h2/…` for a file of the embedded library.
struct SourceFile {
  std::string path;
  std::string text;
  std::vector<std::uint32_t> line_starts;
};

/// The texts of one run. Files are never removed, so string_views into them stay valid.
class SourceMap {
 public:
  /// The first `hidden` bytes are in front of what somebody wrote, and on its first line: places
  /// are counted, and lines shown, without them.
  FileId add(std::string path, std::string text, std::uint32_t hidden = 0);

  const SourceFile& file(FileId id) const;
  std::string_view text(Span span) const;
  LineColumn line_column(FileId id, std::uint32_t offset) const;
  /// The line alone, which costs less.
  std::uint32_t line_of(FileId id, std::uint32_t offset) const;
  /// The line (from 1) without its line break.
  std::string_view line(FileId id, std::uint32_t line) const;
  std::size_t size() const { return files_.size(); }

 private:
  std::deque<SourceFile> files_;
};

}  // namespace hcipol
