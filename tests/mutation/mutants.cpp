// Faults are made in the text, without a model of the file that could share a mistake with a
// reader.
#include "tests/mutation/mutants.h"

#include <regex>
#include <sstream>

#include "net/address_set.h"

namespace hcipol::test {

namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

}  // namespace

std::vector<std::size_t> spread(std::size_t count, std::size_t most) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < std::min(count, most); ++i) {
    out.push_back(count <= most ? i : i * count / most);
  }
  return out;
}

LineFaults::LineFaults(const backends::Emission& emission, std::size_t artefact, Mutants& out,
                       std::string_view from)
    : artefact_(artefact), path_(emission.artefacts[artefact].path), out_(out) {
  std::istringstream text(emission.artefacts[artefact].text);
  for (std::string line; std::getline(text, line);) lines_.push_back(line);
  while (first_ < lines_.size() && !lines_[first_].starts_with(from)) ++first_;
}

void LineFaults::add(std::string_view fault, std::string_view place, std::string text) {
  out_.push_back(
      {std::string(fault), path_ + ": " + std::string(place), {{artefact_, std::move(text)}}, {}});
}

void LineFaults::each(std::string_view fault, const Edit& edit, std::size_t most) {
  std::vector<std::pair<std::size_t, std::string>> places;
  for (std::size_t i = first_; i < lines_.size(); ++i) {
    auto changed = edit(lines_[i]);
    if (changed && *changed != lines_[i]) places.emplace_back(i, *std::move(changed));
  }
  for (const std::size_t p : spread(places.size(), most)) {
    const auto& [line, changed] = places[p];
    std::vector<std::string> lines = lines_;
    lines[line] = changed;
    if (changed.empty()) lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(line));
    add(fault, lines_[line] + " => " + changed, joined(lines));
  }
}

void LineFaults::swap(std::string_view fault, const std::function<bool(const std::string&)>& is,
                      std::size_t most) {
  std::vector<std::size_t> places;
  for (std::size_t i = first_; i < lines_.size(); ++i) {
    if (is(lines_[i])) places.push_back(i);
  }
  if (places.size() < 2) return;
  for (const std::size_t p : spread(places.size() - 1, most)) {
    std::vector<std::string> lines = lines_;
    std::swap(lines[places[p]], lines[places[p + 1]]);
    if (lines != lines_) add(fault, lines_[places[p]], joined(lines));
  }
}

void LineFaults::truncate() {
  const std::string text = joined(lines_);
  add("truncated file", "half of it", text.substr(0, text.size() / 2));
  std::vector<std::string> lines = lines_;
  lines.pop_back();
  add("truncated file", "no last line", joined(lines));
}

void LineFaults::missing() {
  out_.push_back({"missing file", path_, {}, artefact_});
}

Changed by_regex(const std::string& line, const char* pattern, const char* with) {
  const std::regex regex(pattern);
  if (!std::regex_search(line, regex)) return std::nullopt;
  return std::regex_replace(line, regex, with, std::regex_constants::format_first_only);
}

std::optional<std::string> replaced(const std::string& text, std::string_view from,
                                    std::string_view to) {
  const auto at = text.find(from);
  if (at == std::string::npos) return std::nullopt;
  return text.substr(0, at) + std::string(to) + text.substr(at + from.size());
}

std::optional<std::string> widened(const std::string& text) {
  static const std::regex prefix(
      R"((\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|[0-9a-f]{1,4}:[0-9a-f:]*:[0-9a-f:]*)(/(\d+))?(?![-.\d]))");
  std::smatch match;
  if (!std::regex_search(text, match, prefix)) return std::nullopt;
  const auto address = net::parse_address(match[1].str());
  if (!address) return std::nullopt;
  const unsigned length = match[3].matched ? static_cast<unsigned>(std::stoul(match[3].str()))
                                           : net::width(address->family);
  if (length < 2) return std::nullopt;
  const net::Cidr wider{net::first_of(*address, length - 1), length - 1};
  return match.prefix().str() + net::to_string(wider) + match.suffix().str();
}

std::optional<std::string> without_label(const std::string& text) {
  static const std::regex name(R"((\*\.)?[a-z0-9-]+\.([a-z0-9-]+\.[a-z0-9.-]*[a-z]))");
  std::smatch match;
  if (!std::regex_search(text, match, name)) return std::nullopt;
  return match.prefix().str() + match[1].str() + match[2].str() + match.suffix().str();
}

void faults_of_dnsmasq_names(LineFaults& faults, const std::string& start) {
  faults.each(
      "removed name",
      [start](const std::string& line) -> Changed {
        if (!line.starts_with(start)) return std::nullopt;
        return "";
      },
      12);
  faults.each(
      "widened wildcard",
      [start](const std::string& line) {
        return line.starts_with(start) ? without_label(line) : std::nullopt;
      },
      8);
  faults.each(
      "lost set",
      [start](const std::string& line) -> Changed {
        return line.starts_with(start) ? by_regex(line, ",[^,]+$", "") : std::nullopt;
      },
      8);
  faults.each("name twice", [start](const std::string& line) -> Changed {
    if (!line.starts_with(start)) return std::nullopt;
    return line + "\n" + line;
  });
  faults.missing();
}

void faults_of_dnsmasq_cache(LineFaults& faults) {
  faults.each("removed option", [](const std::string& line) -> Changed {
    if (!line.starts_with("max-")) return std::nullopt;
    return "";
  });
  faults.each("long cache",
              [](const std::string& line) { return by_regex(line, "=3600", "=999999"); });
  faults.each("unknown attribute",
              [](const std::string& line) { return by_regex(line, "^max-", "min-"); });
  faults.missing();
}

}  // namespace hcipol::test
