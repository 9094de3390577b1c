// From values to the types that are asked for; conversions are the few that language.md §3.3 lists.
#include <fmt/format.h>

#include "net/domain_set.h"
#include "sema/evaluator_state.h"
#include "sema/literals.h"
#include "support/text.h"

namespace hcipol::sema {

namespace {

using Kind = Type::Kind;

class Converter {
 public:
  Converter(Evaluator& evaluator, const Scope& scope) : evaluator_(evaluator), scope_(scope) {}

  std::optional<Value> to(Value value, const Type& type) {
    switch (type.kind) {
      case Kind::any: return value;
      case Kind::boolean: return exactly<bool>(std::move(value), type);
      case Kind::number: return exactly<std::int64_t>(std::move(value), type);
      case Kind::string:
      case Kind::tag: return exactly<std::string>(std::move(value), type);
      case Kind::date: return exactly<Date>(std::move(value), type);
      case Kind::duration: return exactly<Duration>(std::move(value), type);
      case Kind::flow: return exactly<Flow>(std::move(value), type);
      case Kind::fqdn: return host_name(std::move(value), type);
      case Kind::service: return service(std::move(value), type);
      case Kind::ip:
      case Kind::cidr:
      case Kind::address:
      case Kind::peer: return peers(std::move(value), type);
      case Kind::list:
      case Kind::set: return list(std::move(value), type);
      case Kind::map: return map(std::move(value), type);
      case Kind::object: return object(std::move(value), type);
    }
    return std::nullopt;
  }

 private:
  Reporter& reporter() { return evaluator_.reporter(); }

  std::optional<Value> refuse(const Value& value, const Type& type) {
    if (value.is_null()) {
      reporter()
          .report<Diag::null_value>(value.span)
          .help(fmt::format("expected {}", describe(type)));
    } else {
      reporter().report<Diag::wrong_type>(value.span, describe(type), describe(value));
    }
    return std::nullopt;
  }

  std::optional<Value> quoted(const Value& value, std::string_view literal) {
    const std::string& text = *value.as<std::string>();
    reporter().report<Diag::quoted_literal>(value.span, literal).fix(value.span, text);
    return std::nullopt;
  }

  template <class T>
  std::optional<Value> exactly(Value value, const Type& type) {
    if (value.as<T>() != nullptr) return value;
    if (const auto* text = value.as<std::string>();
        text != nullptr && !std::is_same_v<T, std::string>) {
      if (const auto literal = literal_in_quotes(*text)) return quoted(value, *literal);
    }
    return refuse(value, type);
  }

  std::optional<Value> host_name(Value value, const Type& type) {
    const auto* text = value.as<std::string>();
    if (text == nullptr) return refuse(value, type);
    const auto pattern = read_pattern(*text, value.span);
    if (!pattern) return std::nullopt;
    return Value{net::to_string(*pattern), value.span};
  }

  std::optional<net::DomainPattern> read_pattern(const std::string& text, Span span) {
    if (const auto literal = literal_in_quotes(text)) {
      quoted(Value{text, span}, *literal);
      return std::nullopt;
    }
    if (const auto fault = net::pattern_fault(text)) {
      auto report = reporter().report<Diag::bad_domain>(span, one_line(text, 120), *fault);
      if (text.find("://") != std::string::npos) {
        report.help(
            "write the host alone; the scheme is a service: `https` is tcp/443, `http` tcp/80");
      }
      return std::nullopt;
    }
    return net::pattern_of(text);
  }

  // ---- services

  std::optional<Value> service(Value value, const Type& type) {
    if (value.as<net::ServiceSet>() != nullptr) return value;
    net::ServiceSet set;
    if (!add_service(value, type, set, 0)) return std::nullopt;
    return Value{std::move(set), value.span};
  }

  bool add_service(const Value& value, const Type& type, net::ServiceSet& out, unsigned depth) {
    if (const auto* service = value.as<net::ServiceSet>()) {
      out = out | *service;
      return true;
    }
    if (const auto* list = value.as<List>(); list != nullptr && depth < max_evaluation_depth) {
      std::vector<net::ServiceRange> ranges;
      bool good = true;
      for (const Value& element : *list) {
        net::ServiceSet one;
        good = add_service(element, type, one, depth + 1) && good;
        ranges.insert(ranges.end(), one.ranges().begin(), one.ranges().end());
      }
      out = out | net::ServiceSet::of(std::move(ranges));
      return good;
    }
    // `any` is a peer when it stands alone, and every service here.
    if (const auto* peers = value.as<Peers>(); peers != nullptr && peers->parts.size() == 1 &&
                                               peers->parts.front()->kind == NamedSet::Kind::any) {
      out = net::ServiceSet::any();
      return true;
    }
    if (const auto* text = value.as<std::string>()) {
      if (const auto literal = literal_in_quotes(*text)) return quoted(value, *literal).has_value();
    }
    return refuse(value, type).has_value();
  }

  // ---- peers

  std::optional<Value> peers(Value value, const Type& type) {
    const auto* one = value.as<Peers>();
    if (one != nullptr && one->parts.size() == 1 && type.kind == Kind::peer) return value;
    Peers out;
    if (!add_peers(value, type, out, 0)) return std::nullopt;
    return Value{std::move(out), value.span};
  }

  bool add_peers(const Value& value, const Type& type, Peers& out, unsigned depth) {
    if (const auto* list = value.as<List>()) {
      const bool many = type.kind == Kind::address || type.kind == Kind::peer;
      if (!many || depth >= max_evaluation_depth) return refuse(value, type).has_value();
      bool good = true;
      for (const Value& element : *list) good = add_peers(element, type, out, depth + 1) && good;
      return good;
    }
    if (const auto* text = value.as<std::string>()) {
      if (type.kind != Kind::peer) return refuse_text(value, *text, type);
      const auto pattern = read_pattern(*text, value.span);
      if (!pattern) return false;
      net::PeerSet set{{}, net::DomainSet(*pattern)};
      out.parts.push_back(evaluator_.literal(net::to_string(*pattern), std::move(set), value.span));
      return true;
    }
    const auto* peers = value.as<Peers>();
    if (peers == nullptr) return refuse(value, type).has_value();
    for (const NamedSet* part : peers->parts) {
      if (!fits(*part, type)) return refuse(value, type).has_value();
      add_part(out, part);
    }
    return true;
  }

  static void add_part(Peers& out, const NamedSet* part) {
    // Short lists are the rule; long ones come from data and may repeat themselves harmlessly.
    if (out.parts.size() < 64) {
      for (const NamedSet* known : out.parts) {
        if (known == part) return;
      }
    }
    out.parts.push_back(part);
  }

  bool refuse_text(const Value& value, const std::string& text, const Type& type) {
    if (const auto literal = literal_in_quotes(text)) return quoted(value, *literal).has_value();
    return refuse(value, type).has_value();
  }

  static bool fits(const NamedSet& set, const Type& type) {
    if (type.kind == Kind::peer) return true;
    if (!set.set.names.empty()) return false;
    if (type.kind == Kind::address) return true;
    const auto cidrs = set.set.addresses.cidrs();
    if (cidrs.size() != 1) return false;
    return type.kind == Kind::cidr || cidrs[0].length == net::width(cidrs[0].network.family);
  }

  // ---- containers

  std::optional<Value> list(Value value, const Type& type) {
    const Type& element_type = type.element.front();
    List out;
    bool good = true;
    const auto add = [&](Value element) {
      auto converted = to(std::move(element), element_type);
      good = good && converted.has_value();
      if (!converted) return;
      if (type.kind == Kind::set && known(out, *converted)) return;
      out.push_back(*std::move(converted));
    };
    if (auto* elements = std::get_if<List>(&value.data)) {
      for (Value& element : *elements) add(std::move(element));
    } else if (const auto* peers = value.as<Peers>()) {
      for (const NamedSet* part : peers->parts) add(Value{Peers{{part}}, value.span});
    } else {
      return refuse(value, type);
    }
    if (!good) return std::nullopt;
    return Value{std::move(out), value.span};
  }

  static bool known(const List& list, const Value& value) {
    for (const Value& element : list) {
      if (equal(element, value)) return true;
    }
    return false;
  }

  std::optional<Value> map(Value value, const Type& type) {
    auto* entries = std::get_if<Map>(&value.data);
    if (entries == nullptr) return refuse(value, type);
    bool good = true;
    for (auto& [key, element] : *entries) {
      auto converted = to(std::move(element), type.element.front());
      good = good && converted.has_value();
      if (converted) element = *std::move(converted);
    }
    if (!good) return std::nullopt;
    return value;
  }

  std::optional<Value> object(Value value, const Type& type) {
    auto* entries = std::get_if<Map>(&value.data);
    if (entries == nullptr) return refuse(value, type);
    Map out;
    bool good = true;
    std::vector<std::string> names;
    for (const Type::Field& field : type.fields) {
      names.push_back(field.name);
      auto converted = this->field(*entries, field, value.span);
      good = good && converted.has_value();
      if (converted) out.emplace(field.name, *std::move(converted));
    }
    for (const auto& [key, element] : *entries) {
      if (std::find(names.begin(), names.end(), key) != names.end()) continue;
      reporter()
          .report<Diag::bad_key>(element.span, one_line(key, 80))
          .suggest(did_you_mean(key, names));
      good = false;
    }
    if (!good) return std::nullopt;
    return Value{std::move(out), value.span};
  }

  std::optional<Value> field(Map& entries, const Type::Field& field, Span span) {
    const auto found = entries.find(field.name);
    if (found != entries.end()) return to(std::move(found->second), field.type);
    if (!field.optional) {
      reporter().report<Diag::missing_attribute>(span, "this object", field.name);
      return std::nullopt;
    }
    if (field.otherwise == nullptr) return Value{std::monostate{}, span};
    return evaluator_.evaluate_as(*field.otherwise, field.type, scope_);
  }

  Evaluator& evaluator_;
  const Scope& scope_;
};

}  // namespace

std::optional<Value> Evaluator::convert(Value value, const Type& type, const Scope& scope) {
  return Converter(*this, scope).to(std::move(value), type);
}

}  // namespace hcipol::sema
