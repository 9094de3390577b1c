// What no PAN-OS device takes, however large it is.
#pragma once

#include "backends/backend.h"
#include "backends/palo_alto/document.h"

namespace hcipol::backends::palo_alto {

/// Reports counts that are too high for every device (E0613). Names and texts need no report: they
/// have been cut to what fits.
void report_limits(const Document& document, EmitContext& context);

/// Notes counts that are too high for some devices (W0615), and what the engineer must know about
/// the device that is to load the document.
void add_device_notes(const Document& document, EmitContext& context);

}  // namespace hcipol::backends::palo_alto
