// Where a configuration's objects and rules stand, whichever form it was written in.
#pragma once

#include <vector>

#include "backends/backend.h"
#include "backends/palo_alto/read_xml.h"

namespace hcipol::backends::palo_alto {

/// A configuration in one of its forms, and what of it matters. Throws Unreadable for anything
/// around objects and rules that is unknown, and for another place or release than the target says.
class Configuration {
 public:
  Configuration(const Artefact& artefact, const ReadContext& context);

  /// What the sections of objects stand in: `shared`, or the entry of a virtual system or a device
  /// group.
  pugi::xml_node objects() const { return objects_; }
  /// What the rule bases stand in; perhaps the same. Either may be null in `set` commands, which
  /// say nothing of what is empty.
  pugi::xml_node rules() const { return rules_; }
  pugi::xml_node shared() const { return tree_.child("config").child("shared"); }
  const pugi::xml_document& tree() const { return tree_; }
  /// The rule bases that there may be, in the order in which a packet meets them.
  const std::vector<const char*>& rulebases() const { return rulebases_; }

 private:
  void read_xml(const Artefact& artefact, const ReadContext& context);
  void read_places(pugi::xml_node config, const ReadContext& context);

  std::string_view file_;
  pugi::xml_document tree_;
  pugi::xml_node objects_;
  pugi::xml_node rules_;
  std::vector<const char*> rulebases_;
};

}  // namespace hcipol::backends::palo_alto
