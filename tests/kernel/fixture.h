// What the tests of what the kernel does with policies share.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/kernel/judge.h"
#include "tests/support/emitted.h"
#include "tests/support/random_policy.h"

namespace hcipol::test::kernel {

constexpr unsigned random_policies = 6;  ///< of each kind, for each loader

/// A file of the device with one fault in it, and what the fault is.
struct Fault {
  const char* file;
  const char* sane;
  const char* broken;
};

class Kernel : public testing::TestWithParam<Loader> {
 protected:
  void SetUp() override;

  /// Of a gateway, or of a machine if the target says one.
  void expect_agreement(const Emitted& one, const std::string& what,
                        const std::vector<GatewayLab::Probe>& probes, const Directory& names);
  void expect_agreement(const std::string& what, const Files& files,
                        const std::vector<Expectation>& expectations, const Directory& names,
                        const net::AddressSet* machine = nullptr);
  /// Without a fault all is right with the loader's devices of the policy, with one something is
  /// not.
  void expect_found(const std::string& policy, const std::vector<Fault>& faults);

 private:
  std::vector<std::string> ask(const Files& files, const std::vector<Expectation>& expectations,
                               const Directory& names, const net::AddressSet* machine);
};

Files files_of(const backends::Emission& emission);
/// Those that the device can be asked: on a machine, what begins or ends there.
std::vector<Expectation> expectations_of(const Emitted& one,
                                         const std::vector<GatewayLab::Probe>& probes,
                                         const Directory& names);
/// Packets at and around every boundary that random policies speak of.
std::vector<GatewayLab::Probe> probes_of_random_policies(Directory& names);
/// Both readings of the policy, one of its text and one of its rules, must say the same.
void expect_one_meaning(const Emitted& one, const RandomPolicy& policy,
                        const std::vector<GatewayLab::Probe>& probes, const Directory& names);
/// A policy with more prefixes than stay in one chain, many of them within others.
std::string many_prefixes(std::mt19937& random);
extern const char* const small_policy;

}  // namespace hcipol::test::kernel
