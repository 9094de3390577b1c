// Set functions work on addresses and on services alike.
#include "sema/network_functions.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sema/expression.h"
#include "support/text.h"

namespace hcipol::sema {

namespace {

using Arguments = std::vector<Value>;
using Result = std::optional<Value>;

bool is_service(const Value& value) {
  if (value.as<net::ServiceSet>() != nullptr) return true;
  const auto* list = value.as<List>();
  return list != nullptr && !list->empty() && is_service(list->front());
}

std::optional<net::ServiceSet> services(Value argument, CallContext& context) {
  const auto value =
      context.evaluator.convert(std::move(argument), {Type::Kind::service, {}, {}}, context.scope);
  return value ? std::optional(*value->as<net::ServiceSet>()) : std::nullopt;
}

std::optional<net::PeerSet> peers(Value argument, CallContext& context) {
  const auto value =
      context.evaluator.convert(std::move(argument), {Type::Kind::peer, {}, {}}, context.scope);
  return value ? std::optional(value->as<Peers>()->set()) : std::nullopt;
}

template <class ServiceTest, class PeerTest>
Result compare(Arguments& a, CallContext& context, ServiceTest service_test, PeerTest peer_test) {
  if (is_service(a[0]) || is_service(a[1])) {
    const auto left = services(a[0], context);
    const auto right = services(a[1], context);
    if (!left || !right) return std::nullopt;
    return Value{static_cast<bool>(service_test(*left, *right)), context.call};
  }
  const auto left = peers(a[0], context);
  const auto right = peers(a[1], context);
  if (!left || !right) return std::nullopt;
  return Value{static_cast<bool>(peer_test(*left, *right)), context.call};
}

std::string name_of(const net::PeerSet& set) {
  std::string name = net::to_string(set.addresses);
  if (set.names.empty()) return name;
  return name.empty() ? net::to_string(set.names)
                      : fmt::format("{}, {}", name, net::to_string(set.names));
}

template <class Combine>
Result fold(Arguments& a, CallContext& context, Combine combine) {
  if (is_service(a[0])) {
    std::optional<net::ServiceSet> all;
    for (const Value& argument : a) {
      const auto next = services(argument, context);
      if (!next) return std::nullopt;
      all = all ? combine(*all, *next) : *next;
    }
    return Value{*all, context.call};
  }
  std::optional<net::PeerSet> all;
  for (const Value& argument : a) {
    const auto next = peers(argument, context);
    if (!next) return std::nullopt;
    all = all ? combine(*all, *next) : *next;
  }
  if (all->empty()) return Value{Peers{}, context.call};
  const NamedSet* set = context.evaluator.literal(name_of(*all), *all, context.call);
  return Value{Peers{{set}}, context.call};
}

std::optional<net::Cidr> prefix(const Value& argument, CallContext& context) {
  const auto value = context.evaluator.convert(argument, {Type::Kind::cidr, {}, {}}, context.scope);
  if (!value) return std::nullopt;
  return value->as<Peers>()->parts.front()->set.addresses.cidrs().front();
}

std::optional<std::int64_t> number(const Value& argument, CallContext& context) {
  const auto value =
      context.evaluator.convert(argument, {Type::Kind::number, {}, {}}, context.scope);
  return value ? std::optional(*value->as<std::int64_t>()) : std::nullopt;
}

Result bad(const Value& argument, CallContext& context, std::string_view why) {
  context.evaluator.reporter().report<Diag::bad_argument>(argument.span, why);
  return std::nullopt;
}

// `value` written into the bits of `address` that end `shift` bits before its end.
net::Address with_bits(net::Address address, std::uint64_t value, unsigned shift) {
  if (shift >= 64) {
    address.high |= value << (shift - 64);
  } else {
    address.low |= value << shift;
    if (shift > 0) address.high |= value >> (64 - shift);
  }
  return address;
}

bool fits_in(std::int64_t value, unsigned bits) {
  return value >= 0 && (bits >= 63 || value < (std::int64_t{1} << bits));
}

Result address_value(const net::AddressSet& set, CallContext& context) {
  const NamedSet* literal = context.evaluator.literal(net::to_string(set), {set, {}}, context.call);
  return Value{Peers{{literal}}, context.call};
}

std::optional<Value> from_json(const nlohmann::json& json, Span span, unsigned depth) {
  if (depth > 100) return std::nullopt;
  if (json.is_null()) return Value{std::monostate{}, span};
  if (json.is_boolean()) return Value{json.get<bool>(), span};
  if (json.is_string()) return Value{json.get<std::string>(), span};
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  if (json.is_number_integer()) return Value{json.get<std::int64_t>(), span};
  if (json.is_array()) {
    List list;
    for (const auto& element : json) {
      auto value = from_json(element, span, depth + 1);
      if (!value) return std::nullopt;
      list.push_back(*std::move(value));
    }
    return Value{std::move(list), span};
  }
  if (!json.is_object()) return std::nullopt;  // numbers with a fraction
  Map map;
  for (const auto& [key, element] : json.items()) {
    auto value = from_json(element, span, depth + 1);
    if (!value) return std::nullopt;
    map.emplace(key, *std::move(value));
  }
  return Value{std::move(map), span};
}

const std::string* read(const Value& argument, CallContext& context) {
  const auto* path = argument.as<std::string>();
  if (path == nullptr) {
    context.evaluator.reporter().report<Diag::wrong_type>(argument.span, "a path in quotes",
                                                          describe(argument));
    return nullptr;
  }
  return context.evaluator.file(*path, argument.span);
}

}  // namespace

Result overlaps(Arguments& a, CallContext& context) {
  return compare(
      a, context, [](const auto& x, const auto& y) { return x.intersects(y); },
      [](const auto& x, const auto& y) { return x.intersects(y); });
}

Result covers(Arguments& a, CallContext& context) {
  return compare(
      a, context, [](const auto& x, const auto& y) { return x.contains(y); },
      [](const auto& x, const auto& y) { return x.contains(y); });
}

Result union_sets(Arguments& a, CallContext& context) {
  return fold(a, context, [](const auto& x, const auto& y) { return x | y; });
}

Result intersect_sets(Arguments& a, CallContext& context) {
  return fold(a, context, [](const auto& x, const auto& y) { return x & y; });
}

Result host(Arguments& a, CallContext& context) {
  const auto cidr = prefix(a[0], context);
  const auto n = number(a[1], context);
  if (!cidr || !n) return std::nullopt;
  const unsigned bits = net::width(cidr->network.family) - cidr->length;
  if (!fits_in(*n, bits)) return bad(a[1], context, "the prefix has no such address");
  return address_value(net::AddressSet(with_bits(cidr->network, static_cast<std::uint64_t>(*n), 0)),
                       context);
}

Result subnet(Arguments& a, CallContext& context) {
  const auto cidr = prefix(a[0], context);
  const auto bits = number(a[1], context);
  const auto n = number(a[2], context);
  if (!cidr || !bits || !n) return std::nullopt;
  const unsigned rest = net::width(cidr->network.family) - cidr->length;
  if (*bits < 0 || *bits > static_cast<std::int64_t>(rest)) {
    return bad(a[1], context, "the prefix cannot be that much longer");
  }
  const auto added = static_cast<unsigned>(*bits);
  if (!fits_in(*n, added)) return bad(a[2], context, "the prefix has no such part");
  const net::Address network =
      added == 0 ? cidr->network
                 : with_bits(cidr->network, static_cast<std::uint64_t>(*n), rest - added);
  return address_value(net::AddressSet(net::Cidr{network, cidr->length + added}), context);
}

Result allows(Arguments& a, CallContext& context) {
  const auto* cluster = a[0].as<std::string>();
  const auto* flow = a[1].as<Flow>();
  if (cluster == nullptr) return bad(a[0], context, "`allows` takes the name of a cluster");
  if (flow == nullptr) return bad(a[1], context, "`allows` takes a flow");
  return context.evaluator.allowed(*cluster, *flow, context.call);
}

Result enabled(Arguments& a, CallContext& context) {
  const auto* name = a[0].as<std::string>();
  if (name == nullptr) return bad(a[0], context, "`enabled` takes the name of a feature");
  Reporter& reporter = context.evaluator.reporter();
  if (context.scope.cluster == nullptr || !context.scope.cluster->features) {
    reporter.report<Diag::not_in_scope>(context.call, "enabled")
        .help("only the `when` of a rule or a feature can ask which features a cluster has");
    return std::nullopt;
  }
  const auto found = context.evaluator.feature(*name, *context.scope.module, a[0].span);
  if (!found) return std::nullopt;
  return Value{context.scope.cluster->features->contains(*found), context.call};
}

Result file_text(Arguments& a, CallContext& context) {
  const auto* content = read(a[0], context);
  if (content == nullptr) return std::nullopt;
  if (!valid_utf8(*content) || content->size() > max_text_bytes) {
    return bad(a[0], context, "the file is no UTF-8 text of at most 1 MiB");
  }
  return Value{*content, context.call};
}

Result json_file(Arguments& a, CallContext& context) {
  const auto* content = read(a[0], context);
  if (content == nullptr) return std::nullopt;
  const auto json = nlohmann::json::parse(*content, nullptr, false);
  if (json.is_discarded()) return bad(a[0], context, "the file is not JSON");
  auto value = from_json(json, context.call, 0);
  if (!value) return bad(a[0], context, "the file holds a fraction or is nested too deep");
  return value;
}

std::int64_t service_count(const net::ServiceSet& set) {
  std::int64_t count = 0;
  for (const std::uint8_t protocol : set.protocols()) {
    if (net::has_ports(protocol)) {
      for (const auto& range : set.ports(protocol)) count += range.last - range.first + 1;
    } else if (net::has_types(protocol)) {
      for (const auto& range : set.ports(protocol)) {
        count += (range.last >> 8) - (range.first >> 8) + 1;
      }
    } else {
      ++count;
    }
  }
  return count;
}

}  // namespace hcipol::sema
