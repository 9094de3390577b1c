// The page to read second: what happens to a policy, one line per pass.
#include "driver/pipeline.h"

#include <algorithm>

#include "backends/backend.h"
#include "flow/effective.h"
#include "flow/lower.h"
#include "flow/project.h"
#include "policy/build.h"
#include "sema/checker.h"
#include "sema/loader.h"
#include "sema/names.h"
#include "std_library.h"
#include "support/bug.h"
#include "support/text.h"

namespace hcipol::driver {

namespace {

std::vector<policy::TargetRequest> requests(const std::vector<std::string>& targets) {
  std::vector<policy::TargetRequest> out;
  for (const backends::Backend& backend : backends::all()) {
    const bool requested = std::find(targets.begin(), targets.end(), backend.name) != targets.end();
    out.push_back({{backend.name, backend.options}, backend.capabilities.default_sees, requested});
  }
  return out;
}

void load(const Options& options, Environment& environment, Compilation& c) {
  sema::LoadInput input;
  input.files = environment.files;
  input.path = options.path;
  if (options.path == "-") input.stdin_text = environment.read_stdin();
  input.stdin_name = options.stdin_name;
  input.library = std_library();
  input.library_directory = options.library_directory;
  input.threads = environment.threads;
  c.program = sema::load(input, c.sources, c.reporter);
}

// Answers `allows(cluster, flow)` once all rules are known.
void answer_allows(Compilation& c) {
  c.evaluator->set_allows(
      [&c](const std::string& name, const sema::Flow& query) -> std::optional<bool> {
        for (std::size_t i = 0; i < c.policy.clusters.size(); ++i) {
          if (c.policy.clusters[i].name != name) continue;
          const net::Box there{flow::peers(query.from.parts), flow::peers(query.to.parts),
                               query.service};
          const net::Box back{there.to, there.from, query.service};
          try {
            return flow::allows(c.flows[i], there) &&
                   (!query.both_ways || flow::allows(c.flows[i], back));
          } catch (const net::NodeLimitExceeded&) {
            c.reporter.report<Diag::set_too_complex>(c.policy.clusters[i].span, name);
            return false;
          }
        }
        return std::nullopt;
      });
}

}  // namespace

std::vector<report::ClusterFlows> Compilation::cluster_flows() const {
  std::vector<report::ClusterFlows> out;
  for (std::size_t i = 0; i < policy.clusters.size(); ++i) {
    out.push_back({&policy.clusters[i], &flows[i]});
  }
  return out;
}

bool compile(const Options& options, const std::vector<std::string>& targets,
             Environment& environment, Compilation& c) {
  const auto wanted = requests(targets);
  std::vector<sema::TargetSchema> schemas;
  for (const auto& request : wanted) schemas.push_back(request.schema);
  bool given = false;
  c.policy.as_of = as_of(options, environment, given);
  const auto stop = [&] { return c.reporter.has_errors(); };

  // 1-3  load, parse, build the tree: files → modules of syntax::File
  load(options, environment, c);
  if (stop() || !c.program) return false;

  // 4  every block and attribute stands where the schema allows it
  sema::check_schema(*c.program, schemas, c.reporter);
  if (stop()) return false;

  // 5  names and literals, used or not
  sema::check_names(*c.program, c.reporter);
  if (stop()) return false;

  // 6  variables, outputs and their validations
  c.evaluator = std::make_unique<sema::Evaluator>(
      sema::EvaluationInput{&*c.program, &c.policy.sets, &c.sources, environment.files,
                            options.variables},
      c.reporter);
  c.evaluator->check_variables();
  if (stop()) return false;

  // 7  clusters: sites, nodes, roles, proxies
  policy::BuildContext context{*c.program, *c.evaluator, c.sources, c.reporter,
                               c.policy,   c.scopes,     c.features};
  policy::bind_clusters(context);
  c.evaluator->check_locals(c.scopes.empty() ? nullptr : &c.scopes.front());
  if (stop()) return false;

  // 8  features: enabled, required, automatic; conflicts; parameters
  policy::resolve_features(context);
  if (stop()) return false;

  // 9-10  rules of features and of exceptions; both report before the pipeline stops
  policy::expand_rules(context);
  policy::apply_exceptions(context);
  if (stop()) return false;

  // 11  rules through proxies become two. Must come after exceptions: those go through proxies too
  policy::route_proxies(context);
  policy::bind_targets(context, wanted);
  if (stop()) return false;

  // 12  rules → flows in one direction each
  for (const policy::Cluster& cluster : c.policy.clusters) {
    c.flows.push_back(flow::lower(cluster, c.reporter));
  }
  for (const sema::ModuleSource& source : c.program->sources) {
    if (source.library && source.package != nullptr) {
      const auto* revision = sema::find_attribute(source.package->items, "revision");
      c.policy.library_revisions[source.path] =
          std::string(revision == nullptr ? "" : c.sources.text(revision->value->span));
    }
  }

  // 13  outputs of the policy itself that ask what is allowed
  answer_allows(c);
  c.evaluator->check_late_outputs();
  return !stop();
}

Built emit(Compilation& c) {
  // Nothing asks for the trees any more, and what is printed needs the memory.
  for (sema::ModuleSource& source : c.program->sources) source.files.clear();
  Built built;
  for (std::size_t i = 0; i < c.policy.clusters.size(); ++i) {
    for (std::size_t t = 0; t < c.policy.targets.size(); ++t) {
      const policy::Target& target = c.policy.targets[t];
      const backends::Backend* backend = backends::find(target.backend);
      if (backend == nullptr) bug("a target without a backend passed every check");

      // 14  what the device sees, in the form that it can order
      const flow::ProjectOptions options{backend->capabilities.order, backend->capabilities.host};
      const auto device = flow::project(c.policy, i, t, c.flows[i], options, c.reporter);
      if (!device) continue;

      // 15-16  legalise and print
      backends::EmitContext context(c.reporter, *device);
      backends::Emission emission = backend->emit(*device, context);
      const std::string& cluster = c.policy.clusters[i].name;
      for (backends::Artefact& artefact : emission.artefacts) {
        BuiltFile file{cluster,
                       target.folder(),
                       join_path(cluster + "/" + target.folder(), artefact.path),
                       std::move(artefact.text),
                       {}};
        for (auto& entry : artefact.rules) file.rules.emplace_back(std::move(entry.id), entry.rule);
        built.files.push_back(std::move(file));
      }
      for (backends::Remark& remark : emission.remarks) {
        built.remarks.push_back({cluster, target.folder(), std::string(remark.code), remark.rule,
                                 std::move(remark.text)});
      }
    }
  }
  std::sort(built.files.begin(), built.files.end(),
            [](const BuiltFile& a, const BuiltFile& b) { return a.path < b.path; });
  return built;
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
