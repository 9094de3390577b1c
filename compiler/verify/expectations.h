// What tests expect, against what the rules of a cluster come to; and which rules tests touch.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "diagnostics/reporter.h"
#include "policy/tests.h"
#include "verify/situation.h"

namespace hcipol::verify {

/// `expect allow F` holds if all of F is allowed, `expect deny F` if none of it is. Reports each
/// check that does not hold; a partial answer says which part is wrong. `checks` are of one
/// cluster, that of the situation, and `open` is everything that it allows.
void check_test(Situation& situation, const net::PacketSet& open, const policy::Test& test,
                std::span<const policy::Check> checks, Reporter& reporter);

/// Which rules share a packet with a check of a test that ran.
class Coverage {
 public:
  struct Rule {
    std::string address;  ///< as written: "hci/registration.graph"
    Span span;

    friend auto operator<=>(const Rule&, const Rule&) = default;
  };

  /// The rules of a cluster, and the checks that were made on it.
  void add(const Situation& situation, std::span<const policy::Check* const> checks);

  std::size_t rules() const { return touched_.size(); }
  /// Sorted by address.
  std::vector<Rule> untouched() const;

 private:
  std::map<Rule, bool> touched_;
};

}  // namespace hcipol::verify
