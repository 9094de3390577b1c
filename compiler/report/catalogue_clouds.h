// In which clouds a feature can be had.
#pragma once

#include <vector>

#include "report/catalogue.h"

namespace hcipol::report {

/// Of a feature whose clouds are those where none of its rules lacks a host: takes the other clouds
/// out of its rules, and out of its clouds those where no rule opens anything.
void keep_own_clouds(CatalogueFeature& feature);

/// A feature needs the clouds of those that it requires.
void keep_clouds_of_required(std::vector<CatalogueFeature>& features);

}  // namespace hcipol::report
