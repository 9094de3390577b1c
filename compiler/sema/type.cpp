// Type expressions are ordinary expressions (names and calls) read by other rules.
#include "sema/type.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "support/bug.h"
#include "support/text.h"

namespace hcipol::sema {

namespace {

struct Word {
  std::string_view name;
  Type::Kind kind;
  std::string_view one;   ///< "an address"
  std::string_view many;  ///< "addresses"
};

constexpr std::array words{
    Word{"any", Type::Kind::any, "any value", "values"},
    Word{"bool", Type::Kind::boolean, "true or false", "booleans"},
    Word{"number", Type::Kind::number, "a number", "numbers"},
    Word{"string", Type::Kind::string, "a string", "strings"},
    Word{"ip", Type::Kind::ip, "a single address", "single addresses"},
    Word{"cidr", Type::Kind::cidr, "a prefix", "prefixes"},
    Word{"address", Type::Kind::address, "an address", "addresses"},
    Word{"fqdn", Type::Kind::fqdn, "a host name", "host names"},
    Word{"peer", Type::Kind::peer, "a peer (an address, a role, an endpoint or a host name)",
         "peers"},
    Word{"service", Type::Kind::service, "a service", "services"},
    Word{"tag", Type::Kind::tag, "a service tag", "service tags"},
    Word{"date", Type::Kind::date, "a date", "dates"},
    Word{"duration", Type::Kind::duration, "a duration", "durations"},
    Word{"flow", Type::Kind::flow, "a flow", "flows"},
    Word{"list", Type::Kind::list, "a list", "lists"},
    Word{"set", Type::Kind::set, "a set", "sets"},
    Word{"map", Type::Kind::map, "a map", "maps"},
    Word{"object", Type::Kind::object, "an object", "objects"},
};

const Word& word(Type::Kind kind) {
  for (const Word& candidate : words) {
    if (candidate.kind == kind) return candidate;
  }
  bug("a type has no name");
}

const Word* find(std::string_view name) {
  for (const Word& candidate : words) {
    if (candidate.name == name) return &candidate;
  }
  return nullptr;
}

bool is_container(Type::Kind kind) {
  return kind == Type::Kind::list || kind == Type::Kind::set || kind == Type::Kind::map ||
         kind == Type::Kind::object;
}

Type unknown(std::string_view name, Span span, Reporter& reporter) {
  std::vector<std::string> names;
  for (const Word& candidate : words) names.emplace_back(candidate.name);
  reporter.report<Diag::unknown_type>(span, name).suggest(did_you_mean(name, names));
  return {};
}

Type::Field read_field(const syntax::Object::Entry& entry, Reporter& reporter) {
  const auto* call = std::get_if<syntax::Call>(&entry.value->node);
  if (call == nullptr || call->function != "optional") {
    return {entry.key, read_type(*entry.value, reporter), false, nullptr};
  }
  if (call->arguments.empty() || call->arguments.size() > 2) {
    reporter.report<Diag::wrong_arguments>(entry.value->span, "optional",
                                           "a type and, if wanted, a default");
    return {entry.key, {}, true, nullptr};
  }
  const syntax::Expr* otherwise = call->arguments.size() == 2 ? call->arguments[1].get() : nullptr;
  return {entry.key, read_type(*call->arguments[0], reporter), true, otherwise};
}

Type read_call(const syntax::Call& call, Span span, Reporter& reporter) {
  const Word* found = find(call.function);
  if (found == nullptr) return unknown(call.function, call.function_span, reporter);
  Type type{found->kind, {}, {}};
  if (!is_container(found->kind)) {
    reporter.report<Diag::wrong_arguments>(span, call.function, "nothing in parentheses");
    return type;
  }
  if (call.arguments.size() != 1) {
    reporter.report<Diag::wrong_arguments>(span, call.function, "one type in parentheses");
    return {};
  }
  if (found->kind != Type::Kind::object) {
    type.element.push_back(read_type(*call.arguments[0], reporter));
    return type;
  }
  const auto* object = std::get_if<syntax::Object>(&call.arguments[0]->node);
  if (object == nullptr) {
    reporter.report<Diag::wrong_arguments>(span, "object",
                                           "its fields: `object({ name = string })`");
    return {};
  }
  for (const auto& entry : object->entries) type.fields.push_back(read_field(entry, reporter));
  return type;
}

}  // namespace

Type read_type(const syntax::Expr& expression, Reporter& reporter) {
  if (const auto* call = std::get_if<syntax::Call>(&expression.node)) {
    return read_call(*call, expression.span, reporter);
  }
  if (const auto* name = std::get_if<syntax::Name>(&expression.node)) {
    const Word* found = find(name->text);
    if (found == nullptr) return unknown(name->text, expression.span, reporter);
    if (!is_container(found->kind)) return {found->kind, {}, {}};
    reporter.report<Diag::wrong_arguments>(expression.span, name->text,
                                           "a type in parentheses, as in `list(address)`");
    return {};
  }
  reporter.report<Diag::wrong_type>(expression.span, "a type", "another expression")
      .help("a type is a word such as `string`, `address` or `list(service)`");
  return {};
}

std::string to_string(const Type& type) {
  const std::string name(word(type.kind).name);
  if (type.kind == Type::Kind::object) return name;
  return type.element.empty() ? name : fmt::format("{}({})", name, to_string(type.element.front()));
}

std::string describe(const Type& type) {
  const Word& name = word(type.kind);
  if (type.element.empty()) return std::string(name.one);
  return fmt::format("{} of {}", name.one, word(type.element.front().kind).many);
}

Type option_type(std::string_view text) {
  const std::size_t open = text.find('(');
  const Word* outer = find(text.substr(0, open));
  if (outer == nullptr) bug("an option has a type that does not exist");
  Type type{outer->kind, {}, {}};
  if (open != std::string_view::npos) {
    type.element.push_back(option_type(text.substr(open + 1, text.size() - open - 2)));
  }
  return type;
}

}  // namespace hcipol::sema
