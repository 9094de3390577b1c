// Whether the commands beside a configuration load all of it, and take all of it off again.
#pragma once

#include "backends/backend.h"
#include "backends/palo_alto/read_frame.h"

namespace hcipol::backends::palo_alto {

/// Each way of loading must take every section of the configuration to where it stands in it, once,
/// and none before what it uses; each way of removing must name every entry once, users before what
/// they use. Lines that begin with `#` are not asked. Throws Unreadable.
void check_commands(const Artefact& apply, const Artefact& remove, const Artefact& file,
                    const Configuration& configuration, const ReadContext& context);

}  // namespace hcipol::backends::palo_alto
