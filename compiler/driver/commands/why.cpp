// `hcipolc why 'FLOW'`: what a policy says about one flow, and where that stands.
#include "report/why.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/backend.h"
#include "driver/commands.h"
#include "driver/question.h"
#include "flow/effective.h"
#include "flow/reach.h"
#include "flow/too_complex.h"
#include "support/text.h"

namespace hcipol::driver {

namespace {

std::string side(const sema::Peers& peers) {
  const std::string names = flow::names(peers.parts);
  return peers.parts.size() == 1 ? names : "[" + names + "]";
}

class Why {
 public:
  Why(const Options& options, Environment& environment)
      : options_(options), environment_(environment) {}

  int run() {
    const bool answered = compile(options_, {}, environment_, c_) && answer();
    const int code = finish(options_, environment_, c_.reporter, c_.sources);
    if (!answered || code != exit_fine) return code;
    add_artefacts();
    environment_.out(options_.json ? report::why_json(report_, c_.sources)
                                   : report::why_text(report_, c_.sources));
    return exit_fine;
  }

 private:
  bool answer() {
    for (const Question& question : ask(c_, options_.flow, clusters())) {
      asked_.push_back(question.cluster);
      report::ClusterAnswer& out = report_.clusters.emplace_back();
      out.cluster = &c_.policy.clusters[question.cluster];
      out.missing = question.missing;
      if (question.flow) answer(*question.flow, c_.flows[question.cluster], out);
    }
    return !c_.reporter.has_errors();
  }

  std::vector<std::size_t> clusters() {
    std::vector<std::size_t> out;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < c_.policy.clusters.size(); ++i) {
      names.push_back(c_.policy.clusters[i].name);
      if (options_.cluster.empty() || options_.cluster == names.back()) out.push_back(i);
    }
    if (out.empty()) {
      c_.reporter
          .report<Diag::bad_command_line>(
              Span{}, fmt::format("there is no cluster `{}`", one_line(options_.cluster, 80)))
          .suggest(did_you_mean(options_.cluster, names));
    }
    return out;
  }

  void answer(const sema::Flow& flow, const std::vector<flow::Flow>& flows,
              report::ClusterAnswer& out) {
    std::vector<flow::Flow> named = flows;
    named.push_back({{}, flow.from.parts, flow.to.parts, flow.service, nullptr, {}});
    out.naming.emplace(*out.cluster, named);
    const std::vector<net::Box> question = flow::boxes(flow);
    try {
      out.asked.flow = fmt::format("{} {} {} on {}", side(flow.from), flow.both_ways ? "<->" : "->",
                                   side(flow.to), net::to_string(flow.service));
      out.asked.answer = flow::why(flows, question);
      for (const net::Box& box : question) {
        for (const flow::Detour& detour : flow::detours(*out.cluster, box)) {
          for (const net::Box* leg : {&detour.to_proxy, &detour.from_proxy}) {
            out.through_proxy.push_back(
                {report::to_string(*leg, *out.naming), flow::why(flows, std::span(leg, 1))});
          }
        }
      }
    } catch (const net::NodeLimitExceeded&) {
      flow::report_too_complex(*out.cluster, c_.reporter);
    }
  }

  // In memory: nothing is written. A policy that no device could take has an answer all the same.
  void add_artefacts() {
    built_ = emit(c_);
    if (c_.reporter.has_errors()) {
      report_.not_built = fmt::format("the policy does not build ({}; see `hcipolc check`)",
                                      counted(c_.reporter.errors(), "error"));
      return;
    }
    for (std::size_t i = 0; i < report_.clusters.size(); ++i) {
      report::ClusterAnswer& answer = report_.clusters[i];
      if (!answer.missing.empty()) continue;
      for (const policy::TargetView& view : c_.policy.views[asked_[i]]) {
        answer.targets.push_back(rendered(view, *answer.cluster));
      }
    }
  }

  report::RenderedTarget rendered(const policy::TargetView& view, const policy::Cluster& cluster) {
    report::RenderedTarget out;
    out.folder = view.target->folder();
    out.sees = flow::seen_by(view);
    for (const BuiltFile& file : built_.files) {
      if (file.cluster != cluster.name || file.target != out.folder) continue;
      out.files.push_back({file.path, file.text, file.rules, file.node});
    }
    for (const BuiltRemark& remark : built_.remarks) {
      if (remark.cluster != cluster.name || remark.target != out.folder) continue;
      for (const policy::Rule* rule : remark.rules) out.remarks.emplace_back(rule, remark.text);
    }
    return out;
  }

  const Options& options_;
  Environment& environment_;
  Compilation c_;
  Built built_;
  std::vector<std::size_t> asked_;  ///< clusters, in the order of the report
  report::WhyReport report_;
};

}  // namespace

int run_why(const Options& options, Environment& environment) {
  return Why(options, environment).run();
}

}  // namespace hcipol::driver
