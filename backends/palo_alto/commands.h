// The commands that load a file into a device and take it off again, written out for that file.
#pragma once

#include <string>

#include "backends/palo_alto/document.h"

namespace hcipol::backends::palo_alto {

struct Commands {
  /// The import, a partial load for each section and the validation, for the command line and for
  /// the XML API. A commit is never among them: it would take other people's changes with it.
  std::string apply;
  /// A `delete` for each rule and object, users before what they use. What other rules still use is
  /// refused by the device and stays.
  std::string remove;
};

Commands commands(const Document& document);

}  // namespace hcipol::backends::palo_alto
