// `hcipolc show`: the expanded rules as a table, a matrix, a page or a picture.
#include "report/show.h"

#include "driver/commands.h"
#include "flow/too_complex.h"
#include "report/drawing.h"
#include "report/html.h"
#include "report/matrix.h"
#include "report/snapshot.h"

namespace hcipol::driver {

namespace {

class Show {
 public:
  Show(const Options& options, Environment& environment)
      : options_(options), environment_(environment) {}

  int run() {
    std::string text;
    if (compile(options_, {}, environment_, c_)) text = render();
    if (!text.empty() && !c_.reporter.has_errors()) {
      const std::string& page = options_.html.empty() ? options_.svg : options_.html;
      put(page.empty() ? "-" : page, text, environment_, c_.reporter);
    }
    return finish(options_, environment_, c_.reporter, c_.sources);
  }

 private:
  std::string render() {
    const auto clusters = c_.cluster_flows();
    if (options_.json) return report::show_json(c_.policy, clusters, c_.sources);
    if (options_.names) return report::show_names(clusters);
    if (options_.by == "peer") return report::show_by(report::Order::peer, clusters);
    if (options_.by == "service") return report::show_by(report::Order::service, clusters);
    const bool drawn = options_.matrix || !options_.html.empty() || !options_.svg.empty();
    if (!drawn) return report::show_table(clusters);
    std::vector<report::ClusterMatrix> matrices;
    for (const report::ClusterFlows& entry : clusters) {
      try {
        matrices.push_back({&entry, flow::matrix(*entry.cluster, *entry.flows)});
      } catch (const net::NodeLimitExceeded&) {
        flow::report_too_complex(*entry.cluster, c_.reporter);
      }
    }
    if (!options_.html.empty()) return report::page(c_.policy.name, matrices, c_.sources);
    if (!options_.svg.empty()) return report::drawing(matrices);
    return report::matrix_text(matrices);
  }

  const Options& options_;
  Environment& environment_;
  Compilation c_;
};

}  // namespace

int run_show(const Options& options, Environment& environment) {
  return Show(options, environment).run();
}

}  // namespace hcipol::driver
