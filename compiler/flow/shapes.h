// Ends and services of flows by number, so that thousands of flows are compared in no time.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "flow/flow.h"
#include "net/by_service.h"
#include "net/id_table.h"

namespace hcipol::flow {

using Sets = std::vector<const NamedSet*>;
using Number = std::uint32_t;

/// As a set, in the order of names: the order in which a policy lists its peers has no meaning.
Sets as_set(Sets sets);

/// Numbers pairs of numbers, from 0 on.
class Pairs {
 public:
  Pairs() = default;
  /// With room for so many.
  explicit Pairs(std::size_t pairs) : table_(pairs) {}

  struct Found {
    Number number;
    bool fresh;
  };
  Found of(Number a, Number b);

 private:
  net::IdTable table_;
  Number count_ = 0;
};

/// Numbers triples of numbers, from 0 on.
class Triples {
 public:
  Triples() = default;
  /// With room for so many.
  explicit Triples(std::size_t triples) : halves_(triples), wholes_(triples) {}

  Pairs::Found of(Number a, Number b, Number c) { return wholes_.of(halves_.of(a, b).number, c); }

 private:
  Pairs halves_;
  Pairs wholes_;
};

/// Ends and services of flows by number: equal numbers, equal contents.
class Numbers {
 public:
  Number of(const Sets& sets);
  Number of(const net::ServiceSet& service);

  /// In the order of their names, each once.
  const Sets& sets(Number number) const { return sets_[number]; }
  std::size_t sets_count() const { return sets_.size(); }
  const net::ServiceSet& service(Number number) const { return services_[number]; }
  std::size_t service_count() const { return services_.size(); }

 private:
  std::deque<Sets> sets_;
  std::deque<net::ServiceSet> services_;
  net::IdTable singles_, ranges_;
  std::map<Sets, Number> lists_;
  net::ByService<Number> range_lists_;
};

/// What a flow matches, by the numbers of it.
struct Shape {
  Number from = 0;
  Number to = 0;
  Number service = 0;

  friend bool operator==(const Shape&, const Shape&) = default;
};

/// Packets, and which of two lists have a flow with just these.
struct Content {
  policy::Rule::Kind kind;
  Shape shape;
  bool before = false;
  bool after = false;

  bool changed() const { return before != after; }
  friend bool operator==(const Content&, const Content&) = default;
};

/// The contents of both lists.
class Contents {
 public:
  Content& of(policy::Rule::Kind kind, const Shape& shape) {
    const Number ends = ends_.of(shape.from, shape.to).number;
    const auto [number, fresh] = wholes_.of(ends, static_cast<Number>(kind), shape.service);
    if (fresh) all_.push_back({kind, shape});
    return all_[number];
  }
  const std::vector<Content>& all() const { return all_; }

 private:
  Pairs ends_;
  Triples wholes_;
  std::vector<Content> all_;
};

}  // namespace hcipol::flow
