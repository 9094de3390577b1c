// The module is read as one that a policy uses, so that it may use its neighbours. A directory that
// is no neighbour is read as a policy.
#include "driver/lone_module.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

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

}  // namespace

LoneModule::LoneModule(const Options& options, Environment& environment, std::string_view command,
                       std::string path)
    : options_(options), environment_(environment), command_(command), path_(std::move(path)) {
  options_.ignore_lock = true;
  options_.whole_library = true;
}

bool LoneModule::load() {
  const bool library = path_.starts_with("std/");
  if (path_ == "-" || (library && !plain_path(path_))) {
    compilation_.reporter
        .report<Diag::bad_command_line>(Span{},
                                        fmt::format("`{}` is no module", one_line(path_, 80)))
        .help(fmt::format(
            "`{}` takes a module of the library, as in `std/hci/21h2`, or a directory", command_));
    return false;
  }
  const std::string directory = normal_path(path_);
  const bool neighbour = plain_path(directory) && !directory.starts_with('.') &&
                         !directory.starts_with('/') && environment_.files->is_directory(directory);
  used_ = library || neighbour;
  options_.path = used_ ? "-" : path_;
  options_.stdin_name = "<module>";
  Environment beside = environment_;
  const std::string use = library ? path_ : "./" + directory;
  beside.read_stdin = [&] { return fmt::format("use \"{}\" as m\n", use); };
  return driver::load(options_, beside, compilation_);
}

report::Catalogue LoneModule::catalogue(const report::CatalogueReaders& readers) {
  Compilation& c = compilation_;
  if (!c.evaluator) {
    c.evaluator = std::make_unique<sema::Evaluator>(
        sema::EvaluationInput{
            &*c.program, &c.policy.sets, &c.sources, environment_.files, {}, nullptr},
        c.reporter);
  }
  const sema::Module& root = *c.program->root;
  const sema::Module& module = used_ ? *root.uses.front().module : root;
  return report::catalogue(module, *c.evaluator, c.sources, readers);
}

}  // namespace hcipol::driver
