// A module read for itself, before there is any cluster: what `doc` and `graph` show of it.
#pragma once

#include <string>

#include "driver/pipeline.h"
#include "report/catalogue.h"

namespace hcipol::driver {

/// Everything that a module declares or inherits, files that nothing needs included.
class LoneModule {
 public:
  /// `path`: a module of the library ("std/hci/21h2"), or a directory. `command` is for messages.
  LoneModule(const Options& options, Environment& environment, std::string_view command,
             std::string path);

  /// False if something was reported.
  bool load();
  /// After load(). Mistakes in what can be evaluated are reported.
  report::Catalogue catalogue(const report::CatalogueReaders& readers = {});

  Compilation& compilation() { return compilation_; }

 private:
  Options options_;
  Environment& environment_;
  std::string command_;
  std::string path_;
  Compilation compilation_;
  bool used_ = false;  ///< as one that a policy uses, not as a policy
};

}  // namespace hcipol::driver
