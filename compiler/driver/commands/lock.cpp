// `hcipolc lock`: whether the lock is what the policy uses, or make it so.
#include <fmt/format.h>

#include "driver/commands.h"
#include "driver/locking.h"
#include "support/text.h"

namespace hcipol::driver {

namespace {

// What `before` and `after` do not share, one line each: "std/hci/21h2: 2022-04-28 → 2026-01-15".
std::vector<std::string> changes(const sema::Lock& before, const sema::Lock& after) {
  std::vector<std::string> out;
  for (const auto& [path, module] : after.modules) {
    const auto known = before.modules.find(path);
    if (known == before.modules.end()) {
      out.push_back(fmt::format("adds {} (revision {})", path, module.revision));
    } else if (known->second != module) {
      out.push_back(fmt::format("changes {} (revision {}, was {})", path, module.revision,
                                known->second.revision));
    }
  }
  for (const auto& [path, digest] : after.files) {
    const auto known = before.files.find(path);
    if (known == before.files.end()) {
      out.push_back(fmt::format("adds {}", path));
    } else if (known->second != digest) {
      out.push_back(fmt::format("changes {}", path));
    }
  }
  for (const auto& [cloud, change] : after.service_tags) {
    const auto known = before.service_tags.find(cloud);
    if (known != before.service_tags.end() && known->second != change) {
      out.push_back(fmt::format("takes change {} of the {} service tags for change {}", change,
                                cloud, known->second));
    }
  }
  for (const auto& [path, module] : before.modules) {
    if (!after.modules.contains(path)) out.push_back(fmt::format("drops {}", path));
  }
  for (const auto& [path, digest] : before.files) {
    if (!after.files.contains(path)) out.push_back(fmt::format("drops {}", path));
  }
  return out;
}

class Locker {
 public:
  Locker(const Options& options, Environment& environment)
      : options_(options), environment_(environment) {
    options_.ignore_lock = true;
  }

  int run() {
    const auto path = lock_path(options_, environment_);
    if (!path) {
      c_.reporter.report<Diag::bad_command_line>(
          Span{}, "a policy from standard input has no place for a lock");
    } else if (compile(options_, {}, environment_, c_)) {
      settle(*path);
    }
    const int code = finish(options_, environment_, c_.reporter, c_.sources);
    if (code == exit_fine && !options_.quiet) environment_.out(summary_);
    return code;
  }

 private:
  void settle(const std::string& path) {
    const sema::Lock wanted = sema::lock_of(*c_.program, *c_.evaluator, c_.sources);
    Reporter damage;
    const auto there = read_lock(options_, environment_, c_.sources, damage);
    if (there) warn_of_older_tags(there->lock, c_);
    if (options_.upgrade) {
      write(path, there ? there->lock : sema::Lock{}, wanted);
      return;
    }
    if (damage.has_errors()) {
      c_.reporter.append(std::move(damage));
    } else if (!there) {
      c_.reporter.report<Diag::lock_differs>(Span{}, path, "is not there")
          .help("`hcipolc lock --upgrade` writes it");
    } else if (there->lock != wanted) {
      auto report = c_.reporter.report<Diag::lock_differs>(there->place, path,
                                                           "is not what the policy uses now");
      for (std::string& line : changes(there->lock, wanted)) {
        report.note("`hcipolc lock --upgrade` " + std::move(line));
      }
    } else {
      summary_ = fmt::format("{} is what the policy uses\n", path);
    }
  }

  void write(const std::string& path, const sema::Lock& there, const sema::Lock& wanted) {
    const std::vector<std::string> lines = changes(there, wanted);
    if (there == wanted && environment_.files->exists(path)) {
      summary_ = fmt::format("{} is what the policy uses\n", path);
      return;
    }
    for (const std::string& line : lines) summary_ += line + "\n";
    if (!there.modules.empty()) {
      for (const std::string& line : library_difference(there, options_, environment_)) {
        summary_ += line + "\n";
      }
    }
    Changes change;
    change.root = parent_path(path);
    change.writes[path] = sema::to_string(wanted);
    std::string error;
    if (!apply(*environment_.files, change, error)) {
      c_.reporter.report<Diag::cannot_write>(Span{}, error);
    }
    summary_ += fmt::format("wrote {}\n", path);
  }

  Options options_;
  Environment& environment_;
  Compilation c_;
  std::string summary_;
};

}  // namespace

int run_lock(const Options& options, Environment& environment) {
  return Locker(options, environment).run();
}

}  // namespace hcipol::driver
