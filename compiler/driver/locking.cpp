// A changed library is shown as traffic: the policy is compiled with both texts and compared.
#include "driver/locking.h"

#include <fmt/format.h>

#include "flow/diff.h"
#include "std_library.h"
#include "support/text.h"

namespace hcipol::driver {

namespace {

constexpr const char* accept = "`hcipolc lock --upgrade` accepts it";

// The `use` or `extend` that brings a module in; the root's file if none is the policy's own.
Span used_at(const Compilation& c, std::string_view path) {
  for (const sema::Module& module : c.program->modules) {
    if (module.source->path == path && module.arguments != nullptr) {
      return module.arguments->labels[0].span;
    }
  }
  return {};
}

// Enough to decide whether to look closer; `lock --upgrade` and `plan` have the whole.
std::vector<std::string> lines_of(const flow::PolicyDiff& diff) {
  constexpr std::size_t most = 12;
  std::vector<std::string> out;
  std::size_t rows = 0;
  for (const flow::ClusterDiff& cluster : diff.clusters) {
    for (const flow::Row& row : cluster.rows) {
      if (++rows > most) continue;
      out.push_back(fmt::format("{} in {}: {} -> {} on {} ({})",
                                row.effect == flow::Effect::opens ? "opens" : "closes",
                                cluster.name, fmt::join(row.from, ", "), fmt::join(row.to, ", "),
                                net::to_string(row.around.service), row.flow->rule->address));
    }
  }
  if (rows > most) out.push_back(fmt::format("and {} more", rows - most));
  if (rows == 0) out.push_back("no flow changes");
  return out;
}

void report_unlocked(Compilation& c, Span span, std::string_view what) {
  c.reporter
      .report<Diag::lock_differs>(span, sema::lock_name, fmt::format("does not lock `{}`", what))
      .help(accept);
}

}  // namespace

std::optional<std::string> lock_path(const Options& options, const Environment& environment) {
  if (options.path == "-") return std::nullopt;
  const bool directory = environment.files->is_directory(options.path);
  return join_path(directory ? normal_path(options.path) : parent_path(options.path),
                   sema::lock_name);
}

std::optional<FoundLock> read_lock(const Options& options, const Environment& environment,
                                   SourceMap& sources, Reporter& reporter) {
  const auto path = lock_path(options, environment);
  if (!path || !environment.files->exists(*path)) return std::nullopt;
  std::string error;
  const auto text = environment.files->read(*path, error);
  if (!text) {
    reporter.report<Diag::unreadable>(Span{}, *path, error);
    return std::nullopt;
  }
  const Span place{sources.add(*path, *text), 0, 0};
  auto lock = sema::parse_lock(*text, error);
  if (lock) return FoundLock{*std::move(lock), place};
  reporter.report<Diag::bad_lock>(place, *path, error)
      .help("restore it from version control, or make it anew with `hcipolc lock --upgrade`");
  return std::nullopt;
}

std::vector<EmbeddedFile> locked_library(const sema::Lock& lock) {
  std::vector<EmbeddedFile> out = lock.library();
  for (const EmbeddedFile& file : std_library()) {
    const std::string module = "std/" + parent_path(file.path);
    if (!lock.modules.contains(module)) out.push_back(file);
  }
  return out;
}

void check_locked_modules(const sema::Lock& lock, const Options& options, Environment& environment,
                          Compilation& c) {
  bool first = true;
  for (const sema::ModuleSource& source : c.program->sources) {
    if (!source.library) continue;
    const auto locked = lock.modules.find(source.path);
    if (locked == lock.modules.end()) {
      report_unlocked(c, used_at(c, source.path), source.path);
      continue;
    }
    if (locked->second.files == sema::locked_module(source, c.sources).files) continue;
    auto report = c.reporter.report<Diag::library_changed>(used_at(c, source.path), source.path);
    if (first) {
      for (std::string& line : library_difference(lock, options, environment)) {
        report.note(std::move(line));
      }
    }
    report.help(accept);
    first = false;
  }
}

std::vector<std::string> library_difference(const sema::Lock& lock, const Options& options,
                                            Environment& environment) {
  Options unlocked = options;
  unlocked.ignore_lock = true;
  Environment former = environment;
  Options with_locked = unlocked;
  with_locked.library_directory.clear();
  const std::vector<EmbeddedFile> library = locked_library(lock);
  former.library = library;

  Compilation before, after;
  if (!compile(unlocked, {}, environment, after)) return {"the policy is wrong with the new text"};
  if (!compile(with_locked, {}, former, before))
    return {"the policy is wrong with the locked text"};
  Reporter reporter;
  const flow::PolicyDiff diff =
      flow::diff({&before.policy, &before.flows}, {&after.policy, &after.flows}, reporter);
  if (reporter.has_errors()) return {"the policy is too complex to say what that changes"};
  return lines_of(diff);
}

void check_locked_files(const sema::Lock& lock, Compilation& c) {
  warn_of_older_tags(lock, c);
  const std::string& root = c.program->sources.front().directory;
  for (const auto& [full, file] : c.evaluator->files_read()) {
    const std::string path = relative_path(full, root);
    const auto locked = lock.files.find(path);
    if (locked == lock.files.end()) {
      report_unlocked(c, file.used_at, path);
    } else if (locked->second != file.digest) {
      c.reporter.report<Diag::data_changed>(file.used_at, path)
          .help(fmt::format("`hcipolc plan` shows what that changes; {}", accept));
    }
  }
}

void warn_of_older_tags(const sema::Lock& lock, Compilation& c) {
  for (const sema::TagFileRead& file : c.evaluator->tags_read()) {
    const auto locked = lock.service_tags.find(file.head.cloud);
    if (locked == lock.service_tags.end() || file.head.change_number >= locked->second) continue;
    c.reporter.report<Diag::older_tags>(file.used_at, one_line(file.path, 120),
                                        file.head.change_number, locked->second);
  }
}

}  // namespace hcipol::driver
