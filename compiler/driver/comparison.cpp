// Git is asked for an archive of the policy's directory, which is then read in memory: nothing is
// checked out, and no shell sees the revision.
#include "driver/comparison.h"

#include <fmt/format.h>

#include <algorithm>

#include "diagnostics/render.h"
#include "driver/locking.h"
#include "support/tar.h"
#include "support/text.h"

namespace hcipol::driver {

namespace {

/// The files of a revision, and those of a library that is not part of it.
class RevisionFiles final : public FileSystem {
 public:
  RevisionFiles(MemoryFileSystem revision, const FileSystem& outside, std::string library)
      : revision_(std::move(revision)), outside_(outside), library_(std::move(library)) {}

  std::optional<std::string> read(const std::string& path, std::string& error) const override {
    return of(path).read(path, error);
  }
  bool is_directory(const std::string& path) const override { return of(path).is_directory(path); }
  bool exists(const std::string& path) const override { return of(path).exists(path); }
  std::vector<std::string> list(const std::string& directory) const override {
    return of(directory).list(directory);
  }
  bool write(const std::string&, std::string_view, std::string& error) override {
    return refuse(error);
  }
  bool remove(const std::string&, std::string& error) override { return refuse(error); }
  void remove_empty_directories(const std::string&, const std::string&) override {}

 private:
  static bool refuse(std::string& error) {
    error = "a revision does not change";
    return false;
  }
  const FileSystem& of(const std::string& path) const {
    const bool outside = !library_.empty() && !revision_.is_directory(library_) &&
                         (normal_path(path) + "/").starts_with(normal_path(library_) + "/");
    return outside ? outside_ : revision_;
  }

  MemoryFileSystem revision_;
  const FileSystem& outside_;
  std::string library_;
};

std::string directory_of(const std::string& path, const FileSystem& files) {
  return files.is_directory(path) ? path : parent_path(path);
}

// "fatal: not a valid object name: x" → "not a valid object name: x".
std::string git_message(const Finished& git) {
  std::string last = fmt::format("git ended with {}", git.exit);
  for (const std::string_view line : split(git.err, '\n')) {
    if (!trim(line).empty()) last = one_line(trim(line), 300);
  }
  constexpr std::string_view fatal = "fatal: ";
  return last.starts_with(fatal) ? last.substr(fatal.size()) : last;
}

// A link is read as what it points to; one that leads out of the archive would be a file less.
bool follow_links(TarArchive& archive, std::string& error) {
  for (const auto& [path, target] : archive.links) {
    const auto file = archive.files.find(join_path(parent_path(path), target));
    if (file == archive.files.end()) {
      error = fmt::format("`{}` is a symbolic link to `{}`, which is no file beside it", path,
                          one_line(target, 100));
      return false;
    }
    archive.files[path] = file->second;
  }
  return true;
}

}  // namespace

bool ComparedPolicy::read(const std::string& where, const Options& options,
                          Environment& environment, Reporter& reporter) {
  side_.name = where;
  if (where.ends_with(".json")) return read_json(where, environment, reporter);
  Options own = options;
  own.path = where;
  return compile_side(where, own, environment, reporter);
}

bool ComparedPolicy::read_revision(const std::string& revision, const Options& options,
                                   Environment& environment, Reporter& reporter) {
  const auto refuse = [&](std::string_view why) {
    return reporter.report<Diag::bad_base>(Span{}, one_line(revision, 100), why);
  };
  if (revision.starts_with("-")) {
    refuse("a revision does not start with `-`");
    return false;
  }
  if (options.path == "-") {
    refuse("standard input has no revisions")
        .help("name a directory or a policy.json: `--base DIR`");
    return false;
  }
  const std::string directory = directory_of(options.path, *environment.files);
  std::string error;
  const auto git = environment.run_program(
      {"git", "-C", directory, "archive", "--format=tar", revision, "--", "."}, error);
  if (!git) {
    refuse("git cannot be run: " + error);
    return false;
  }
  if (git->exit != 0) {
    refuse(git_message(*git))
        .help("name a revision, a directory or a policy.json: `--base origin/main`");
    return false;
  }
  auto archive = read_tar(git->out, error);
  if (!archive || !follow_links(*archive, error)) {
    refuse(error);
    return false;
  }
  std::map<std::string, std::string> files;
  for (auto& [path, text] : archive->files) files[join_path(directory, path)] = std::move(text);
  files_ = std::make_unique<RevisionFiles>(MemoryFileSystem(std::move(files)), *environment.files,
                                           options.library_directory);
  constexpr std::size_t short_commit = 12;
  side_.name = archive->comment.empty()
                   ? revision
                   : fmt::format("{} ({})", revision, archive->comment.substr(0, short_commit));
  Environment then = environment;
  then.files = files_.get();
  return compile_side(revision, options, then, reporter);
}

bool ComparedPolicy::compile_side(const std::string& where, const Options& options,
                                  Environment& environment, Reporter& reporter) {
  compilation_ = std::make_unique<Compilation>();
  Compilation& c = *compilation_;
  // What a policy was locked with is what it meant, whatever this compiler brings.
  Options own = options;
  Environment then = environment;
  own.ignore_lock = true;
  const auto found = read_lock(options, environment, c.sources, c.reporter);
  locked_ = found && !found->lock.modules.empty();
  std::vector<EmbeddedFile> library;
  if (locked_) {
    library = locked_library(found->lock);
    then.library = library;
    own.library_directory.clear();
  }
  if (compile(own, {}, then, c)) {
    keep_flows_only(c);
    side_.policy = {&c.policy, &c.flows};
    side_.sources = &c.sources;
    return true;
  }
  auto report =
      reporter.report<Diag::bad_base>(Span{}, one_line(where, 100), "its own policy has errors");
  std::vector<Diagnostic> errors = c.reporter.sorted();
  std::erase_if(errors, [](const Diagnostic& d) { return d.severity != Severity::Error; });
  constexpr std::size_t most = 5;
  if (errors.size() > most) {
    errors.resize(most);
    report.help(fmt::format("these are the first of {}", c.reporter.errors()));
  }
  const bool expired = std::any_of(errors.begin(), errors.end(), [](const Diagnostic& d) {
    return d.id == Diag::exception_expired;
  });
  if (expired) report.help("`--as-of DATE` compares both sides as of an earlier day");
  const std::string lines = render_short(errors, c.sources);
  for (const std::string_view line : split(lines, '\n')) {
    if (!line.empty()) report.note(std::string(line));
  }
  return false;
}

bool ComparedPolicy::read_json(const std::string& path, Environment& environment,
                               Reporter& reporter) {
  std::string error;
  const auto text = environment.files->read(path, error);
  snapshot_ = std::make_unique<report::Snapshot>();
  if (!text || !report::read_snapshot(*text, *snapshot_, error)) {
    auto report = reporter.report<Diag::bad_base>(Span{}, one_line(path, 100), error);
    if (text) report.help("write it with `hcipolc show --json` of this version");
    return false;
  }
  side_.policy = {&snapshot_->policy, &snapshot_->flows};
  side_.sources = &snapshot_->sources;
  return true;
}

}  // namespace hcipol::driver
