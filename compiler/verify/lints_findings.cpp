// A rule of the policy's own is one finding for all clusters. Rules of the library are one finding
// for each feature: their reader can only change what enables them.
#include "verify/lints_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "flow/effective.h"
#include "support/bug.h"
#include "support/text.h"

namespace hcipol::verify {

namespace {

constexpr std::size_t most_labels = 3;

std::string feature_address(const policy::Origin& origin) {
  return origin.module + "/" + origin.feature;
}

std::vector<Label> first_labels(const std::vector<const Hit*>& hits) {
  std::vector<Label> out;
  std::set<Span> seen;
  for (const Hit* hit : hits) {
    for (const Label& label : hit->labels) {
      if (out.size() < most_labels && seen.insert(label.span).second) out.push_back(label);
    }
  }
  return out;
}

// What the hits say last, each once and at most two.
std::string details(const std::vector<const Hit*>& hits) {
  std::vector<std::string> out;
  for (const Hit* hit : hits) {
    if (std::find(out.begin(), out.end(), hit->detail) == out.end()) out.push_back(hit->detail);
  }
  if (out.size() <= 2) return list_of(out);
  return fmt::format("{}, {} and others", out[0], out[1]);
}

std::string where(const std::vector<const policy::Cluster*>& clusters) {
  if (clusters.size() == 1) return fmt::format("in cluster `{}`", clusters.front()->name);
  return fmt::format("in {}, e.g. `{}`", counted(clusters.size(), "cluster"),
                     clusters.front()->name);
}

}  // namespace

std::string quoted(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) {
    if (out.size() == 2 && names.size() > 3) {
      out.push_back(counted(names.size() - 2, "other"));
      break;
    }
    out.push_back("`" + name + "`");
  }
  return list_of(out);
}

// ---- places

Places::Places(const sema::Program& program) {
  for (const sema::ModuleSource& source : program.sources) {
    if (!source.library) continue;
    for (const syntax::File& file : source.files) {
      const auto id = static_cast<std::size_t>(file.id);
      if (library_.size() <= id) library_.resize(id + 1);
      library_[id] = true;
    }
  }
}

bool Places::in_library(Span span) const {
  const auto id = static_cast<std::size_t>(span.file);
  return id < library_.size() && library_[id];
}

Span Places::chosen_at(const policy::Cluster& cluster,
                       const policy::EnabledFeature& feature) const {
  constexpr std::string_view required = "required by ";
  const policy::EnabledFeature* chosen = &feature;
  // Each step goes to the feature that required the last one; there is no cycle.
  while (in_library(chosen->enabled_at)) {
    const auto next = std::find_if(
        cluster.features.begin(), cluster.features.end(), [&](const policy::EnabledFeature& other) {
          return chosen->because == fmt::format("{}{}/{}", required, other.module, other.name);
        });
    if (next == cluster.features.end()) return cluster.span;
    chosen = &*next;
  }
  return chosen->enabled_at;
}

// ---- subject

Subject::Subject(const LintInput& lint_input, const Places& lint_places, std::size_t cluster_index)
    : input(lint_input),
      places(lint_places),
      index(cluster_index),
      cluster(lint_input.policy.clusters[cluster_index]),
      flows(lint_input.flows[cluster_index]),
      boxes(flow::boxes(flows)) {
  std::set<Span> proxies;
  for (const policy::Proxy* proxy : cluster.proxies) proxies.insert(proxy->span);
  std::map<std::pair<Span, std::string_view>, std::vector<const policy::Rule*>> written;
  for (const policy::Rule& rule : cluster.rules) {
    written[{rule.origin.span, rule.origin.module}].push_back(&rule);
  }
  std::unordered_map<const policy::Rule*, std::size_t> known;
  rules.reserve(written.size());
  for (const auto& [key, list] : written) {
    for (const policy::Rule* rule : list) known.emplace(rule, rules.size());
    WrittenRule& out = rules.emplace_back();
    out.rule = list.front();
    const policy::Origin& origin = out.rule->origin;
    out.address = feature_address(origin) + "." + origin.rule;
    out.owner = proxies.contains(origin.span)         ? WrittenRule::Owner::compiler
                : lint_places.in_library(origin.span) ? WrittenRule::Owner::library
                                                      : WrittenRule::Owner::policy;
  }
  for (std::size_t i = 0; i < flows.size(); ++i) {
    rule_of.push_back(known.at(flows[i].rule));
    rules[rule_of.back()].flows.push_back(i);
  }
}

// ---- findings

void Findings::add(Key key, const policy::Cluster* cluster, Finding finding) {
  Pending& pending = found_.try_emplace(std::move(key)).first->second;
  if (pending.rules++ == 0) pending.finding = std::move(finding);
  if (cluster == nullptr) return;
  if (pending.clusters.empty() || pending.clusters.back() != cluster) {
    pending.clusters.push_back(cluster);
  }
}

void Findings::add(Finding finding) {
  const Diagnostic& d = finding.diagnostic;
  Key key{d.id, finding.address, d.span, d.message};
  add(std::move(key), nullptr, std::move(finding));
}

void Findings::add(const policy::Cluster& cluster, Finding finding) {
  const Diagnostic& d = finding.diagnostic;
  Key key{d.id, finding.address, Span{}, d.message};
  add(std::move(key), &cluster, std::move(finding));
}

void Findings::add(const Subject& subject, std::vector<Hit> hits) {
  for (const WrittenRule& rule : subject.rules) ++occurrences_[rule.rule->origin.span];
  std::map<std::pair<Diag, std::string>, std::vector<Hit>> by_feature;
  for (Hit& hit : hits) {
    const WrittenRule& rule = subject.rules[hit.rule];
    switch (rule.owner) {
      case WrittenRule::Owner::policy: add_own(subject, std::move(hit)); break;
      case WrittenRule::Owner::library:
        if (!waives_.hides(hit.lint, rule.address)) {
          by_feature[{hit.lint, feature_address(rule.rule->origin)}].push_back(std::move(hit));
        }
        break;
      case WrittenRule::Owner::compiler: break;
    }
  }
  for (const auto& [key, list] : by_feature) add_folded(subject, list);
}

void Findings::add_own(const Subject& subject, Hit hit) {
  const WrittenRule& rule = subject.rules[hit.rule];
  Finding finding;
  finding.address = rule.address;
  Diagnostic& d = finding.diagnostic;
  d.id = hit.lint;
  d.span = rule.rule->origin.span;
  d.message = std::move(hit.message);
  d.labels = first_labels({&hit});
  if (!hit.note.empty()) d.notes.push_back(std::move(hit.note));
  d.help = std::move(hit.help);
  // Where it must hold everywhere, what is said of the first cluster stands for all.
  Key key = find_lint(hit.lint)->everywhere ? Key{hit.lint, "", d.span, ""}
                                            : Key{hit.lint, rule.address, d.span, d.message};
  add(std::move(key), &subject.cluster, std::move(finding));
}

void Findings::add_folded(const Subject& subject, const std::vector<Hit>& hits) {
  const policy::Origin& origin = subject.rules[hits.front().rule].rule->origin;
  const auto feature = std::find_if(
      subject.cluster.features.begin(), subject.cluster.features.end(),
      [&](const auto& f) { return f.module == origin.module && f.name == origin.feature; });
  if (feature == subject.cluster.features.end()) bug("a rule of the library without its feature");
  std::size_t all = 0;
  for (const WrittenRule& rule : subject.rules) {
    const policy::Origin& other = rule.rule->origin;
    all += other.module == origin.module && other.feature == origin.feature ? 1u : 0u;
  }
  std::vector<const Hit*> list;
  for (const Hit& hit : hits) list.push_back(&hit);

  Finding finding;
  finding.address = feature_address(origin);
  Diagnostic& d = finding.diagnostic;
  const Lint& lint = *find_lint(hits.front().lint);
  d.id = lint.id;
  d.span = places_.chosen_at(subject.cluster, *feature);
  if (hits.size() == 1) {
    d.message = hits.front().message;
  } else {
    d.message =
        fmt::format("{} of {} of feature `{}` {}", hits.size(), counted(all, "rule"),
                    finding.address, fmt::format(fmt::runtime(lint.of_feature), details(list)));
    d.notes.push_back(fmt::format("e.g. `{}`", subject.rules[hits.front().rule].address));
  }
  d.labels = first_labels(list);
  if (!hits.front().note.empty()) d.notes.push_back(hits.front().note);
  d.help = hits.front().help;
  add(subject.cluster, std::move(finding));
}

std::vector<Finding> Findings::take() {
  std::vector<Finding> out;
  for (auto& [key, pending] : found_) {
    Finding& finding = pending.finding;
    Diagnostic& d = finding.diagnostic;
    const Lint* lint = find_lint(d.id);
    const auto written = occurrences_.find(d.span);
    const bool elsewhere_not =
        lint->everywhere && written != occurrences_.end() && pending.rules < written->second;
    if (elsewhere_not || waives_.hides(d.id, finding.address)) continue;
    if (input_.policy.clusters.size() > 1 && !pending.clusters.empty()) {
      d.notes.push_back(where(pending.clusters));
    }
    out.push_back(std::move(finding));
  }
  found_.clear();
  return out;
}

}  // namespace hcipol::verify
