// Cutting a cell keeps the places of what is left.
#include "importer/cell.h"

#include <algorithm>
#include <numeric>

#include "support/text.h"

namespace hcipol::importer {

Cell Cell::part(std::size_t begin, std::size_t size) const {
  begin = std::min(begin, text.size());
  const std::size_t stop = std::min(size, text.size() - begin) + begin;
  Cell out{file, text.substr(begin, stop - begin), {}, stop < text.size() ? places[stop] : end};
  out.places.assign(places.begin() + static_cast<std::ptrdiff_t>(begin),
                    places.begin() + static_cast<std::ptrdiff_t>(stop));
  return out;
}

void Cell::add(char c, std::uint32_t place, std::uint32_t size) {
  text += c;
  places.push_back(place);
  end = place + size;
}

Cell verbatim(FileId file, std::string_view source, std::size_t begin, std::size_t end) {
  Cell out{
      file, std::string(source.substr(begin, end - begin)), {}, static_cast<std::uint32_t>(end)};
  out.places.resize(end - begin);
  std::iota(out.places.begin(), out.places.end(), static_cast<std::uint32_t>(begin));
  return out;
}

Cell trimmed(const Cell& cell) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t begin = cell.text.find_first_not_of(blanks);
  if (begin == std::string::npos) return cell.part(0, 0);
  return cell.part(begin, cell.text.find_last_not_of(blanks) + 1 - begin);
}

std::string collapsed(std::string_view text) {
  std::string out;
  for (const char c : one_line(text, text.size())) {
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
  }
  return std::string(trim(out));
}

}  // namespace hcipol::importer
