// One test for each file of tests/golden: commands, files and all that must come of them, in one
// text.
//
//   # Free comment. These comments mean something:
//   # today 2030-01-01         the day (else 2022-06-01)
//   # env NO_COLOR=1           an environment variable
//   # unreadable PATH          reading the file fails; `# unwritable PATH`: writing and removing
//   $ hcipolc check            a command; also `$ cp FROM TO` and `$ rm PATH`
//   ! exit 1                   below a command: its exit code (else 0)
//   ! wrote nothing            the files are at the end what they were at the beginning
//   -- main.hcipol --          an input file
//   -- stdin --                standard input
//   -- stdout --               standard output, `-- stderr --` likewise (else empty)
//   -- files --                what became of the files: `+ new`, `~ changed`, `- removed`
//   -- out/PATH --             the text of PATH at the end
//
// With more than one command, each one's output is headed by its `$` line. HCIPOL_BLESS=1 rewrites
// the files in place.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/text.h"
#include "tests/support/archive.h"
#include "tests/support/line_diff.h"
#include "tests/support/repository.h"
#include "tests/support/session.h"

namespace hcipol::test {
namespace {

/// Words of a command line; quotes as in a shell, nothing else.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> out;
  std::optional<std::string> word;
  char quote = '\0';
  for (const char c : line) {
    if (quote != '\0') {
      if (c == quote) {
        quote = '\0';
      } else {
        *word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      if (!word) word.emplace();
    } else if (c == ' ') {
      if (word) out.push_back(*word);
      word.reset();
    } else {
      if (!word) word.emplace();
      *word += c;
    }
  }
  if (quote != '\0') throw std::runtime_error("a quote is open in " + std::string(line));
  if (word) out.push_back(*word);
  return out;
}

bool is_expectation(const std::string& name) {
  return name == "stdout" || name == "stderr" || name == "files" || name.starts_with("out/");
}

/// Runs a golden file; `actual` is then the same file as it should have been.
class GoldenCase {
 public:
  explicit GoldenCase(const Archive& expected) : expected_(expected) {
    std::map<std::string, std::string> inputs;
    for (const Section& section : expected.sections) {
      if (section.name == "stdin") {
        session_.stdin_text = section.text;
      } else if (!is_expectation(section.name)) {
        inputs.emplace(section.name, section.text);
      }
    }
    session_.files = TestFiles(inputs);
    commands_ = std::count_if(expected.head.begin(), expected.head.end(),
                              [](const std::string& line) { return line.starts_with("$ "); });
    if (commands_ == 0) throw std::runtime_error("there is no command");
    const auto before = session_.files.files();
    for (const std::string& line : expected.head) head_line(line);
    write_sections(before);
    if (wrote_nothing_) {
      EXPECT_EQ(changes(before), "") << "`! wrote nothing`";
    }
  }

  const Archive& actual() const { return actual_; }

 private:
  void head_line(const std::string& line) {
    if (line.starts_with("! exit ")) return;
    actual_.head.push_back(line);
    if (line.starts_with("# ")) {
      setting(words(line));
    } else if (line.starts_with("$ ")) {
      command(line);
    } else if (line == "! wrote nothing") {
      wrote_nothing_ = true;
    } else if (!line.empty() && line != "#") {
      throw std::runtime_error("no such line in the head: " + line);
    }
  }

  static std::vector<std::string> words(const std::string& line) {
    std::vector<std::string> out;
    for (const std::string_view word : split(line, ' ')) out.emplace_back(word);
    return out;
  }

  void setting(const std::vector<std::string>& line) {
    if (line.size() < 3) return;
    if (line[1] == "env" && line[2].find('=') != std::string::npos) {
      const std::size_t at = line[2].find('=');
      session_.variables[line[2].substr(0, at)] = line[2].substr(at + 1);
    }
    if (line.size() > 3) return;
    if (line[1] == "today") session_.today = parse_date(line[2]).value();
    if (line[1] == "unreadable") session_.files.unreadable.insert(line[2]);
    if (line[1] == "unwritable") session_.files.unwritable.insert(line[2]);
  }

  void command(const std::string& line) {
    std::vector<std::string> arguments = words_of(line.substr(2));
    if (arguments.size() == 3 && arguments[0] == "cp") return copy(arguments[1], arguments[2]);
    std::string error;
    if (arguments.size() == 2 && arguments[0] == "rm") {
      if (!session_.files.remove(arguments[1], error))
        throw std::runtime_error(line + ": " + error);
      return;
    }
    if (arguments.empty() || arguments[0] != "hcipolc") throw std::runtime_error("cannot " + line);
    arguments.erase(arguments.begin());

    const Outcome outcome = session_.run(arguments);
    if (outcome.exit != 0) actual_.head.push_back("! exit " + std::to_string(outcome.exit));
    append(out_, line, outcome.out);
    append(err_, line, outcome.err);
  }

  void copy(const std::string& from, const std::string& to) {
    std::string error;
    const auto text = session_.files.read(from, error);
    if (!text || !session_.files.write(to, *text, error)) throw std::runtime_error(error);
  }

  void append(std::string& all, const std::string& line, const std::string& output) const {
    if (commands_ > 1 && !output.empty()) all += line + "\n";
    all += output;
  }

  void write_sections(const std::map<std::string, std::string>& before) {
    for (const Section& section : expected_.sections) {
      const std::string& name = section.name;
      if (name == "stdout") {
        if (!out_.empty()) actual_.sections.push_back({name, out_});
      } else if (name == "stderr") {
        if (!err_.empty()) actual_.sections.push_back({name, err_});
      } else if (name == "files") {
        actual_.sections.push_back({name, changes(before)});
      } else if (name.starts_with("out/")) {
        const auto found = session_.files.files().find(name.substr(4));
        if (found != session_.files.files().end()) {
          actual_.sections.push_back({name, found->second});
        }
      } else {
        actual_.sections.push_back(section);
      }
    }
    if (!out_.empty() && !expected_.find("stdout")) actual_.sections.push_back({"stdout", out_});
    if (!err_.empty() && !expected_.find("stderr")) actual_.sections.push_back({"stderr", err_});
  }

  std::string changes(const std::map<std::string, std::string>& before) const {
    const auto& after = session_.files.files();
    std::vector<std::pair<std::string, char>> lines;
    for (const auto& [path, text] : after) {
      const auto old = before.find(path);
      if (old == before.end()) {
        lines.emplace_back(path, '+');
      } else if (old->second != text) {
        lines.emplace_back(path, '~');
      }
    }
    for (const auto& [path, text] : before) {
      if (!after.contains(path)) lines.emplace_back(path, '-');
    }
    std::sort(lines.begin(), lines.end());
    std::string out;
    for (const auto& [path, sign] : lines) out += std::string(1, sign) + " " + path + "\n";
    return out;
  }

  const Archive& expected_;
  Archive actual_;
  Session session_;
  std::ptrdiff_t commands_ = 0;
  bool wrote_nothing_ = false;
  std::string out_, err_;
};

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, Case) {
  const std::string path = "tests/golden/" + GetParam();
  const std::string expected = files_below(path.substr(0, path.rfind('/'))).at(path);
  const Archive archive = parse_archive(expected);
  const GoldenCase run(archive);
  const std::string actual = to_string(run.actual());
  if (actual == expected) return;
  if (blessing()) {
    write_file(path, actual);
  } else {
    FAIL() << unified_diff(expected, actual, path) << "\n(HCIPOL_BLESS=1 accepts this.)";
  }
}

std::vector<std::string> cases() {
  std::vector<std::string> out;
  const std::string folder = "tests/golden/";
  for (const auto& [path, text] : files_below("tests/golden", {".txt"})) {
    out.push_back(path.substr(folder.size()));
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace hcipol::test
