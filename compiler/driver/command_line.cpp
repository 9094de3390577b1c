// Flags and commands; what CLI11 says about a mistake is put into our own words where ours are
// better.
#include "driver/command_line.h"

#include <fmt/format.h>

#include <algorithm>

#include <CLI/CLI.hpp>

#include "driver/commands.h"
#include "driver/deny.h"
#include "driver/version.h"
#include "importer/importer.h"
#include "support/text.h"

namespace hcipol::driver {

namespace {

constexpr std::string_view usage =
    R"(hcipolc compiles firewall policies for Azure Stack HCI clusters.

usage: hcipolc COMMAND [PATH] [FLAGS]     PATH: a directory, a file, or - for standard input

)";

constexpr std::string_view flags = R"(
build:      -t, --target NAME[,NAME]   only these targets (default: every `target` block)
            -o, --output DIR           where to write (default: build); - for standard output
            --file PATH                with -o -: which file
            --check                    compare with what is there, write nothing
            --no-optimise              a device rule for every rule of the policy
            --no-verify                do not read the files back to prove what they mean
check:      --deny CODE[,CODE]         warnings to fail on: W0412, or W04 for all that begin so; build too
fmt:        --check                    list what is not formatted, write nothing
            --diff                     show what would change, write nothing
lock:       --check                    fail if hcipol.lock is not what the policy uses (default)
            --upgrade                  show what a new library opens and closes, and accept it
why:        --cluster NAME             only this cluster;  --json
show:       --by rule|peer|service     how the table is put in order;  --json
            --matrix                   who reaches whom, from the effective policy
            --names                    the host names of all rules, one a line, to be looked up
            --html FILE, --svg FILE    matrix and features as a page or a picture; - for output
targets:    --json
test:       --run RE                   only the tests whose sentence matches;  --json
            --junit FILE, --coverage   results as JUnit XML; the rules that no test touches
plan:       --base REV|DIR|FILE.json   what to compare with (default: HEAD); FILE: by show --json
            --json, --markdown         for programs, for a pull request; diff: these too
            --exit-code                diff too: exit 2 if flows change
doc:        [MODULE] --format markdown|html|json, -o FILE (default: - for output), --stdlib DIR
            --cloud NAME, --region NAME  for one cloud, with the names of one region
graph:      --of features|modules|roles   features: PATH may be a module, as in std/hci/21h2
import:     endpoints FILE             a list of URLs: JSON, a Markdown page, CSV, or names
            -o, --output FILE          where to write (default: -, standard output)
            --feature NAME             what it is called (default: after FILE);  --from ROLE
            --widen-globs              open `*.x` for `a*.x`;  --skip-refused: leave bad rows out
policies:   --as-of DATE               the day that counts as today (default: SOURCE_DATE_EPOCH, today)
            --var NAME=VALUE           a variable of the policy, repeatable
            --stdlib DIR               a library to read instead of the bundled one
            --stdin-filename NAME      what messages call standard input
always:     --format human|short|json  diagnostics, on standard error
            --color auto|always|never  -q, --quiet  no warnings, no summary

examples:   hcipolc check
            hcipolc build --target azure-firewall
            hcipolc build -t iptables -o - --file rules.v4 | iptables-restore --test

exit codes: 0 fine · 1 the policy is wrong, a test failed, or --check differs · 2 flows change (--exit-code)
            3 usage or environment · 70 a bug
)";

std::string help() {
  std::string out(usage);
  for (const Command& command : commands()) {
    out += fmt::format("  {:<10}{}\n", command.name, command.summary);
  }
  return out + std::string(flags);
}

/// The parser of one command, with what it writes into Options.
class Reader {
 public:
  explicit Reader(Reporter& reporter) : reporter_(reporter) {}

  std::variant<std::monostate, Options, Answer> read(std::vector<std::string> words) {
    if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
      return Answer{help()};
    }
    if (words[0] == "--version") words[0] = "version";
    const auto known = std::find_if(commands().begin(), commands().end(),
                                    [&](const Command& c) { return c.name == words[0]; });
    if (known == commands().end()) return unknown_command(words[0]);
    options_.command = words[0];
    const bool wants_help = std::any_of(words.begin(), words.end(), [](const std::string& word) {
      return word == "--help" || word == "-h";
    });
    if (wants_help) return Answer{help()};
    define();
    words.erase(words.begin());
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
    try {
      app_.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
      return refuse(error);
    }
    if (!settle()) return std::monostate{};
    return options_;
  }

 private:
  bool is(std::string_view command) const { return options_.command == command; }

  void define() {
    app_.set_help_flag("");
    if (is("import")) options_.output = "-";
    // Pages have formats too, and are what people ask `doc` for.
    if (is("doc")) {
      app_.add_option("module", options_.module);
      app_.add_option("--format", options_.page)
          ->check(CLI::IsMember({"markdown", "html", "json"}));
      app_.add_option("--cloud", options_.cloud)
          ->check(CLI::IsMember({"public", "usgov", "china"}));
      app_.add_option("--region", options_.region);
      options_.output = "-";
      app_.add_option("-o,--output", options_.output);
      app_.add_option("--stdlib", options_.library_directory);
    } else {
      app_.add_option("--format", format_)->check(CLI::IsMember({"human", "short", "json"}));
    }
    app_.add_option("--color", color_)->check(CLI::IsMember({"auto", "always", "never"}));
    app_.add_flag("-q,--quiet", options_.quiet);
    const bool reads_policy = is("check") || is("build") || is("why") || is("show") ||
                              is("graph") || is("lock") || is("test") || is("plan") || is("diff");
    if (is("why")) {
      app_.add_option("flow", options_.flow)->required();
      app_.add_option("--cluster", options_.cluster);
    }
    if (reads_policy) {
      if (!is("diff")) app_.add_option("path", options_.path);
      app_.add_option("--as-of", as_of_);
      app_.add_option("--var", variables_)->allow_extra_args(false);
      app_.add_option("--stdlib", options_.library_directory);
    }
    if (reads_policy || is("fmt") || is("import"))
      app_.add_option("--stdin-filename", options_.stdin_name);
    if (is("build")) {
      app_.add_option("-t,--target", options_.targets)->delimiter(',')->allow_extra_args(false);
      app_.add_option("-o,--output", options_.output);
      app_.add_option("--file", options_.file);
      app_.add_flag("!--no-optimise", options_.optimise);
      app_.add_flag("!--no-verify", options_.verify);
    }
    if (is("build") || is("fmt") || is("lock")) app_.add_flag("--check", options_.check);
    if (is("check") || is("build")) {
      app_.add_option("--deny", options_.deny)->delimiter(',')->allow_extra_args(false);
    }
    if (is("fmt")) {
      app_.add_option("path", options_.paths);
      app_.add_flag("--diff", options_.diff);
    }
    if (is("show")) {
      app_.add_option("--by", options_.by)->check(CLI::IsMember({"rule", "peer", "service"}));
      app_.add_flag("--matrix", options_.matrix);
      app_.add_flag("--names", options_.names);
      app_.add_option("--html", options_.html);
      app_.add_option("--svg", options_.svg);
    }
    if (is("test")) {
      app_.add_option("--run", options_.run);
      app_.add_option("--junit", options_.junit);
      app_.add_flag("--coverage", options_.coverage);
    }
    if (is("plan")) app_.add_option("--base", options_.base);
    if (is("diff")) app_.add_option("paths", options_.paths);
    if (is("plan") || is("diff")) {
      app_.add_flag("--exit-code", options_.exit_code);
      app_.add_flag("--markdown", options_.markdown);
    }
    if (is("why") || is("show") || is("targets") || is("test") || is("plan") || is("diff"))
      app_.add_flag("--json", options_.json);
    if (is("graph")) {
      app_.add_option("--of", options_.graph_of)
          ->check(CLI::IsMember({"features", "modules", "roles"}));
    }
    if (is("import")) {
      app_.add_option("kind", import_kind_);
      app_.add_option("list", options_.list);
      app_.add_option("-o,--output", options_.output);
      app_.add_option("--feature", options_.feature);
      app_.add_option("--from", options_.from);
      app_.add_flag("--widen-globs", options_.widen_globs);
      app_.add_flag("--skip-refused", options_.skip_refused);
    }
    if (is("lock")) app_.add_flag("--upgrade", options_.upgrade);
    if (is("explain")) app_.add_option("code", options_.code)->required();
  }

  // Values that need more than their text.
  bool settle() {
    options_.format = format_ == "json"    ? DiagnosticFormat::json
                      : format_ == "short" ? DiagnosticFormat::short_
                                           : DiagnosticFormat::human;
    options_.color = color_ == "always"  ? Color::always
                     : color_ == "never" ? Color::never
                                         : Color::automatic;
    if (is("fmt") && options_.paths.empty()) options_.paths = {"."};
    bool good = true;
    if (!as_of_.empty()) {
      options_.as_of = parse_date(as_of_);
      if (!options_.as_of) {
        reporter_.report<Diag::bad_date>(Span{}, one_line(as_of_, 80),
                                         "`--as-of` takes 2022-09-30");
        good = false;
      }
    }
    for (const std::string& pair : variables_) {
      const std::size_t equals = pair.find('=');
      if (equals == std::string::npos || equals == 0) {
        wrong(fmt::format("`--var` takes NAME=VALUE, not `{}`", one_line(pair, 80)));
        good = false;
      } else {
        options_.variables[pair.substr(0, equals)] = pair.substr(equals + 1);
      }
    }
    if (options_.check && options_.upgrade) {
      wrong("`--check` and `--upgrade` are two things");
      good = false;
    }
    for (std::string& code : options_.deny) good = settle_denied(code) && good;
    if (!options_.file.empty() && options_.output != "-") {
      wrong("`--file` goes with `-o -`");
      good = false;
    }
    if (options_.json && options_.markdown) {
      wrong("`--json` does not go with `--markdown`");
      good = false;
    }
    if (is("import")) good = settle_import() && good;
    if (is("diff") && options_.paths.size() != 2) {
      wrong("`diff` compares two policies: hcipolc diff A B");
      good = false;
    }
    if (options_.check && options_.output == "-") {
      wrong("`--check` compares files, so it does not go with `-o -`");
      good = false;
    }
    const int forms = static_cast<int>(options_.json) + static_cast<int>(options_.by != "rule") +
                      static_cast<int>(options_.matrix) + static_cast<int>(options_.names) +
                      static_cast<int>(!options_.html.empty()) +
                      static_cast<int>(!options_.svg.empty());
    if (is("show") && forms > 1) {
      wrong(
          "`--by`, `--matrix`, `--names`, `--html`, `--svg` and `--json` are six forms, and `show` "
          "has one");
      good = false;
    }
    return good;
  }

  bool settle_import() {
    if (import_kind_ != "endpoints" || options_.list.empty()) {
      wrong("`import` reads a list of endpoints: hcipolc import endpoints FILE");
      return false;
    }
    bool good = true;
    for (const auto& [flag, name] :
         {std::pair("--feature", &options_.feature), std::pair("--from", &options_.from)}) {
      if (name->empty() && name == &options_.feature) continue;
      if (importer::is_name(*name)) continue;
      wrong(fmt::format("`{}` takes a name, not `{}`", flag, one_line(*name, 80)))
          .help("letters, digits, `-` and `_`, starting with a letter, at most 63");
      good = false;
    }
    return good;
  }

  bool settle_denied(std::string& code) {
    for (char& c : code) c = c == 'w' ? 'W' : c;
    if (is_warning(code)) return true;
    wrong(fmt::format("`--deny` takes codes of warnings, and there is no warning `{}`",
                      one_line(code, 80)))
        .suggest(did_you_mean(code, warning_codes()));
    return false;
  }

  DiagnosticBuilder wrong(std::string message) {
    return reporter_.report<Diag::bad_command_line>(Span{}, message);
  }

  std::monostate unknown_command(const std::string& word) {
    std::vector<std::string> names;
    for (const Command& command : commands()) names.emplace_back(command.name);
    auto report = wrong(fmt::format("there is no command `{}`", one_line(word, 80)));
    if (const auto meant = did_you_mean(word, names)) {
      report.suggest(meant);
    } else {
      report.help(fmt::format("there are {}", list_of(names)));
    }
    return {};
  }

  std::monostate refuse(const CLI::ParseError& error) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app_.get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    const auto rest = app_.remaining();
    if (rest.empty()) {
      wrong(one_line(to_lower(error.what()), 200));
      return {};
    }
    for (const std::string& word : rest) {
      if (word.starts_with("-")) {
        wrong(fmt::format("`{}` has no flag `{}`", options_.command, one_line(word, 80)))
            .suggest(did_you_mean(word, names));
      } else {
        wrong(fmt::format("`{}` is one word too many", one_line(word, 80)));
      }
    }
    return {};
  }

  Reporter& reporter_;
  Options options_;
  CLI::App app_;
  std::string format_ = "human", color_ = "auto", as_of_, import_kind_;
  std::vector<std::string> variables_;
};

}  // namespace

std::variant<std::monostate, Options, Answer> read_command_line(std::vector<std::string> words,
                                                                Reporter& reporter) {
  return Reader(reporter).read(std::move(words));
}

}  // namespace hcipol::driver
