// `hcipolc plan` and `hcipolc diff`: what a change of policy opens and closes.
#include "report/plan.h"

#include <fmt/format.h>

#include "backends/backend.h"
#include "driver/commands.h"
#include "driver/comparison.h"

namespace hcipol::driver {

namespace {

class Planner {
 public:
  Planner(const Options& options, Environment& environment)
      : options_(options), environment_(environment) {}

  int plan() {
    Compilation head;
    if (!compile(options_, {}, environment_, head)) {
      return finish(options_, environment_, head.reporter, head.sources);
    }
    keep_flows_only(head);
    const std::string& name = options_.base;
    const bool on_disk = name.ends_with(".json") || environment_.files->is_directory(name);
    const bool good = on_disk ? base_.read(name, options_, environment_, head.reporter)
                              : base_.read_revision(name, options_, environment_, head.reporter);
    const report::PlanSide side{working_files(), {&head.policy, &head.flows}, &head.sources};
    if (good) compare(side, &head, head.reporter);
    return answer(head.reporter, head.sources);
  }

  int diff() {
    Reporter reporter;
    const bool good = base_.read(options_.paths[0], options_, environment_, reporter);
    if (!head_.read(options_.paths[1], options_, environment_, reporter) || !good) {
      return finish(options_, environment_, reporter, SourceMap());
    }
    compare(head_.side(), head_.compilation(), reporter);
    return answer(reporter, *head_.side().sources);
  }

 private:
  std::string working_files() const {
    if (options_.path == "-") return "standard input";
    return options_.path == "." ? "working files" : "working files in " + options_.path;
  }

  /// `compiled` is head if it was compiled: only then it is known what devices widen.
  void compare(const report::PlanSide& head, Compilation* compiled, Reporter& reporter) {
    report::Plan plan{base_.side(), head, {}, library(compiled != nullptr), {}, {}, {}};
    if (compiled != nullptr) {
      plan.invariants = {compiled->policy.invariants.size(), compiled->waived};
    }
    plan.diff = flow::diff(plan.base.policy, plan.head.policy, reporter);
    if (reporter.has_errors()) return;
    changed_ = !plan.diff.empty();
    for (const backends::Backend& backend : backends::all()) {
      if (backend.capabilities.host) plan.host_backends.emplace(backend.name);
    }
    if (changed_ && compiled != nullptr) mark_waived(*compiled, plan.diff);
    if (compiled != nullptr && !look_at_devices(*compiled, plan)) {
      if (&compiled->reporter != &reporter) reporter.append(std::move(compiled->reporter));
      return;
    }
    text_ = options_.json       ? report::plan_json(plan)
            : options_.markdown ? report::plan_markdown(plan)
                                : report::plan_text(plan);
  }

  static void mark_waived(const Compilation& head, flow::PolicyDiff& diff) {
    std::set<const policy::Rule*> waiving;
    for (const verify::Waived& waived : head.waived) {
      for (const policy::Cluster& cluster : head.policy.clusters) {
        if (cluster.name != waived.cluster) continue;
        for (const policy::Rule& rule : cluster.rules) {
          const bool dated = rule.kind == policy::Rule::Kind::exception;
          if (dated && rule.origin.feature == waived.exception) waiving.insert(&rule);
        }
      }
    }
    flow::mark(diff, flow::Risk::waived, waiving);
  }

  static bool has_budgets(const backends::Backend& backend) { return backend.capabilities.budgets; }

  static void keep_budgets(DeviceRecords& out, const policy::Cluster& cluster,
                           const policy::Target& target, backends::Emission& made) {
    out[cluster.name + "/" + target.folder()].budgets = std::move(made.budgets);
  }

  /// What they make of head: where it is wider than the policy, if flows changed, and how near they
  /// come to their limits, which options change as well. False if one cannot be made.
  bool look_at_devices(Compilation& head, report::Plan& plan) {
    std::set<const policy::Rule*> widened;
    DeviceRecords now;
    const auto look = [&](const policy::Cluster& cluster, const policy::Target& target,
                          backends::Emission& made) {
      for (const backends::Remark& remark : made.remarks) {
        if (remark.code != "W0611" || remark.rule == nullptr) continue;
        for (const policy::Rule* rule : written(remark.rule)) widened.insert(rule);
      }
      keep_budgets(now, cluster, target, made);
    };
    if (changed_) {
      emit(head, look);
      flow::mark(plan.diff, flow::Risk::widened, widened);
    } else {
      emit(head, look, has_budgets);
    }
    if (head.reporter.has_errors()) return false;
    add_limits(now, plan);
    return true;
  }

  /// What base uses is not known if it was written down, or if a device cannot have it.
  void add_limits(const DeviceRecords& now, report::Plan& plan) {
    DeviceRecords before;
    Compilation* base = base_.compilation();
    if (base != nullptr) {
      emit(
          *base,
          [&](const policy::Cluster& cluster, const policy::Target& target,
              backends::Emission& made) { keep_budgets(before, cluster, target, made); },
          has_budgets);
    }
    const bool known = base != nullptr && !base->reporter.has_errors();
    plan.limits = limits(known ? before : DeviceRecords(), now);
    for (report::DeviceLimits& one : plan.limits) one.before_known = known;
  }

  std::string library(bool head_compiled) {
    const std::string now = options_.library_directory.empty()
                                ? "this compiler's own"
                                : fmt::format("`{}`", options_.library_directory);
    if (base_.locked() || head_.locked()) {
      return "as hcipol.lock has it where a side has one, else " + now;
    }
    const bool base_compiled = base_.compilation() != nullptr;
    if (base_compiled && head_compiled) return now + ", on both sides";
    if (!base_compiled && !head_compiled) return "as it was when both sides were written down";
    return fmt::format("{} for the one side; as it was when the other was written down", now);
  }

  // Warnings are `check`'s: here they would hide the change among what was there before.
  int answer(const Reporter& reporter, const SourceMap& sources) {
    Options only_errors = options_;
    only_errors.quiet = true;
    const int code = finish(only_errors, environment_, reporter, sources);
    if (code != exit_fine) return code;
    environment_.out(text_);
    return options_.exit_code && changed_ ? exit_changed : exit_fine;
  }

  const Options& options_;
  Environment& environment_;
  ComparedPolicy base_, head_;
  bool changed_ = false;
  std::string text_;
};

}  // namespace

int run_plan(const Options& options, Environment& environment) {
  return Planner(options, environment).plan();
}

int run_diff(const Options& options, Environment& environment) {
  return Planner(options, environment).diff();
}

}  // namespace hcipol::driver
