// `hcipolc import endpoints`: a list that others publish as a feature, on standard output or in a
// file.
#include "importer/importer.h"

#include <fmt/format.h>

#include "driver/commands.h"
#include "support/text.h"

namespace hcipol::driver {

namespace {

class Importer {
 public:
  Importer(const Options& options, Environment& environment)
      : options_(options), environment_(environment) {}

  int run() {
    const auto text = read();
    if (text) import(*text);
    const int code = finish(options_, environment_, reporter_, sources_);
    if (!answer_.empty() && code == exit_fine) environment_.out(answer_);
    return code;
  }

 private:
  std::optional<std::string> read() {
    if (options_.list == "-") return environment_.read_stdin();
    std::string error;
    auto text = environment_.files->read(options_.list, error);
    if (!text) reporter_.report<Diag::unreadable>(Span{}, options_.list, error);
    return text;
  }

  void import(std::string text) {
    if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
    const std::string path = options_.list == "-" ? options_.stdin_name : options_.list;
    importer::Request request;
    request.feature = options_.feature.empty() ? importer::feature_of(path) : options_.feature;
    request.from = options_.from;
    request.list = path.substr(path.rfind('/') + 1);
    request.widen_globs = options_.widen_globs;
    request.skip_refused = options_.skip_refused;
    auto feature = importer::import_endpoints(sources_.add(path, std::move(text)), sources_,
                                              request, reporter_);
    if (!feature) return;
    if (options_.output == "-") {
      answer_ = *std::move(feature);
    } else {
      write(*std::move(feature));
    }
  }

  void write(std::string feature) {
    const std::string& path = options_.output;
    std::string error;
    const auto there = environment_.files->read(path, error);
    if (environment_.files->exists(path) && (!there || !there->starts_with(importer::mark))) {
      reporter_.report<Diag::file_in_the_way>(Span{}, path)
          .help("remove it, or write into another file with `-o`");
      return;
    }
    if (there == feature) return;
    Changes changes;
    changes.root = parent_path(path);
    changes.writes[path] = std::move(feature);
    if (!apply(*environment_.files, changes, error)) {
      reporter_.report<Diag::cannot_write>(Span{}, error);
    } else if (!options_.quiet) {
      answer_ = fmt::format("wrote {}\n", path);
    }
  }

  const Options& options_;
  Environment& environment_;
  SourceMap sources_;
  Reporter reporter_;
  std::string answer_;
};

}  // namespace

int run_import(const Options& options, Environment& environment) {
  return Importer(options, environment).run();
}

}  // namespace hcipol::driver
