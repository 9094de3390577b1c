// Boost.Graph is included here and nowhere else: it costs seconds of compile time per file.
#include "support/graph.h"

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/strong_components.hpp>
#include <boost/graph/topological_sort.hpp>

#include <algorithm>
#include <map>

namespace hcipol {

namespace {

using Adjacency = boost::adjacency_list<boost::setS, boost::vecS, boost::directedS>;

Adjacency adjacency(const Graph& graph) {
  Adjacency out(graph.size);
  for (const auto& [from, to] : graph.edges) boost::add_edge(from, to, out);
  return out;
}

// The shortest way from `start` back to itself inside its component.
std::vector<std::size_t> shortest_cycle(const Adjacency& graph, std::size_t start) {
  std::vector<std::size_t> previous(boost::num_vertices(graph), start);
  std::vector<std::size_t> queue;
  std::vector<bool> seen(boost::num_vertices(graph), false);
  queue.push_back(start);
  for (std::size_t next = 0; next < queue.size(); ++next) {
    const std::size_t at = queue[next];
    for (const auto edge : boost::make_iterator_range(boost::out_edges(at, graph))) {
      const std::size_t to = boost::target(edge, graph);
      if (to == start) {
        std::vector<std::size_t> walk;
        for (std::size_t back = at; back != start; back = previous[back]) walk.push_back(back);
        walk.push_back(start);
        std::reverse(walk.begin(), walk.end());
        return walk;
      }
      if (seen[to]) continue;
      seen[to] = true;
      previous[to] = at;
      queue.push_back(to);
    }
  }
  return {};
}

}  // namespace

std::optional<std::vector<std::size_t>> dependencies_first(const Graph& graph) {
  std::vector<std::size_t> order;
  order.reserve(graph.size);
  const Adjacency adjacent = adjacency(graph);
  try {
    // Depth-first search visits roots and sorted edges by index, so the result is deterministic.
    boost::topological_sort(adjacent, std::back_inserter(order));
  } catch (const boost::not_a_dag&) {
    return std::nullopt;
  }
  return order;
}

std::vector<std::vector<std::size_t>> cycles(const Graph& graph) {
  const Adjacency adjacent = adjacency(graph);
  std::vector<std::size_t> component(graph.size);
  boost::strong_components(adjacent, boost::make_iterator_property_map(
                                         component.begin(), get(boost::vertex_index, adjacent)));
  std::map<std::size_t, std::vector<std::size_t>> members;
  for (std::size_t v = 0; v < graph.size; ++v) members[component[v]].push_back(v);

  std::vector<std::vector<std::size_t>> found;
  for (const auto& [id, vertices] : members) {
    std::vector<std::size_t> walk = shortest_cycle(adjacent, vertices.front());
    if (!walk.empty()) found.push_back(std::move(walk));
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace hcipol
