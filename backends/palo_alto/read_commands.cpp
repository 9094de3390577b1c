// Paths are not compared with what would have been written: they are looked up in the configuration
// by pugixml's XPath, as the device does it in its own. Moves are carried out in a rule base that
// has rules of others.
#include "backends/palo_alto/read_commands.h"

#include <algorithm>
#include <array>
#include <deque>

#include "backends/common/options.h"
#include "backends/common/read_text.h"
#include "backends/palo_alto/read_candidate.h"
#include "backends/palo_alto/read_characters.h"
#include "backends/palo_alto/read_set.h"
#include "backends/palo_alto/read_shell.h"

namespace hcipol::backends::palo_alto {

namespace {

using pugi::xml_node;

using Lines = ShellLines;

/// Stand for one or more commands of a kind.
constexpr std::string_view loads = "(loads)";
constexpr std::string_view moves = "(moves)";
constexpr std::string_view removals = "(removals)";

void add_kind(Lines& lines, std::string_view kind) {
  if (lines.empty() || lines.back() != kind) lines.emplace_back(kind);
}

Lines joined(std::initializer_list<Lines> parts) {
  Lines out;
  for (const Lines& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

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
        before_(text_option(context.options(), "before")),
        sections_(sections(configuration)) {}

  void read_apply() {
    Sections by_line, by_api;
    Rulebases moved_by_line = rulebases(), moved_by_api = rulebases();
    const std::string load_from_file = "load config partial from " + file_.path + " ";
    const Lines any_moves = moved_by_line.empty() ? Lines{} : Lines{std::string(moves)};
    std::optional<Move> list;  // for the rules whose names the lines are
    Lines other;
    each([&](std::string_view line) {
      if (list) {
        if (line == "END") {
          list.reset();
        } else if (!plain_name(line)) {
          fail("no name");
        } else {
          move(moved_by_api, *list, line);
        }
      } else if (const auto load = between(line, load_from_file, "")) {
        load_by_line(*load, by_line);
        add_kind(other, loads);
      } else if (const auto partial =
                     between(line,
                             "api \"\" --data-urlencode \"type=op\" --data-urlencode \"cmd=<load>"
                             "<config><partial>",
                             "</partial></config></load>\"")) {
        load_by_api(*partial, by_api);
        add_kind(other, loads);
      } else if (line.starts_with("move ")) {
        move_by_line(line, moved_by_line);
        add_kind(other, moves);
      } else if (line.starts_with("while ")) {
        list = moved_by_loop(line);
        add_kind(other, moves);
      } else {
        other.emplace_back(line);
      }
    });
    if (list || !in_place(moved_by_line)) fail("rules that are not in place");
    if (text_option(context_.options(), "format", "xml") == "set") {
      if (!by_line.empty() || !by_api.empty()) fail("loads");
      return expect_same(
          other, joined({{"set cli scripting-mode on", "request commit-lock add", "configure"},
                         any_moves,
                         {"validate full"}}));
    }
    if (!in_place(moved_by_api)) fail("rules that are not in place");
    if (by_line != sections_ || by_api != sections_) fail("not all sections in their order");
    const std::string file = file_.path;
    expect_same(
        other,
        joined({{"scp import configuration from USER@SERVER:/PATH/" + file,
                 "set cli scripting-mode on", "request commit-lock add", "configure",
                 std::string(loads)},
                any_moves,
                {"validate full", "(set -eu"},
                api_shell_function(),
                lock_shell_function(),
                {"lock", "api \"?type=import&category=configuration\" -F \"file=@" + file + "\"",
                 std::string(loads)},
                move_shell_function(),
                any_moves,
                validate_shell_function(),
                {"validate", ")"}}));
  }

  void read_remove() {
    RemovedEntries by_line(sections_), by_api(sections_);
    xml_node list;  // of whose entries the lines are names
    Lines other;
    each([&](std::string_view line) {
      if (list) {
        if (line == "END") {
          list = {};
        } else if (!plain_name(line) || !by_api.remove(list, line)) {
          fail("what is not there or still in use");
        }
      } else if (line.starts_with("delete ")) {
        remove_by_line(line, by_line);
        add_kind(other, removals);
      } else if (line.starts_with("while ")) {
        list = removed_by_api(line);
        add_kind(other, removals);
      } else {
        other.emplace_back(line);
      }
    });
    for (const RemovedEntries* removed : {&by_line, &by_api}) {
      if (list || !removed->all()) fail("not all entries are removed");
    }
    expect_same(other, joined({{"set cli scripting-mode on", "request commit-lock add", "configure",
                                std::string(removals), "exit", "(set -u", "stays=0"},
                               api_shell_function(),
                               lock_shell_function(),
                               {"lock || exit 1"},
                               remove_shell_function(),
                               {std::string(removals), "exit $stays)"}}));
  }

 private:
  using Sections = std::vector<xml_node>;

  using Rulebases = std::deque<RulebaseInUse>;

  /// Where rules go: to the top, or before a rule of others.
  struct Move {
    xml_node rules;
    std::string_view before;
  };

  Rulebases rulebases() const {
    Rulebases out;
    for (const xml_node section : sections_) {
      if (std::string_view(section.name()) != "rules") continue;
      // The rule of the option stands where packets come first.
      const std::string_view base = section.parent().parent().name();
      const bool first = base == configuration_.rulebases().front();
      out.emplace_back(section, first ? std::string_view(before_) : std::string_view());
    }
    return out;
  }
  static bool in_place(const Rulebases& rulebases) {
    return std::all_of(rulebases.begin(), rulebases.end(),
                       [](const RulebaseInUse& each) { return each.in_place(); });
  }
  void move(Rulebases& rulebases, const Move& move, std::string_view name) const {
    const auto found = std::find_if(rulebases.begin(), rulebases.end(),
                                    [&](const RulebaseInUse& each) { return each.is(move.rules); });
    if (found == rulebases.end() || !found->move(name, move.before)) fail("another move");
  }

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
    const std::string_view to = path(words);
    if (!same_place(from, to)) fail("to another place");
    word(" mode merge");
    if (!words.empty()) fail("words too many");
    out.push_back(find(to));
  }

  /// What is taken is named from below the root on, where it goes from the root on.
  static bool same_place(std::string_view from, std::string_view to) {
    constexpr std::string_view root = "/config/";
    return to.starts_with(root) && to.substr(root.size()) == from;
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
        !same_place(value("from-xpath"), value("to-xpath"))) {
      fail("another load");
    }
    out.push_back(find(value("to-xpath")));
  }

  /// Where a command's words point to, up to the last `more` of them.
  xml_node section_of(const std::vector<std::string_view>& words, std::size_t more) {
    if (words.size() < more + 2) fail("no place");
    // Most commands point to where the one before did.
    const std::string_view last = words[words.size() - more - 1];
    const std::string_view path(
        words[1].data(), static_cast<std::size_t>(last.data() + last.size() - words[1].data()));
    if (path != last_path_) {
      last_path_ = path;
      last_section_ = find_section(words, words.size() - more);
    }
    return last_section_;
  }
  xml_node find_section(const std::vector<std::string_view>& words, std::size_t end) const {
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
    for (; at < end; ++at) base = base.child(std::string(words[at]).c_str());
    return base;
  }

  void remove_by_line(std::string_view line, RemovedEntries& removed) {
    command_words(commands_.path, line_, line, words_);
    const xml_node section = section_of(words_, 1);
    if (!removed.remove(section, words_.back())) fail("what is not there or still in use");
  }

  void move_by_line(std::string_view line, Rulebases& rulebases) {
    command_words(commands_.path, line_, line, words_);
    const std::size_t size = words_.size();
    if (words_.back() == "top") {
      const Move to{section_of(words_, 2), {}};
      return move(rulebases, to, words_[size - 2]);
    }
    const Move to{section_of(words_, 3), words_.back()};
    if (words_[size - 2] != "before") fail("neither on top nor before a rule");
    move(rulebases, to, words_[size - 3]);
  }

  /// Where a loop over the lines behind it moves them.
  Move moved_by_loop(std::string_view line) const {
    const auto loop = between(line,
                              "while read -r name; do move --data-urlencode \"type=config\" "
                              "--data-urlencode \"action=move\" --data-urlencode \"xpath=",
                              "; done <<'END'");
    if (!loop) fail("no loop over names");
    constexpr std::string_view after_path = "/entry[@name='$name']\" --data-urlencode ";
    const std::size_t at = loop->find(after_path);
    if (at == std::string_view::npos) fail("no loop over names");
    const std::string_view path = loop->substr(0, at);
    if (path.find_first_of("\"$`\\") != std::string_view::npos) fail("a quotation that ends");
    const std::string_view where = loop->substr(at + after_path.size());
    if (where == "\"where=top\"") return {find(path), {}};
    const auto before = between(where, "\"where=before\" --data-urlencode \"dst=", "\"");
    if (!before) fail("neither on top nor before a rule");
    return {find(path), *before};
  }

  /// The section whose entries a loop over the lines behind it removes.
  xml_node removed_by_api(std::string_view line) const {
    constexpr std::string_view begin = "while read -r name; do remove \"";
    auto path = between(line, begin, "/entry[@name='$name']\" || :; done <<'END'");
    const bool may_stay = path.has_value();
    if (!path) path = between(line, begin, "/entry[@name='$name']\" || stays=1; done <<'END'");
    if (!path) fail("no loop over names");
    if (path->find_first_of("\"$`\\") != std::string_view::npos) fail("a quotation that ends");
    const xml_node section = find(*path);
    // A rule that stays goes on deciding.
    if (may_stay == (std::string_view(section.name()) == "rules")) fail("a rule that may stay");
    return section;
  }

  static bool plain_name(std::string_view name) {
    static constexpr Characters plain = Characters::word("._-");
    return plain.has_all(name);
  }

  void expect_same(const Lines& found, const Lines& lines) {
    if (found != lines) throw Unreadable(commands_.path, 0, "other commands than these");
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw Unreadable(commands_.path, line_, what);
  }

  const Artefact& commands_;
  const Artefact& file_;
  const Configuration& configuration_;
  const ReadContext& context_;
  std::string before_;
  Sections sections_;
  std::size_t line_ = 0;
  std::vector<std::string_view> words_;  ///< of the line, if it is a command with a path
  std::string_view last_path_;
  xml_node last_section_;
};

}  // namespace

void check_commands(const Artefact& apply, const Artefact& remove, const Artefact& file,
                    const Configuration& configuration, const ReadContext& context) {
  CommandReader(apply, file, configuration, context).read_apply();
  CommandReader(remove, file, configuration, context).read_remove();
}

}  // namespace hcipol::backends::palo_alto
