// Line tables are built when a file is added: diagnostics are rare, but their cost must not depend
// on how many there are.
#include "support/source.h"

#include <algorithm>
#include <cstring>

#include "support/bug.h"
#include "support/text.h"

namespace hcipol {

FileId SourceMap::add(std::string path, std::string text, std::uint32_t hidden) {
  SourceFile file{std::move(path), std::move(text), {hidden}};
  const char* begin = file.text.data();
  const char* end = begin + file.text.size();
  for (const char* at = begin; at < end;) {
    const void* newline = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
    if (newline == nullptr) break;
    at = static_cast<const char*>(newline) + 1;
    file.line_starts.push_back(static_cast<std::uint32_t>(at - begin));
  }
  files_.push_back(std::move(file));
  return static_cast<FileId>(files_.size() - 1);
}

const SourceFile& SourceMap::file(FileId id) const {
  const auto index = static_cast<std::size_t>(id);
  if (index >= files_.size()) bug("a span names a file that was never loaded");
  return files_[index];
}

std::string_view SourceMap::text(Span span) const {
  return std::string_view(file(span.file).text).substr(span.begin, span.end - span.begin);
}

LineColumn SourceMap::line_column(FileId id, std::uint32_t offset) const {
  const SourceFile& source = file(id);
  offset = std::clamp(offset, source.line_starts.front(),
                      static_cast<std::uint32_t>(source.text.size()));
  const std::uint32_t line = line_of(id, offset);
  const std::uint32_t start = source.line_starts[line - 1];
  const auto before = std::string_view(source.text).substr(start, offset - start);
  return {line, static_cast<std::uint32_t>(code_points(before) + 1)};
}

std::uint32_t SourceMap::line_of(FileId id, std::uint32_t offset) const {
  const SourceFile& source = file(id);
  offset = std::max(offset, source.line_starts.front());
  const auto next = std::upper_bound(source.line_starts.begin(), source.line_starts.end(), offset);
  return static_cast<std::uint32_t>(next - source.line_starts.begin());
}

std::string_view SourceMap::line(FileId id, std::uint32_t line) const {
  const SourceFile& source = file(id);
  if (line == 0 || line > source.line_starts.size()) return {};
  const std::uint32_t begin = source.line_starts[line - 1];
  const std::size_t end =
      line < source.line_starts.size() ? source.line_starts[line] - 1u : source.text.size();
  auto text = std::string_view(source.text).substr(begin, end - begin);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace hcipol
