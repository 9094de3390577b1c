// The page to read second: what happens to a policy, one line per pass.
#include "driver/pipeline.h"

#include <fmt/format.h>

#include <algorithm>

#include "backends/backend.h"
#include "backends/common/proof.h"
#include "driver/locking.h"
#include "driver/name_clashes.h"
#include "driver/question.h"
#include "flow/lower.h"
#include "flow/optimise.h"
#include "flow/project.h"
#include "flow/too_complex.h"
#include "policy/build.h"
#include "sema/checker.h"
#include "sema/loader.h"
#include "sema/names.h"
#include "std_library.h"
#include "support/bug.h"
#include "support/text.h"
#include "verify/situation.h"

namespace hcipol::driver {

namespace {

std::vector<policy::TargetRequest> requests(const std::vector<std::string>& targets) {
  std::vector<policy::TargetRequest> out;
  for (const backends::Backend& backend : backends::all()) {
    const bool requested = std::find(targets.begin(), targets.end(), backend.name) != targets.end();
    out.push_back({{backend.name, backend.options},
                   backend.capabilities.default_sees,
                   requested,
                   backend.capabilities.machine_option});
  }
  return out;
}

sema::LoadInput load_input(const Options& options, Environment& environment, bool tests) {
  sema::LoadInput input;
  input.files = environment.files;
  input.path = options.path;
  if (options.path == "-") input.stdin_text = environment.read_stdin();
  input.stdin_name = options.stdin_name;
  input.library = environment.library.empty() ? std_library() : environment.library;
  input.library_directory = options.library_directory;
  input.mentions = names_in(options.flow);
  input.everything = options.whole_library;
  input.threads = environment.threads;
  input.with_tests = tests;
  return input;
}

std::vector<std::string> clouds(const policy::Policy& policy) {
  std::vector<std::string> out;
  for (const policy::Cluster& cluster : policy.clusters) out.push_back(cluster.cloud);
  return out;
}

// Answers `allows(cluster, flow)` once all rules are known.
void answer_allows(Compilation& c) {
  c.evaluator->set_allows(
      [&c](const std::string& name, const sema::Flow& query) -> std::optional<bool> {
        for (std::size_t i = 0; i < c.policy.clusters.size(); ++i) {
          if (c.policy.clusters[i].name != name) continue;
          try {
            return verify::allows(c.policy.clusters[i], c.flows[i], query);
          } catch (const net::NodeLimitExceeded&) {
            flow::report_too_complex(c.policy.clusters[i], c.reporter);
            return false;
          }
        }
        return std::nullopt;
      });
}

/// The flows of a cluster, fewer of them where that is wished.
class ClusterFlows {
 public:
  ClusterFlows(Compilation& c, std::size_t cluster) : c_(c), cluster_(cluster) {}

  const std::vector<flow::Flow>& for_device(const backends::Capabilities& device) {
    const std::vector<flow::Flow>& all = c_.flows[cluster_];
    if (!c_.optimise || failed_) return all;
    try {
      if (!optimiser_) optimiser_.emplace(all, c_.meeting_in(cluster_));
      return optimiser_->fewer(device.rule).flows;
    } catch (const net::NodeLimitExceeded&) {
      flow::report_too_complex(c_.policy.clusters[cluster_], c_.reporter);
      failed_ = true;
      return all;
    }
  }

 private:
  Compilation& c_;
  std::size_t cluster_;
  std::optional<flow::Optimiser> optimiser_;
  bool failed_ = false;
};

const backends::Backend* backend_of(const policy::Target& target, const Compilation& c) {
  for (const backends::Backend& backend : c.backends) {
    if (backend.name == target.backend) return &backend;
  }
  const backends::Backend* backend = backends::find(target.backend);
  if (backend == nullptr) bug("a target without a backend passed every check");
  return backend;
}

// The source map names rules that somebody wrote, not those that stand for several of them.
void add_rule(BuiltFile& file, std::string id, const policy::Rule* rule) {
  if (rule == nullptr || rule->carries.empty()) {
    file.rules.emplace_back(std::move(id), rule);
    return;
  }
  for (const policy::Rule* carried : rule->carries) file.rules.emplace_back(id, carried);
}

// A difference is a fault of ours, whatever the policy says.
void prove(const backends::Backend& backend, const flow::DevicePolicy& device,
           const backends::Emission& emission, Compilation& c) {
  try {
    const auto found = backends::difference(backend, device, emission);
    if (!found) return;
    bug(fmt::format("the files for {} of cluster `{}` do not mean what the policy says: {}",
                    device.view->target->folder(), device.cluster->name, *found));
  } catch (const net::NodeLimitExceeded&) {
    flow::report_too_complex(*device.cluster, c.reporter);
  }
}

void keep(const policy::Cluster& cluster, const policy::Target& target,
          backends::Emission& emission, Built& built) {
  for (backends::Artefact& artefact : emission.artefacts) {
    BuiltFile file{cluster.name,
                   target.folder(),
                   join_path(cluster.name + "/" + target.folder(), artefact.path),
                   std::move(artefact.text),
                   {},
                   artefact.node};
    file.rules.reserve(artefact.rules.size());
    for (auto& entry : artefact.rules) add_rule(file, std::move(entry.id), entry.rule);
    built.files.push_back(std::move(file));
  }
  if (!emission.budgets.empty() || !emission.made.empty() || !emission.needed.empty()) {
    built.devices[cluster.name + "/" + target.folder()] = {
        std::move(emission.budgets), std::move(emission.made), std::move(emission.needed)};
  }
  for (backends::Remark& remark : emission.remarks) {
    std::vector<const policy::Rule*> rules;
    if (remark.rule != nullptr) rules = written(remark.rule);
    built.remarks.push_back({cluster.name, target.folder(), std::string(remark.code),
                             std::move(rules), std::move(remark.text), std::move(remark.wider)});
  }
}

}  // namespace

std::vector<report::ClusterFlows> Compilation::cluster_flows() const {
  std::vector<report::ClusterFlows> out;
  for (std::size_t i = 0; i < policy.clusters.size(); ++i) {
    out.push_back({&policy.clusters[i], &flows[i], &features[i]});
  }
  return out;
}

const flow::Meeting& Compilation::meeting_in(std::size_t cluster) {
  while (meeting.size() <= cluster) meeting.push_back(flow::may_meet(flows[meeting.size()]));
  return meeting[cluster];
}

policy::BuildContext Compilation::context() {
  return {*program, *evaluator, sources, reporter, policy, scopes, features};
}

bool load(const Options& options, Environment& environment, Compilation& c, bool tests) {
  c.backends = environment.backends;
  std::vector<sema::TargetSchema> schemas;
  for (const auto& request : requests({})) schemas.push_back(request.schema);
  const auto stop = [&] { return c.reporter.has_errors(); };

  // 1-3  load, parse, build the tree: files → modules of syntax::File
  c.program = sema::load(load_input(options, environment, tests), c.sources, c.reporter);
  if (stop() || !c.program) return false;
  if (!options.ignore_lock) {
    if (auto found = read_lock(options, environment, c.sources, c.reporter)) {
      c.lock = std::move(found->lock);
    }
  }
  if (c.lock) check_locked_modules(*c.lock, options, environment, c);
  if (stop()) return false;

  // 4  every block and attribute stands where the schema allows it
  sema::check_schema(*c.program, schemas, c.reporter);
  if (stop()) return false;

  // 5  names and literals, used or not
  sema::check_names(*c.program, c.reporter);
  return !stop();
}

bool analyse(const Options& options, const std::vector<std::string>& targets,
             Environment& environment, Compilation& c, const syntax::Expr* given) {
  const auto wanted = requests(targets);
  bool asked_for = false;
  c.policy.as_of = as_of(options, environment, asked_for);
  const auto stop = [&] { return c.reporter.has_errors(); };

  // 6  variables, outputs and their validations
  c.evaluator = std::make_unique<sema::Evaluator>(
      sema::EvaluationInput{&*c.program, &c.policy.sets, &c.sources, environment.files,
                            options.variables, given},
      c.reporter);
  c.evaluator->check_variables();
  if (stop()) return false;

  // 7  clusters: sites, nodes, roles, proxies
  policy::BuildContext context = c.context();
  policy::bind_clusters(context);
  c.evaluator->check_tag_files(clouds(c.policy));
  c.evaluator->check_locals(c.scopes.empty() ? nullptr : &c.scopes.front());
  if (stop()) return false;

  // 8  features: enabled, required, automatic; conflicts; parameters
  policy::resolve_features(context);
  if (stop()) return false;

  // 9-10  rules of features and of exceptions, and what must hold; all report before the pipeline
  // stops
  policy::expand_rules(context);
  policy::apply_exceptions(context);
  policy::read_invariants(context);
  if (stop()) return false;

  // 11  rules through proxies become two. Must come after exceptions: those go through proxies too
  policy::route_proxies(context);
  policy::bind_targets(context, wanted);
  if (stop()) return false;

  // 12  rules → flows in one direction each
  for (const policy::Cluster& cluster : c.policy.clusters) {
    c.flows.push_back(flow::lower(cluster));
  }
  for (const sema::ModuleSource& source : c.program->sources) {
    if (source.library && source.package != nullptr) {
      c.policy.library_revisions[source.path] = sema::revision_of(source, c.sources);
    }
  }

  // 13  invariants
  c.waived = verify::check_invariants(c.policy, c.flows, c.sources, c.reporter);

  // 14  outputs of the policy itself that ask what is allowed
  answer_allows(c);
  c.evaluator->check_late_outputs();
  if (c.lock) check_locked_files(*c.lock, c);
  return !stop();
}

bool compile(const Options& options, const std::vector<std::string>& targets,
             Environment& environment, Compilation& c) {
  return load(options, environment, c) && analyse(options, targets, environment, c);
}

verify::LintReport lint(Environment& environment, Compilation& c) {
  if (!c.flows.empty()) c.meeting_in(c.flows.size() - 1);
  verify::LintInput input{*c.program, *c.evaluator, c.policy, c.flows, c.meeting, {}, {}};
  for (const policy::Target& target : c.policy.targets) {
    const backends::Backend* backend = backend_of(target, c);
    input.devices.push_back({backend->capabilities.host, backend->capabilities.addresses_first});
  }
  for (const sema::ModuleSource& source : c.program->sources) {
    if (source.library) continue;
    for (const std::string& name : environment.files->list(source.directory)) {
      std::string error;
      if (!sema::is_test_file(name)) continue;
      if (auto text = environment.files->read(join_path(source.directory, name), error)) {
        input.test_texts.push_back(*std::move(text));
      }
    }
  }
  return verify::lint(input, c.reporter);
}

void forget_trees(Compilation& c) {
  for (sema::ModuleSource& source : c.program->sources) source.files.clear();
}

void keep_flows_only(Compilation& c) {
  // Each looks into the next one.
  c.evaluator.reset();
  c.features.clear();
  c.scopes.clear();
  c.program.reset();
}

void emit(Compilation& c, const TakeEmission& take,
          const std::function<bool(const backends::Backend&)>& wanted) {
  NameClashes clashes;
  for (std::size_t i = 0; i < c.policy.clusters.size(); ++i) {
    ClusterFlows flows(c, i);
    for (std::size_t t = 0; t < c.policy.targets.size(); ++t) {
      const policy::Target& target = c.policy.targets[t];
      const backends::Backend* backend = backend_of(target, c);
      if (wanted && !wanted(*backend)) continue;

      // 15  fewer flows with the same meaning
      const std::vector<flow::Flow>& fewer = flows.for_device(backend->capabilities);

      // 16  what the device sees, in the form that it can order
      const flow::ProjectOptions options{backend->capabilities.order, backend->capabilities.host};
      const auto device = flow::project(c.policy, i, t, fewer, options, c.reporter);
      if (!device) continue;

      // 17-18  legalise and print
      backends::EmitContext context(c.reporter, *device);
      backends::Emission emission = backend->emit(*device, context);

      // 19  read back, and prove that the files mean the flows
      if (c.prove && !c.reporter.has_errors()) {
        prove(*backend, *device, emission, c);
      }
      clashes.add(*backend, *device, emission);
      take(c.policy.clusters[i], target, emission);
    }
  }
  clashes.report(c.reporter);
}

Built emit(Compilation& c) {
  Built built;
  emit(c, [&](const policy::Cluster& cluster, const policy::Target& target,
              backends::Emission& emission) { keep(cluster, target, emission, built); });
  std::sort(built.files.begin(), built.files.end(),
            [](const BuiltFile& a, const BuiltFile& b) { return a.path < b.path; });
  return built;
}

std::vector<const policy::Rule*> written(const policy::Rule* rule) {
  if (rule == nullptr || rule->carries.empty()) return {rule};
  return {rule->carries.begin(), rule->carries.end()};
}

Date as_of(const Options& options, const Environment& environment, bool& given) {
  given = true;
  if (options.as_of) return *options.as_of;
  const auto epoch = environment.variables.find("SOURCE_DATE_EPOCH");
  if (epoch != environment.variables.end() && !epoch->second.empty()) {
    if (const auto date = parse_epoch(epoch->second)) return *date;
  }
  given = false;
  return environment.today;
}

}  // namespace hcipol::driver
