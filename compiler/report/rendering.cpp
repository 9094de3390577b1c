// Backends say which ids a file holds; the line is looked for, since every device writes ids its
// own way.
#include "report/rendering.h"

#include <algorithm>
#include <cctype>

#include "support/text.h"

namespace hcipol::report {

namespace {

bool touches(const flow::Part& part, const policy::Node& node) {
  return std::any_of(part.boxes.begin(), part.boxes.end(), [&](const net::Box& box) {
    return box.from.intersects(node.set->set) || box.to.intersects(node.set->set);
  });
}

bool of_a_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.' ||
         c == '/';
}

// Where a word stands that is no part of a longer one.
std::size_t find_word(std::string_view text, std::string_view word, std::size_t from = 0) {
  for (std::size_t at = text.find(word, from); at != text.npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool starts = at == 0 || !of_a_name(text[at - 1]);
    if (starts && (end == text.size() || !of_a_name(text[end]))) return at;
  }
  return text.npos;
}

}  // namespace

bool sees(const RenderedTarget& target, const flow::Part& part) {
  const auto at_a_server = [&](const RenderedFile& file) {
    return file.node == nullptr || touches(part, *file.node);
  };
  if (std::none_of(target.files.begin(), target.files.end(), at_a_server)) return false;
  return std::any_of(part.boxes.begin(), part.boxes.end(), [&](const net::Box& box) {
    return std::any_of(target.sees.begin(), target.sees.end(),
                       [&](const net::Box& seen) { return intersects(box, seen); });
  });
}

std::vector<Place> places(const RenderedTarget& target, const flow::Part& part,
                          const policy::Rule& rule) {
  std::vector<Place> out;
  for (const RenderedFile& file : target.files) {
    if (file.node != nullptr && !touches(part, *file.node)) continue;
    for (const auto& [id, from] : file.rules) {
      if (from == &rule) out.push_back({file.path, line_of(file.text, id), id});
    }
  }
  return out;
}

std::size_t line_of(std::string_view text, std::string_view id) {
  const std::vector<std::string_view> words = split(id, ' ');
  const auto rarest = std::max_element(words.begin(), words.end(),
                                       [](auto a, auto b) { return a.size() < b.size(); });
  for (std::size_t at = find_word(text, *rarest); at != text.npos;
       at = find_word(text, *rarest, at + 1)) {
    const std::size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
    const std::string_view line = text.substr(begin, text.find('\n', at) - begin);
    const bool all = std::all_of(words.begin(), words.end(), [&](std::string_view word) {
      return find_word(line, word) != line.npos;
    });
    if (all)
      return 1 + static_cast<std::size_t>(std::count(
                     text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
  }
  return 0;
}

}  // namespace hcipol::report
