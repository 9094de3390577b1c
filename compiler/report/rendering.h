// Where the rules of a policy stand in the artefacts of a build.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flow/flow.h"
#include "flow/why.h"

namespace hcipol::report {

/// A file of a build. `rules`: ids in it, and the rules that they come from.
struct RenderedFile {
  std::string_view path;
  std::string_view text;
  std::span<const std::pair<std::string, const policy::Rule*>> rules;
  const policy::Node* node = nullptr;  ///< the server whose firewall the file is for
};

/// What one device of a cluster has got.
struct RenderedTarget {
  std::string folder;
  std::vector<net::Box> sees;
  std::vector<RenderedFile> files;
  /// Rules that it does not say exactly, and how.
  std::vector<std::pair<const policy::Rule*, std::string>> remarks;
};

/// One rule of an artefact; `line` counts from 1, and is 0 if the id does not stand there.
struct Place {
  std::string_view path;
  std::size_t line = 0;
  std::string_view id;
};

/// Whether packets of the part cross the device.
bool sees(const RenderedTarget& target, const flow::Part& part);
/// The device's rules that come from `rule`; on a server's firewall only where the part begins or
/// ends at that server.
std::vector<Place> places(const RenderedTarget& target, const flow::Part& part,
                          const policy::Rule& rule);
/// The first line in which the words of an id stand, from 1; 0 if there is none.
std::size_t line_of(std::string_view text, std::string_view id);

}  // namespace hcipol::report
