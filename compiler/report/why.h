// `hcipolc why 'FLOW'`: allowed or denied, by what, and where that is rendered.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flow/naming.h"
#include "flow/why.h"
#include "report/rendering.h"
#include "support/source.h"

namespace hcipol::report {

/// A flow and its answer.
struct Asked {
  std::string flow;  ///< as a person writes it
  flow::Answer answer;
};

/// What one cluster says.
struct ClusterAnswer {
  const policy::Cluster* cluster = nullptr;
  /// Knows the names of the cluster, of its flows and of the question.
  std::optional<flow::Naming> naming;
  std::string missing;  ///< why the flow means nothing here; the rest is empty then
  Asked asked;
  /// Both legs for each proxy, if rules send such flows through one.
  std::vector<Asked> through_proxy;
  std::vector<RenderedTarget> targets;
};

struct WhyReport {
  std::vector<ClusterAnswer> clusters;
  /// Why there are no artefacts to look into; empty if there are.
  std::string not_built;
};

enum class Verdict { allowed, partly, denied, impossible };

/// `impossible`: no packet can be meant.
Verdict verdict(const flow::Answer& answer);
std::string to_string(Verdict verdict);
/// "host.example" and 10.0.0.0/8 by the names of the cluster: "servers -> wac on tcp/445".
std::string to_string(const net::Box& box, const flow::Naming& naming);

std::string why_text(const WhyReport& report, const SourceMap& sources);
/// {"version": 1, "clusters": [{name, verdict, asked: {flow, verdict, parts}, through_proxy,
/// missing}], not_built}.
std::string why_json(const WhyReport& report, const SourceMap& sources);

}  // namespace hcipol::report
