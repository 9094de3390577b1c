// Paths are not compared with what would have been written: they are looked up in the configuration
// by pugixml's XPath, as the device does it in its own.
#include "backends/palo_alto/read_commands.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "backends/common/options.h"
#include "backends/common/read_text.h"
#include "backends/palo_alto/read_set.h"

namespace hcipol::backends::palo_alto {

namespace {

using pugi::xml_node;

constexpr std::string_view api_shell_function =
    R"(api() { curl -sS -H "X-PAN-KEY: $KEY" "https://$HOST/api/" "$@"; echo; })";

/// What stands between two texts, if `text` begins with one and ends with the other.
std::optional<std::string_view> between(std::string_view text, std::string_view before,
                                        std::string_view after) {
  if (text.size() < before.size() + after.size() || !text.starts_with(before) ||
      !text.ends_with(after)) {
    return std::nullopt;
  }
  return text.substr(before.size(), text.size() - before.size() - after.size());
}

/// The sections with entries, none before what it uses.
std::vector<xml_node> sections(const Configuration& configuration) {
  std::vector<xml_node> out;
  const auto add = [&](xml_node section) {
    if (section.first_child()) out.push_back(section);
  };
  for (const char* path : {"tag", "address", "address-group", "application", "service",
                           "external-list", "schedule", "profiles/custom-url-category"}) {
    add(configuration.objects().first_element_by_path(path));
  }
  for (const char* rulebase : configuration.rulebases()) {
    add(configuration.rules().child(rulebase).child("security").child("rules"));
  }
  return out;
}

class CommandReader {
 public:
  CommandReader(const Artefact& commands, const Artefact& file, const Configuration& configuration,
                const ReadContext& context)
      : commands_(commands),
        file_(file),
        configuration_(configuration),
        context_(context),
        sections_(sections(configuration)) {}

  void read_apply() {
    if (text_option(context_.options(), "format", "xml") == "set") {
      return expect({"set cli scripting-mode on", "configure", "validate full"});
    }
    std::vector<std::string> other;
    Sections by_line, by_api;
    each([&](std::string_view line) {
      if (const auto load = between(line, "load config partial from " + file_.path + " ", "")) {
        load_by_line(*load, by_line);
      } else if (const auto partial =
                     between(line,
                             "api --data-urlencode \"type=op\" --data-urlencode \"cmd=<load>"
                             "<config><partial>",
                             "</partial></config></load>\"")) {
        load_by_api(*partial, by_api);
      } else {
        other.emplace_back(line);
      }
    });
    if (by_line != sections_ || by_api != sections_) fail("not all sections in their order");
    expect_same(other, {"scp import configuration from USER@SERVER:/PATH/" + file_.path,
                        "configure", "validate full", std::string(api_shell_function),
                        "curl -sS -H \"X-PAN-KEY: $KEY\" -F \"file=@" + file_.path +
                            "\" \"https://$HOST/api/?type=import&category=configuration\"; echo",
                        "api --data-urlencode \"type=op\" --data-urlencode "
                        "\"cmd=<validate><full></full></validate>\""});
  }

  void read_remove() {
    std::vector<std::string> other;
    Removed by_line(sections_), by_api(sections_);
    xml_node list;  // of whose entries the lines are names
    each([&](std::string_view line) {
      if (list) {
        if (line == "END") {
          list = {};
        } else if (!plain_name(line) || !by_api.remove(list, line)) {
          fail("what is not there or still in use");
        }
      } else if (line.starts_with("delete ")) {
        remove_by_line(line, by_line);
      } else if (line.starts_with("while ")) {
        list = removed_by_api(line);
      } else {
        other.emplace_back(line);
      }
    });
    for (const Removed* removed : {&by_line, &by_api}) {
      if (list || !removed->all()) fail("not all entries are removed");
    }
    expect_same(other, {std::string(api_shell_function)});
  }

 private:
  using Sections = std::vector<xml_node>;

  /// Entries that a way of removing has named, from the last section to the first.
  class Removed {
   public:
    explicit Removed(const Sections& sections) : sections_(sections), at_(sections.size()) {}

    /// False for what is not there, has been removed, or is still in use.
    bool remove(xml_node section, std::string_view name) {
      const auto found = std::find(sections_.begin(), sections_.end(), section);
      const auto index = static_cast<std::size_t>(found - sections_.begin());
      if (index == sections_.size() || index > at_) return false;
      if (index < at_) {
        if (!done() || index + 1 != at_) return false;
        at_ = index;
        left_.clear();
        for (const xml_node& entry : section.children()) {
          left_.insert(entry.attribute("name").value());
        }
      }
      return left_.erase(name) == 1;
    }
    bool all() const { return at_ == 0 && done(); }

   private:
    bool done() const { return left_.empty(); }

    const Sections& sections_;
    std::size_t at_;
    std::unordered_set<std::string_view> left_;
  };

  template <class Take>
  void each(Take take) {
    for_each_line(commands_.path, commands_.text, [&](std::string_view line, std::size_t number) {
      line_ = number;
      if (!line.empty() && !line.starts_with('#')) take(line);
    });
  }

  xml_node find(std::string_view path) const {
    try {
      const auto found = configuration_.tree().select_nodes(std::string(path).c_str());
      if (found.size() == 1) return found.first().node();
    } catch (const pugi::xpath_exception&) {
    }
    fail("a path to nowhere");
  }

  void load_by_line(std::string_view words, Sections& out) const {
    // A path stands in quotation marks if it has a blank.
    const auto path = [&](std::string_view& text) {
      const bool quoted = text.starts_with('"');
      const std::size_t end = quoted ? text.find('"', 1) : text.find(' ');
      if (end == std::string_view::npos) fail("no path");
      const std::string_view found = text.substr(quoted ? 1 : 0, end - (quoted ? 1 : 0));
      if (!quoted && found.find('"') != std::string_view::npos) fail("no path");
      text.remove_prefix(end + (quoted ? 1 : 0));
      return found;
    };
    const auto word = [&](std::string_view expected) {
      if (!words.starts_with(expected)) fail("another word than `" + std::string(expected) + "`");
      words.remove_prefix(expected.size());
    };
    word("from-xpath ");
    const std::string_view from = path(words);
    word(" to-xpath ");
    if (path(words) != from) fail("to another place");
    word(" mode merge");
    if (!words.empty()) fail("words too many");
    out.push_back(find(from));
  }

  void load_by_api(std::string_view partial, Sections& out) const {
    if (partial.find_first_of("\"$`\\") != std::string_view::npos) fail("a quotation that ends");
    pugi::xml_document tree;
    if (!tree.load_buffer(partial.data(), partial.size(),
                          pugi::parse_default | pugi::parse_fragment))
      fail("no XML");
    const std::array names{"from", "from-xpath", "to-xpath", "mode"};
    std::size_t count = 0;
    for ([[maybe_unused]] const xml_node& node : tree.children()) ++count;
    const auto value = [&](const char* name) {
      return std::string_view(tree.child(name).text().get());
    };
    if (count != names.size() || value("from") != file_.path || value("mode") != "merge" ||
        value("from-xpath") != value("to-xpath")) {
      fail("another load");
    }
    out.push_back(find(value("from-xpath")));
  }

  void remove_by_line(std::string_view line, Removed& removed) const {
    const std::vector<std::string_view> words = command_words(commands_.path, line_, line);
    std::size_t at = 1;
    const bool named = !text_option(context_.options(), "vsys").empty();
    const std::string_view place = words[at];
    const xml_node rules = configuration_.rules();
    xml_node base = rules;
    if (place == "shared") {
      base = configuration_.shared();
      ++at;
    } else if (place == "device-group" || place == "vsys") {
      if (at + 1 == words.size() || words[at + 1] != rules.attribute("name").value() ||
          place != rules.parent().name() || (place == "vsys" && !named)) {
        fail("another place");
      }
      at += 2;
    } else if (named || std::string_view(rules.parent().name()) != "vsys") {
      fail("no place");
    }
    for (; at + 1 < words.size(); ++at) base = base.child(std::string(words[at]).c_str());
    if (!removed.remove(base, words.back())) fail("what is not there or still in use");
  }

  /// The section whose entries a loop over the lines behind it removes.
  xml_node removed_by_api(std::string_view line) const {
    const auto path = between(line,
                              "while read -r name; do api --data-urlencode \"type=config\" "
                              "--data-urlencode \"action=delete\" --data-urlencode \"xpath=",
                              "/entry[@name='$name']\"; done <<'END'");
    if (!path) fail("no loop over names");
    if (path->find_first_of("\"$`\\") != std::string_view::npos) fail("a quotation that ends");
    return find(*path);
  }

  static bool plain_name(std::string_view name) {
    return std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '.' || c == '_' || c == '-';
    });
  }

  void expect(const std::vector<std::string>& lines) {
    std::vector<std::string> found;
    each([&](std::string_view line) { found.emplace_back(line); });
    expect_same(found, lines);
  }
  void expect_same(const std::vector<std::string>& found, const std::vector<std::string>& lines) {
    if (found != lines) throw Unreadable(commands_.path, 0, "other commands than these");
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw Unreadable(commands_.path, line_, what);
  }

  const Artefact& commands_;
  const Artefact& file_;
  const Configuration& configuration_;
  const ReadContext& context_;
  Sections sections_;
  std::size_t line_ = 0;
};

}  // namespace

void check_commands(const Artefact& apply, const Artefact& remove, const Artefact& file,
                    const Configuration& configuration, const ReadContext& context) {
  CommandReader(apply, file, configuration, context).read_apply();
  CommandReader(remove, file, configuration, context).read_remove();
}

}  // namespace hcipol::backends::palo_alto
