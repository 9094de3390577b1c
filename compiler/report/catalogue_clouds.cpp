// A page must not promise a feature where enabling it is an error, or opens nothing.
#include "report/catalogue_clouds.h"

#include <algorithm>

namespace hcipol::report {

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void forget_other_clouds(CatalogueFeature& feature) {
  for (CatalogueRule& rule : feature.rules) {
    for (CatalogueOpening& opening : rule.openings) {
      std::erase_if(opening.clouds,
                    [&](const std::string& cloud) { return !contains(feature.clouds, cloud); });
    }
    std::erase_if(rule.openings, [](const auto& opening) { return opening.clouds.empty(); });
  }
}

bool opens_in(const CatalogueFeature& feature, const std::string& cloud) {
  return std::any_of(feature.rules.begin(), feature.rules.end(), [&](const CatalogueRule& rule) {
    return std::any_of(rule.openings.begin(), rule.openings.end(),
                       [&](const CatalogueOpening& one) { return contains(one.clouds, cloud); });
  });
}

}  // namespace

void keep_own_clouds(CatalogueFeature& feature) {
  forget_other_clouds(feature);
  // Without rules it is there for what it requires.
  if (feature.rules.empty()) return;
  std::erase_if(feature.clouds,
                [&](const std::string& cloud) { return !opens_in(feature, cloud); });
}

void keep_clouds_of_required(std::vector<CatalogueFeature>& features) {
  for (bool again = true; again;) {
    again = false;
    for (CatalogueFeature& feature : features) {
      for (const CatalogueFeature& needed : features) {
        if (!contains(feature.requires_, needed.name)) continue;
        const auto lost = std::erase_if(feature.clouds, [&](const std::string& cloud) {
          return !contains(needed.clouds, cloud);
        });
        again = again || lost > 0;
      }
      forget_other_clouds(feature);
    }
  }
}

}  // namespace hcipol::report
