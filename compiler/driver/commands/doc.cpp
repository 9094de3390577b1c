// `hcipolc doc`: the catalogue of a module, as a page or for programs.
#include <fmt/format.h>

#include <algorithm>

#include "driver/commands.h"
#include "driver/lone_module.h"
#include "report/catalogue.h"
#include "support/text.h"

namespace hcipol::driver {

namespace {

class Documenter {
 public:
  Documenter(const Options& options, Environment& environment)
      : options_(options),
        environment_(environment),
        module_(options, environment, "doc", options.module),
        reporter_(module_.compilation().reporter) {}

  int run() {
    std::string text;
    if (module_.load()) text = render();
    if (!text.empty() && !reporter_.has_errors())
      put(options_.output, text, environment_, reporter_);
    return finish(options_, environment_, reporter_, module_.compilation().sources);
  }

 private:
  std::string render() {
    report::CatalogueReaders readers;
    if (!options_.cloud.empty()) readers.clouds = {options_.cloud};
    report::Catalogue catalogue = module_.catalogue(readers);
    if (options_.region && !reporter_.has_errors()) {
      if (!find_region(catalogue, readers)) return "";
      catalogue = module_.catalogue(readers);
    }
    if (options_.page == "html") return report::catalogue_html(catalogue);
    if (options_.page == "json") return report::catalogue_json(catalogue);
    return report::catalogue_markdown(catalogue);
  }

  // A region is one of some clouds, and the page is then about these.
  bool find_region(const report::Catalogue& catalogue, report::CatalogueReaders& readers) {
    readers.region = *options_.region;
    readers.clouds.clear();
    std::vector<std::string> known;
    for (const auto& [cloud, regions] : catalogue.regions) {
      for (const report::Region& region : regions) {
        known.push_back(region.name);
        if (region.name == *options_.region) readers.clouds.push_back(cloud);
      }
    }
    if (!readers.clouds.empty()) return true;
    const std::string where =
        options_.cloud.empty() ? "" : fmt::format(" in the cloud {}", options_.cloud);
    if (known.empty()) {
      reporter_.report<Diag::bad_command_line>(
          Span{}, fmt::format("nothing that `{}` opens{} depends on the region",
                              one_line(options_.module, 80), where));
      return false;
    }
    std::sort(known.begin(), known.end());
    auto report = reporter_.report<Diag::bad_command_line>(
        Span{}, fmt::format("`{}` knows no region `{}`{}", one_line(options_.module, 80),
                            one_line(*options_.region, 80), where));
    report.suggest(did_you_mean(*options_.region, known));
    report.note(fmt::format("there are {}", list_of(known)));
    return false;
  }

  const Options& options_;
  Environment& environment_;
  LoneModule module_;
  Reporter& reporter_;
};

}  // namespace

int run_doc(const Options& options, Environment& environment) {
  return Documenter(options, environment).run();
}

}  // namespace hcipol::driver
