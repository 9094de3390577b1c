// Policies of many small rules, as no person would write them: what gateways must find by trees and
// maps.
#pragma once

#include <random>
#include <string>

namespace hcipol::test {

/// A policy of one cluster "c" with about `rules` rules of every kind, as the file main.hcipol:
/// between the servers and hosts, networks in each other, pairs in two sites, hosts all over the
/// world and names, on single ports, ranges, lists of both, other protocols and everything.
std::string many_rules(std::mt19937& random, unsigned rules);

}  // namespace hcipol::test
