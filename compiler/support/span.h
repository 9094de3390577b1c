// A place in a source text: a file and a half-open range of bytes.
#pragma once

#include <compare>
#include <cstdint>

namespace hcipol {

/// Index of a file in a SourceMap. `no_file` stands for the command line and the environment.
enum class FileId : std::uint32_t { no_file = 0xffffffffu };

/// Bytes [begin, end) of a file. A default Span points nowhere and is rendered without a snippet.
struct Span {
  FileId file = FileId::no_file;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  friend auto operator<=>(const Span&, const Span&) = default;
};

}  // namespace hcipol
