// Pictures as SVG: the matrix of a cluster, and what brought its features in.
#pragma once

#include <string>
#include <vector>

#include "report/matrix.h"

namespace pugi {
class xml_node;
}

namespace hcipol::report {

/// The colours and the type of the pictures, as CSS: light, and dark where the reader wants it so.
std::string_view drawing_style();

/// Appends an `svg` element with the features of a cluster in layers, from the left: what the
/// cluster enables, then what that requires.
void draw_features(pugi::xml_node parent, const policy::Cluster& cluster);

/// A whole SVG file: for each cluster its matrix and its features.
std::string drawing(const std::vector<ClusterMatrix>& clusters);

}  // namespace hcipol::report
