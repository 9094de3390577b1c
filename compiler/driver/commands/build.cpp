// `hcipolc build`: artefacts and their manifest, written whole or not at all.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <unordered_set>

#include "backends/backend.h"
#include "driver/commands.h"
#include "driver/deny.h"
#include "driver/former_build.h"
#include "driver/manifest.h"
#include "report/invariants.h"
#include "support/text.h"

namespace hcipol::driver {

namespace {

/// "  from 3 rules": of the policy, however many the device needs for them.
std::string of_rules(const BuiltFile& file) {
  std::unordered_set<const policy::Rule*> rules;
  for (const auto& [id, rule] : file.rules) rules.insert(rule);
  rules.erase(nullptr);
  return rules.empty() ? "" : "  from " + counted(rules.size(), "rule");
}

class Builder {
 public:
  Builder(const Options& options, Environment& environment)
      : options_(options), environment_(environment) {
    c_.optimise = options.optimise;
    c_.prove = options.verify;
  }

  int run() {
    if (known_targets() && compile(options_, options_.targets, environment_, c_)) build();
    const int code = finish(options_, environment_, c_.reporter, c_.sources);
    if (code == exit_fine) environment_.out(summary_);
    return code;
  }

 private:
  bool known_targets() {
    std::vector<std::string> names;
    for (const backends::Backend& backend : backends::all()) names.emplace_back(backend.name);
    for (const std::string& target : options_.targets) {
      if (backends::find(target) != nullptr) continue;
      c_.reporter.report<Diag::unknown_backend>(Span{}, one_line(target, 80))
          .suggest(did_you_mean(target, names))
          .note(fmt::format("there are {}", list_of(names)));
    }
    return !c_.reporter.has_errors();
  }

  void build() {
    lint(environment_, c_);
    select_targets();
    if (c_.policy.targets.empty()) {
      c_.reporter.report<Diag::no_target>(c_.policy.clusters.front().span)
          .help("name one: `hcipolc build --target iptables`, or add a `target` block");
      return;
    }
    forget_trees(c_);
    built_ = emit(c_);
    if (c_.reporter.has_errors() || has_denied(options_, c_.reporter)) return;
    if (options_.output == "-") {
      print();
    } else {
      plan();
      if (!c_.reporter.has_errors()) options_.check ? compare() : write();
    }
  }

  // With `--target`, only the targets of the backends named.
  void select_targets() {
    if (options_.targets.empty()) return;
    const auto wanted = [&](const policy::Target& target) {
      return std::find(options_.targets.begin(), options_.targets.end(), target.backend) !=
             options_.targets.end();
    };
    std::deque<policy::Target> kept;
    std::vector<std::vector<policy::TargetView>> views(c_.policy.views.size());
    for (std::size_t t = 0; t < c_.policy.targets.size(); ++t) {
      if (!wanted(c_.policy.targets[t])) continue;
      kept.push_back(c_.policy.targets[t]);
      for (std::size_t i = 0; i < views.size(); ++i) {
        views[i].push_back(std::move(c_.policy.views[i][t]));
        views[i].back().target = &kept.back();
      }
    }
    // A deque that is moved keeps its elements where they are.
    c_.policy.targets = std::move(kept);
    c_.policy.views = std::move(views);
  }

  void print() {
    const BuiltFile* chosen = nullptr;
    std::vector<std::string> paths;
    for (const BuiltFile& file : built_.files) {
      paths.push_back(file.path);
      const bool named = !options_.file.empty() &&
                         (file.path == options_.file || file.path.ends_with("/" + options_.file));
      if (named || (options_.file.empty() && built_.files.size() == 1)) {
        if (chosen != nullptr) {
          chosen = nullptr;
          break;
        }
        chosen = &file;
      }
    }
    if (chosen != nullptr) {
      summary_ = chosen->text;
      return;
    }
    c_.reporter
        .report<Diag::bad_command_line>(
            Span{}, options_.file.empty()
                        ? fmt::format("this build has {}, so `-o -` needs `--file`",
                                      counted(paths.size(), "file"))
                        : fmt::format("`{}` names no single file of this build", options_.file))
        .help(fmt::format("choose one of {}", list_of(paths, "or")));
  }

  // What will be written and removed, judged against what is there.
  void plan() {
    changes_.root = options_.output;
    const std::string manifest_path = join_path(options_.output, manifest_name);
    std::string error;
    const auto former = environment_.files->read(manifest_path, error);
    std::set<std::string> owned;
    const auto refuse = [&] {
      c_.reporter.report<Diag::bad_manifest>(Span{}, manifest_path, error)
          .help("remove it, or build into another directory with `-o`");
    };
    if (former) {
      auto last = read_manifest(*former, error);
      if (!last) return refuse();
      owned = std::move(last->files);
      tag_changes_ = tag_changes(last->tags, tags_used(*c_.evaluator));
      former_devices_ = std::move(last->devices);
    }
    std::set<std::string> fresh;
    for (const BuiltFile& file : built_.files) {
      fresh.insert(file.path);
      if (!owned.contains(file.path)) refuse_to_replace(file);
    }
    bool keeps_others = false;
    for (const std::string& path : owned) {
      if (fresh.contains(path)) continue;
      if (options_.targets.empty() || belongs_to_built_target(path)) {
        changes_.removals.push_back(join_path(options_.output, path));
      } else {
        keeps_others = true;
      }
    }
    std::optional<KeptTargets> kept = KeptTargets();
    if (keeps_others) kept = kept_targets(*former, former_devices_);
    if (!kept) {
      error = not_json;
      return refuse();
    }
    bool given = false;
    const Date day = as_of(options_, environment_, given);
    changes_.writes[manifest_path] =
        manifest(c_, built_, given ? std::optional(day) : std::nullopt, *std::move(kept));
    // The manifest has their hashes; from here on they are only written.
    for (BuiltFile& file : built_.files) {
      changes_.writes[join_path(options_.output, file.path)] = std::move(file.text);
    }
  }

  // A file that no manifest lists is somebody else's, unless it is what we would write.
  void refuse_to_replace(const BuiltFile& file) {
    const std::string path = join_path(options_.output, file.path);
    std::string error;
    const auto there = environment_.files->read(path, error);
    if (!there || *there == file.text) return;
    c_.reporter.report<Diag::file_in_the_way>(Span{}, path)
        .help("remove it, or build into another directory with `-o`");
  }

  // Devices that this build leaves alone are as they were.
  DeviceRecords devices_now() const {
    DeviceRecords out = built_.devices;
    if (options_.targets.empty()) return out;
    for (const auto& [name, record] : former_devices_) {
      if (!belongs_to_built_target(name + "/")) out.emplace(name, record);
    }
    return out;
  }

  bool belongs_to_built_target(const std::string& path) const {
    return std::any_of(c_.policy.targets.begin(), c_.policy.targets.end(), [&](const auto& target) {
      const auto parts = split(path, '/');
      return parts.size() > 2 && parts[1] == target.folder();
    });
  }

  void compare() {
    const auto report = [&](const std::string& path, std::string_view how) {
      c_.reporter.report<Diag::output_differs>(Span{}, path, how);
    };
    for (const auto& [path, text] : changes_.writes) {
      std::string error;
      const auto there = environment_.files->read(path, error);
      if (!there) {
        report(path, "is missing");
      } else if (*there != text) {
        report(path, "is not what the policy says");
      }
    }
    for (const std::string& path : changes_.removals) {
      if (environment_.files->exists(path)) report(path, "is no longer part of the policy");
    }
  }

  void write() {
    std::string error;
    if (!apply(*environment_.files, changes_, error)) {
      c_.reporter.report<Diag::cannot_write>(Span{}, error);
      return;
    }
    if (options_.quiet) return;
    for (const BuiltFile& file : built_.files) {
      summary_ += join_path(options_.output, file.path) + of_rules(file) + "\n";
    }
    for (const std::string& path : changes_.removals)
      summary_ += fmt::format("{}  removed\n", path);
    summary_ += join_path(options_.output, manifest_name) + "\n";
    for (const std::string& line : tag_changes_) summary_ += line + "\n";
    summary_ += report::limits_text(limits(former_devices_, built_.devices),
                                    report::LimitRows::used, "`budgets` in the manifest has them");
    summary_ += left_text(former_devices_, devices_now());
    summary_ += report::invariants_text(c_.policy.invariants.size(), c_.waived);
  }

  const Options& options_;
  Environment& environment_;
  Compilation c_;
  Built built_;
  Changes changes_;
  std::vector<std::string> tag_changes_;
  DeviceRecords former_devices_;
  std::string summary_;
};

}  // namespace

int run_build(const Options& options, Environment& environment) {
  const auto builder = std::make_shared<Builder>(options, environment);
  environment.leftovers = builder;
  return builder->run();
}

}  // namespace hcipol::driver
