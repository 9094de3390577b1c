// Directed graphs of small things: order and cycles. The only door to Boost.Graph.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace hcipol {

/// Vertices are 0 … size-1; an edge (a, b) says "a needs b".
struct Graph {
  std::size_t size = 0;
  std::vector<std::pair<std::size_t, std::size_t>> edges;
};

/// Every vertex after all that it needs; among equals the smaller index first, so the order depends
/// on nothing but the graph. Nothing if there is a cycle.
std::optional<std::vector<std::size_t>> dependencies_first(const Graph& graph);

/// One cycle for every knot of vertices that need each other, as a walk a → b → … (→ a, not
/// repeated), each starting at its smallest vertex; sorted.
std::vector<std::vector<std::size_t>> cycles(const Graph& graph);

}  // namespace hcipol
