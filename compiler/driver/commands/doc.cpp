// `hcipolc doc`: the catalogue of a module, as a page or for programs.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "driver/commands.h"
#include "report/catalogue.h"
#include "support/text.h"

namespace hcipol::driver {

namespace {

// What can be put between quotes without meaning anything else there.
bool plain_path(std::string_view path) {
  return std::all_of(path.begin(), path.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '.' || c == '-' ||
           c == '_';
  });
}

class Documenter {
 public:
  Documenter(const Options& options, Environment& environment)
      : options_(options), environment_(environment) {
    options_.ignore_lock = true;
    options_.whole_library = true;
  }

  int run() {
    std::string text;
    if (load_module()) text = render();
    if (!text.empty() && !c_.reporter.has_errors())
      put(options_.output, text, environment_, c_.reporter);
    return finish(options_, environment_, c_.reporter, c_.sources);
  }

 private:
  // The module is read as one that a policy uses, so that it may use its neighbours. A directory
  // that is no neighbour is read as a policy.
  bool load_module() {
    const std::string path = options_.module;
    const bool library = path.starts_with("std/");
    if (path == "-" || (library && !plain_path(path))) {
      c_.reporter
          .report<Diag::bad_command_line>(Span{},
                                          fmt::format("`{}` is no module", one_line(path, 80)))
          .help("`doc` takes a module of the library, as in `std/hci/21h2`, or a directory");
      return false;
    }
    const std::string directory = normal_path(path);
    const bool neighbour = plain_path(directory) && !directory.starts_with('.') &&
                           !directory.starts_with('/') &&
                           environment_.files->is_directory(directory);
    used_ = library || neighbour;
    options_.path = used_ ? "-" : path;
    options_.stdin_name = "<module>";
    Environment beside = environment_;
    const std::string use = library ? path : "./" + directory;
    beside.read_stdin = [&] { return fmt::format("use \"{}\" as m\n", use); };
    return load(options_, beside, c_);
  }

  std::string render() {
    const sema::Module& root = *c_.program->root;
    c_.evaluator = std::make_unique<sema::Evaluator>(
        sema::EvaluationInput{
            &*c_.program, &c_.policy.sets, &c_.sources, environment_.files, {}, nullptr},
        c_.reporter);
    const sema::Module& module = used_ ? *root.uses.front().module : root;
    report::CatalogueReaders readers;
    if (!options_.cloud.empty()) readers.clouds = {options_.cloud};
    report::Catalogue catalogue = report::catalogue(module, *c_.evaluator, c_.sources, readers);
    if (options_.region && !c_.reporter.has_errors()) {
      if (!find_region(catalogue, readers)) return "";
      catalogue = report::catalogue(module, *c_.evaluator, c_.sources, readers);
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
      c_.reporter.report<Diag::bad_command_line>(
          Span{}, fmt::format("nothing that `{}` opens{} depends on the region",
                              one_line(options_.module, 80), where));
      return false;
    }
    std::sort(known.begin(), known.end());
    auto report = c_.reporter.report<Diag::bad_command_line>(
        Span{}, fmt::format("`{}` knows no region `{}`{}", one_line(options_.module, 80),
                            one_line(*options_.region, 80), where));
    report.suggest(did_you_mean(*options_.region, known));
    report.note(fmt::format("there are {}", list_of(known)));
    return false;
  }

  Options options_;
  Environment& environment_;
  Compilation c_;
  bool used_ = false;
};

}  // namespace

int run_doc(const Options& options, Environment& environment) {
  return Documenter(options, environment).run();
}

}  // namespace hcipol::driver
