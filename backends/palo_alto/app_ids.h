// What is to be recognised on a port, beside the port itself.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/palo_alto/document.h"

namespace hcipol::backends::palo_alto {

/// The predefined applications (App-IDs) of well-known ports. A rule that names some of them allows
/// a part of what its ports allow, never more: the ports stay in it.
class AppIds {
 public:
  /// What of a service an application is known for, and the applications; both may be empty.
  struct Known {
    net::ServiceSet service;
    std::vector<std::string> applications;  ///< sorted
  };

  static Known of(const net::ServiceSet& service);

  /// Remembers that a rule of the device allows only this, for note().
  void narrowed(const Known& known, const flow::Flow& flow);
  void note(EmitContext& context) const;

 private:
  std::map<std::string, std::set<std::string>> rules_;  ///< by what is allowed, in words
};

}  // namespace hcipol::backends::palo_alto
