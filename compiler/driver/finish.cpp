// The end of every command: its answer, diagnostics, and the exit code that they mean.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "diagnostics/render.h"
#include "driver/commands.h"
#include "driver/deny.h"
#include "support/text.h"

namespace hcipol::driver {

namespace {

bool use_color(const Options& options, const Environment& environment) {
  if (options.color == Color::always) return true;
  if (options.color == Color::never) return false;
  const auto set = [&](const char* name) {
    const auto found = environment.variables.find(name);
    return found != environment.variables.end() && !found->second.empty();
  };
  const auto is = [&](const char* name, std::string_view value) {
    const auto found = environment.variables.find(name);
    return found != environment.variables.end() && found->second == value;
  };
  if (set("NO_COLOR")) return false;
  if (set("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0")) return true;
  return environment.stderr_is_terminal && !is("TERM", "dumb");
}

// What a warning is about, beside its place. Of one target there are notes of many kinds, which
// begin with different words and go on with the names or figures of a cluster.
std::string kind_of(const Diagnostic& d) {
  if (d.id != Diag::device_note) return {};
  return d.message.substr(0, d.message.find_first_of("`0123456789"));
}

// One rule in many clusters, or on many devices, is one warning to a person.
std::vector<Diagnostic> folded(const std::vector<Diagnostic>& list) {
  std::vector<Diagnostic> out;
  std::map<std::tuple<Span, Diag, std::string>, std::pair<std::size_t, std::size_t>> first;
  for (const Diagnostic& d : list) {
    const bool place = d.span.file != FileId::no_file && entry(d.id).severity == Severity::Warning;
    const auto [known, added] =
        first.try_emplace({d.span, d.id, kind_of(d)}, std::pair(out.size(), 0u));
    if (!added && place) {
      ++known->second.second;
    } else {
      out.push_back(d);
    }
  }
  for (const auto& [key, entry] : first) {
    if (entry.second == 0) continue;
    out[entry.first].notes.push_back(
        fmt::format("and {} of the same rule, in other clusters or on other devices",
                    counted(entry.second, "more warning")));
  }
  return out;
}

bool is_environment(Diag id) {
  return id == Diag::unreadable || id == Diag::no_policy_files || id == Diag::cannot_write ||
         id == Diag::bad_command_line || id == Diag::unknown_backend ||
         id == Diag::unknown_variable || id == Diag::bad_base;
}

}  // namespace

void write_file(const std::string& path, const std::string& text, Environment& environment,
                Reporter& reporter) {
  std::string error;
  if (environment.files->write(path, text, error)) return;
  reporter.report<Diag::cannot_write>(Span{}, path + ": " + error);
}

void put(const std::string& path, const std::string& text, Environment& environment,
         Reporter& reporter) {
  if (path == "-") {
    environment.out(text);
  } else {
    write_file(path, text, environment, reporter);
  }
}

int finish(const Options& options, Environment& environment, const Reporter& reporter,
           const SourceMap& sources) {
  std::vector<Diagnostic> list = reporter.sorted();
  deny(options, list);
  const bool errors = std::any_of(
      list.begin(), list.end(), [](const Diagnostic& d) { return d.severity == Severity::Error; });
  const bool only_environment = std::all_of(list.begin(), list.end(), [](const Diagnostic& d) {
    return d.severity != Severity::Error ||
           (is_environment(d.id) && d.span.file == FileId::no_file);
  });
  if (options.quiet) {
    std::erase_if(list, [](const Diagnostic& d) { return d.severity != Severity::Error; });
  }
  switch (options.format) {
    case DiagnosticFormat::human:
      environment.err(render_human(folded(list), sources, use_color(options, environment)));
      break;
    case DiagnosticFormat::short_: environment.err(render_short(list, sources)); break;
    case DiagnosticFormat::json: environment.err(render_json(list, sources)); break;
  }
  if (!errors) return exit_fine;
  return only_environment ? exit_usage : exit_wrong;
}

}  // namespace hcipol::driver
