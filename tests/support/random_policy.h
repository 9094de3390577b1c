// Random policies and what they mean, read packet by packet: a second opinion that knows nothing of
// the compiler.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "net/packet_set.h"

namespace hcipol::test {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

/// Packets at and around every boundary that random policies speak of; more than 1,000.
const std::vector<net::Packet>& packets();

/// For each of packets(): 1 or 0.
using Marks = std::vector<std::uint8_t>;

/// The packets of a box given by its fields, much faster than asking for one packet after the
/// other.
Marks mark(const std::function<bool(const net::Endpoint&)>& from,
           const std::function<bool(const net::Endpoint&)>& to,
           const std::function<bool(std::uint32_t)>& service);

/// A peer as the language writes it, and as a person would test it.
struct RandomPeer {
  std::string text;
  std::function<bool(const net::Endpoint&)> has;
};

struct RandomService {
  std::string text;
  std::function<bool(std::uint32_t)> has;  ///< a point of the service axis
};

struct RandomRule {
  enum class Kind { allow, deny, exception };

  Kind kind = Kind::allow;
  std::string name;     ///< unique in the policy
  std::string feature;  ///< "x", "y" (x requires it), "off" (nothing enables it); of exceptions ""
  RandomPeer from;
  RandomPeer to;
  RandomService service;
  bool both_ways = false;
  std::string when;    ///< a condition, "" without one
  bool counts = true;  ///< the condition holds and the feature is enabled

  bool matches(const net::Packet& packet) const;
  /// The same for all packets().
  Marks matches() const;
  /// As it stands in its feature or exception: one line.
  std::string text() const;
};

/// A policy of one cluster "c" on one device: sites "a" and "b" with nodes "n1" and "n2", features,
/// exceptions (under the ticket "e", until 2030-01-01), a variable, a role, an endpoint,
/// parameters.
struct RandomPolicy {
  std::vector<RandomRule> rules;
  /// What `enable "x"` gives its parameters.
  RandomPeer where;
  RandomService port;
  bool extra = false;
  /// The device sees everything, or only what begins or ends at a server.
  bool sees_all = true;

  /// The file main.hcipol.
  std::string text() const;

  /// (allows \ denies) ∪ exceptions.
  bool allowed(const net::Packet& packet) const;
  /// The same for all packets().
  Marks allowed() const;
  bool seen(const net::Packet& packet) const;
};

/// One to `most` rules.
RandomPolicy random_policy(std::mt19937& random, std::size_t most = 7);

/// The policy with a few rules added, removed or altered, or a parameter given otherwise.
RandomPolicy changed(RandomPolicy policy, std::mt19937& random);

/// The same meaning in another text: rules renamed, moved between features and put in another
/// order.
RandomPolicy rewritten(RandomPolicy policy, std::mt19937& random);

/// An address of one of the two nodes.
bool is_server(const net::Endpoint& endpoint);

}  // namespace hcipol::test
