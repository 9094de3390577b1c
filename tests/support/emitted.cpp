// The same passes as the driver's emit(), with a reporter for each device.
#include "tests/support/emitted.h"

#include "flow/project.h"
#include "tests/support/repository.h"

namespace hcipol::test {

EmittedPolicy::EmittedPolicy(std::map<std::string, std::string> files, const std::string& folder,
                             std::string_view only) {
  MemoryFileSystem memory(std::move(files));
  driver::Environment environment;
  environment.files = &memory;
  environment.today = parse_date("2022-06-01").value();
  driver::Options options;
  options.path = folder;
  std::vector<std::string> targets;
  for (const backends::Backend& backend : backends::all()) {
    if (only.empty() || backend.name == only) targets.emplace_back(backend.name);
  }
  driver::Compilation& c = compilation_;
  if (!driver::compile(options, targets, environment, c)) return;
  for (std::size_t i = 0; i < c.policy.clusters.size(); ++i) {
    flow::Optimiser& optimiser = optimisers_.emplace_back(c.flows[i]);
    for (std::size_t t = 0; t < c.policy.targets.size(); ++t) {
      if (!only.empty() && c.policy.targets[t].backend != only) continue;
      Emitted one;
      one.backend = backends::find(c.policy.targets[t].backend);
      one.name = c.policy.clusters[i].name + " " + c.policy.targets[t].folder();
      const auto& flows = optimiser.fewer(one.backend->capabilities.rule).flows;
      const flow::ProjectOptions how{one.backend->capabilities.order,
                                     one.backend->capabilities.host};
      Reporter reporter;
      one.device = flow::project(c.policy, i, t, flows, how, reporter);
      backends::EmitContext context(reporter, *one.device);
      one.emission = one.backend->emit(*one.device, context);
      one.refused = reporter.has_errors();
      devices_.push_back(std::move(one));
    }
  }
}

std::map<std::string, std::string> example_files(const std::string& name) {
  const std::string folder = "examples/" + name;
  std::map<std::string, std::string> files = files_below(folder);
  std::erase_if(files,
                [&](const auto& file) { return file.first.starts_with(folder + "/build/"); });
  return files;
}

std::vector<std::string> example_names() {
  std::vector<std::string> out;
  for (const std::string& name : folders_in("examples")) {
    if (name.front() >= '0' && name.front() <= '9') out.push_back(name);
  }
  return out;
}

}  // namespace hcipol::test
