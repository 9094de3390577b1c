// Types of variables, parameters and options, as the language writes them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "diagnostics/reporter.h"
#include "syntax/ast.h"

namespace hcipol::sema {

/// `list(address)`, `object({ name = string, port = optional(service, tcp/443) })`.
struct Type {
  enum class Kind {
    any,
    boolean,
    number,
    string,
    ip,
    cidr,
    address,
    fqdn,
    peer,
    service,
    tag,
    date,
    duration,
    flow,
    list,
    set,
    map,
    object
  };
  struct Field;

  Kind kind = Kind::any;
  std::vector<Type> element;  ///< one for list, set and map
  std::vector<Field> fields;  ///< of an object
};

struct Type::Field {
  std::string name;
  Type type;
  bool optional = false;
  const syntax::Expr* otherwise = nullptr;  ///< the default of an optional field, if it has one
};

/// Reads a type expression; an unknown type is reported and becomes `any`.
Type read_type(const syntax::Expr& expression, Reporter& reporter);

/// "list(address)".
std::string to_string(const Type& type);
/// "a list of addresses", for messages.
std::string describe(const Type& type);

/// A type that OptionSpec spells; bug() for one that does not exist.
Type option_type(std::string_view text);

}  // namespace hcipol::sema
