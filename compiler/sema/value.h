// Values of the language: what an expression comes to.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "net/service.h"
#include "sema/named_set.h"
#include "support/date.h"
#include "support/span.h"

namespace hcipol::sema {

struct Value;

using List = std::vector<Value>;
using Map = std::map<std::string, Value, std::less<>>;

/// The right to open connections; `a <-> b` is `both_ways`.
struct Flow {
  Peers from;
  Peers to;
  net::ServiceSet service;
  bool both_ways = false;
};

/// A name with members that are looked up on demand, such as `cluster`, `site`, `var`, `hci`.
/// `what` is for messages ("cluster `prod`"); `object` is known to the evaluator only.
struct Reference {
  enum class Kind {
    cluster,
    sites,
    nodes,
    proxies,
    variables,
    locals,
    parameters,
    data,
    module,
    package
  };
  Kind kind = Kind::cluster;
  const void* object = nullptr;
  std::string what;
};

/// `30d`, `12h`, `2w`; months do not exist.
using Duration = std::chrono::seconds;

/// Addresses of every form (ip, cidr, range, role, site, node, endpoint, `any` …) are Peers; which
/// of these a value is, its parts tell.
struct Value {
  std::variant<std::monostate, bool, std::int64_t, std::string, Peers, net::ServiceSet, Date,
               Duration, Flow, List, Map, Reference>
      data;
  Span span;  ///< where it was written, for messages

  template <class T>
  const T* as() const {
    return std::get_if<T>(&data);
  }
  bool is_null() const { return std::holds_alternative<std::monostate>(data); }
};

/// "a string", "a list", "an address", "null": for messages.
std::string describe(const Value& value);

}  // namespace hcipol::sema
