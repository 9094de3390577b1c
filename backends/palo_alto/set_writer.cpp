// The form that the device itself prints with `set cli config-output-format set`: a command for
// each value, so that a difference in version control is the difference of the configuration.
#include "backends/palo_alto/set_writer.h"

#include <algorithm>

namespace hcipol::backends::palo_alto {

namespace {

// What a terminal can be trusted with: KB articles on pasting say 30 to 40 short lines at a time,
// and nothing about their length.
constexpr std::size_t members_in_a_line = 16;

bool plain_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._:/,@*-").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::string command_word(std::string_view text) {
  if (plain_word(text)) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += '\''; break;
      case '?': out += '.'; break;
      case '\\':
      case '|': out += '/'; break;
      default: out += c;
    }
  }
  return out + '"';
}

void SetWriter::members(const char* element, const Members& list) {
  if (list.empty()) return empty(element);
  if (list.size() == 1) return text(element, list.front());
  for (std::size_t first = 0; first < list.size(); first += members_in_a_line) {
    std::vector<std::string> words{element, "["};
    const std::size_t end = std::min(list.size(), first + members_in_a_line);
    for (std::size_t i = first; i < end; ++i) words.push_back(command_word(list[i]));
    words.emplace_back("]");
    line(words);
  }
}

std::string SetWriter::beginning() const {
  std::string out(verb_);
  for (const std::string& word : path_) out += " " + word;
  return out + " ";
}

void SetWriter::line(const std::vector<std::string>& words) {
  text_ += verb_;
  const auto add = [&](const std::string& word) {
    text_ += ' ';
    text_ += word;
  };
  for (const std::string& word : path_) add(word);
  for (const std::string& word : words) add(word);
  text_ += '\n';
}

std::size_t open_place(SetWriter& out, const Location& location, bool shared) {
  if (shared) {
    out.open("shared");
    return 1;
  }
  // A firewall without several virtual systems knows no `vsys` on the command line.
  if (!location.panorama() && !location.named) return 0;
  out.open(location.panorama() ? "device-group" : "vsys");
  out.open("entry", "name", location.name);
  return 2;
}

}  // namespace hcipol::backends::palo_alto
