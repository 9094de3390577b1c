// What lints have hit, gathered over clusters until it can be said once.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "verify/lints.h"

namespace hcipol::verify {

/// Which places are the policy's own and which the bundled library's.
class Places {
 public:
  explicit Places(const sema::Program& program);

  bool in_library(Span span) const;
  /// Where the policy decided to have a feature: its `enable`, that of the feature that requires
  /// it, or the cluster, for what switches itself on.
  Span chosen_at(const policy::Cluster& cluster, const policy::EnabledFeature& feature) const;

 private:
  std::vector<bool> library_;  ///< by file
};

/// A rule as it was written, in one cluster, with every flow that came of it.
struct WrittenRule {
  enum class Owner {
    policy,    ///< reported at the rule
    library,   ///< reported by feature, where that is enabled
    compiler,  ///< the way to a proxy, which nobody wrote: not reported
  };

  const policy::Rule* rule = nullptr;  ///< the first, of those that a proxy makes of one
  std::string address;                 ///< "main/backup.veeam-data"
  Owner owner = Owner::policy;
  std::vector<std::size_t> flows;  ///< empty if no packet can belong to the rule
};

/// What the lints of one cluster look at.
struct Subject {
  Subject(const LintInput& lint_input, const Places& lint_places, std::size_t cluster_index);

  const LintInput& input;
  const Places& places;
  std::size_t index;  ///< of the cluster
  const policy::Cluster& cluster;
  const std::vector<flow::Flow>& flows;
  std::vector<net::Box> boxes;       ///< by flow
  std::vector<WrittenRule> rules;    ///< in order of place
  std::vector<std::size_t> rule_of;  ///< by flow: its index in `rules`
};

/// A lint that holds of a rule.
struct Hit {
  Diag lint = Diag::unused;
  std::size_t rule = 0;  ///< in the subject's `rules`
  std::string message;   ///< of the rule alone
  std::string detail;    ///< for the message about several rules of a feature
  /// Second places, and what they have to do with it.
  std::vector<Label> labels;
  std::string note;
  std::string help;
  std::vector<std::size_t> others;  ///< rules that are its cause
};

/// The message of a row of the catalogue.
template <Diag D, class... Args>
std::string message(const Args&... args) {
  constexpr fmt::format_string<const Args&...> format{entry(D).format};
  return fmt::format(format, args...);
}

class Findings {
 public:
  Findings(const LintInput& input, const Places& places, Waives& waives)
      : input_(input), places_(places), waives_(waives) {}

  /// Takes the hits of a cluster, of any lints and in any order.
  void add(const Subject& subject, std::vector<Hit> hits);
  void add(const policy::Cluster& cluster, Finding finding);
  /// A finding about a declaration, which no cluster decides.
  void add(Finding finding);

  /// Everything found and not waived, in order of code, address and place.
  std::vector<Finding> take();

 private:
  struct Pending {
    Finding finding;
    std::vector<const policy::Cluster*> clusters;
    std::size_t rules = 0;  ///< for how many rules of clusters it holds
  };
  using Key = std::tuple<Diag, std::string, Span, std::string>;

  void add(Key key, const policy::Cluster* cluster, Finding finding);
  void add_own(const Subject& subject, Hit hit);
  void add_folded(const Subject& subject, const std::vector<Hit>& hits);

  const LintInput& input_;
  const Places& places_;
  Waives& waives_;
  std::map<Key, Pending> found_;
  /// For how many rules of clusters a rule was written.
  std::map<Span, std::size_t> occurrences_;
};

/// Names for a sentence: "`a`", "`a` and `b`", "`a`, `b` and 3 others".
std::string quoted(const std::vector<std::string>& names);

}  // namespace hcipol::verify
