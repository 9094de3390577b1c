// One side of `plan` and `diff`: a policy from a directory, from a commit, or as `show --json`
// wrote it.
#pragma once

#include <memory>
#include <string>

#include "driver/pipeline.h"
#include "report/plan.h"
#include "report/snapshot.h"

namespace hcipol::driver {

/// Owner of what a report::PlanSide points to. It does not move.
class ComparedPolicy {
 public:
  /// What `where` names: a file that ends in `.json`, or a directory or `.hcipol` file. False if it
  /// is no policy that compiles; E0721 then says why, with that policy's own diagnostics as notes.
  bool read(const std::string& where, const Options& options, Environment& environment,
            Reporter& reporter);
  /// `options.path` as it was in a revision that git knows. False as above.
  bool read_revision(const std::string& revision, const Options& options, Environment& environment,
                     Reporter& reporter);

  const report::PlanSide& side() const { return side_; }
  /// Whether the policy was compiled with the library that lies in its own lock.
  bool locked() const { return locked_; }
  /// Null for a policy that was read back.
  Compilation* compilation() { return snapshot_ ? nullptr : compilation_.get(); }

 private:
  bool compile_side(const std::string& where, const Options& options, Environment& environment,
                    Reporter& reporter);
  bool read_json(const std::string& path, Environment& environment, Reporter& reporter);

  std::unique_ptr<FileSystem> files_;
  std::unique_ptr<Compilation> compilation_;
  std::unique_ptr<report::Snapshot> snapshot_;
  report::PlanSide side_;
  bool locked_ = false;
};

}  // namespace hcipol::driver
