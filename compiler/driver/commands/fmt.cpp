// `hcipolc fmt`: canonical layout, in place, as a check, as a difference, or from standard input.
#include <fmt/format.h>

#include <sstream>

#include <dtl/dtl.hpp>

#include "driver/commands.h"
#include "sema/loader.h"
#include "support/text.h"
#include "syntax/formatter.h"

namespace hcipol::driver {

namespace {

std::vector<std::string> lines(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string_view line : split(text, '\n')) out.emplace_back(line);
  if (!out.empty() && out.back().empty()) out.pop_back();
  return out;
}

std::string unified(const std::string& path, const std::string& before, const std::string& after) {
  dtl::Diff<std::string> diff(lines(before), lines(after));
  diff.onHuge();
  diff.compose();
  diff.composeUnifiedHunks();
  std::ostringstream out;
  out << "--- " << path << "\n+++ " << path << " (formatted)\n";
  diff.printUnifiedFormat(out);
  return out.str();
}

struct Outcome {
  bool failed = false;
  bool differs = false;
};

class Formatter {
 public:
  Formatter(const Options& options, Environment& environment)
      : options_(options), environment_(environment) {}

  int run() {
    for (const std::string& path : options_.paths) {
      if (path == "-") {
        const std::string text = environment_.read_stdin();
        format_one(options_.stdin_name, text, true);
      } else if (!environment_.files->exists(path)) {
        reporter_.report<Diag::unreadable>(Span{}, path, "no such file or directory");
      } else {
        for (const std::string& file : sema::policy_files(*environment_.files, path, true)) {
          read_one(file);
        }
      }
    }
    if (!reporter_.has_errors()) write();
    return finish(options_, environment_, reporter_, sources_);
  }

 private:
  void read_one(const std::string& path) {
    std::string error;
    const auto text = environment_.files->read(path, error);
    if (text) {
      format_one(path, *text, false);
    } else {
      reporter_.report<Diag::unreadable>(Span{}, path, error);
    }
  }

  void format_one(const std::string& path, const std::string& text, bool to_stdout) {
    const FileId id = sources_.add(path, text);
    const auto formatted = syntax::format(id, sources_, reporter_);
    if (!formatted) return;
    const bool differs = *formatted != text;
    if (options_.check && differs) {
      reporter_.report<Diag::not_formatted>(Span{id, 0, 0}, path)
          .help(fmt::format("hcipolc fmt {}", path));
    }
    if (options_.diff && differs) environment_.out(unified(path, text, *formatted));
    if (options_.check || options_.diff) return;
    if (to_stdout) {
      environment_.out(*formatted);
    } else if (differs) {
      changes_.writes[path] = *formatted;
    }
  }

  void write() {
    changes_.root = ".";
    std::string error;
    if (!apply(*environment_.files, changes_, error)) {
      reporter_.report<Diag::cannot_write>(Span{}, error);
      return;
    }
    if (options_.quiet) return;
    for (const auto& [path, text] : changes_.writes) environment_.out(path + "\n");
  }

  const Options& options_;
  Environment& environment_;
  SourceMap sources_;
  Reporter reporter_;
  Changes changes_;
};

}  // namespace

int run_fmt(const Options& options, Environment& environment) {
  return Formatter(options, environment).run();
}

}  // namespace hcipol::driver
