// Whether a device would take a configuration at all.
#pragma once

#include <string_view>

#include "backends/palo_alto/read_frame.h"

namespace hcipol::backends::palo_alto {

/// Every length, count, pattern and name space that is known of PAN-OS, for names, texts and lists.
/// That what is referred to is there is for those who read the references. `file` is also the name
/// under which the device would load it. Throws Unreadable.
void check_limits(std::string_view file, const Configuration& configuration);

}  // namespace hcipol::backends::palo_alto
