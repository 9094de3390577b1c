// Reads and writes archives. What was read is written back byte for byte.
#include "tests/support/archive.h"

#include <algorithm>

namespace hcipol::test {

namespace {

constexpr std::string_view no_newline = "\\ no newline at the end\n";

bool is_marker(std::string_view line) {
  return line.size() > 6 && line.starts_with("-- ") && line.ends_with(" --");
}

}  // namespace

const Section* Archive::find(std::string_view name) const {
  const auto found = std::find_if(sections.begin(), sections.end(),
                                  [&](const Section& section) { return section.name == name; });
  return found == sections.end() ? nullptr : &*found;
}

Archive parse_archive(std::string_view text) {
  Archive out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (is_marker(line)) {
      out.sections.push_back({std::string(line.substr(3, line.size() - 6)), {}});
    } else if (out.sections.empty()) {
      out.head.emplace_back(line);
    } else {
      out.sections.back().text += std::string(line) + "\n";
    }
  }
  for (Section& section : out.sections) {
    if (!section.text.ends_with(no_newline)) continue;
    section.text.resize(section.text.size() - no_newline.size() - 1);
  }
  return out;
}

std::string to_string(const Archive& archive) {
  std::string out;
  for (const std::string& line : archive.head) out += line + "\n";
  for (const Section& section : archive.sections) {
    out += "-- " + section.name + " --\n" + section.text;
    if (!section.text.empty() && section.text.back() != '\n') out += "\n" + std::string(no_newline);
  }
  return out;
}

}  // namespace hcipol::test
