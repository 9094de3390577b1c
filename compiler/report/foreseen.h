// What expressions of a feature come to before there is a cluster, when only its cloud is known.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "sema/evaluator.h"
#include "support/source.h"

namespace hcipol::report {

/// What must be true, as the language writes it; "" if nothing must.
struct Condition {
  std::string text;
  /// Whether it is true with every parameter at its default, where that decides it.
  std::optional<bool> by_default;

  bool always() const { return text.empty(); }
  friend bool operator==(const Condition&, const Condition&) = default;
};

/// The condition that both hold.
Condition both(const Condition& a, const Condition& b);

/// A test that the cloud decides, or what is left of it.
struct Truth {
  std::optional<bool> decided;
  Condition rest;
};

/// Reads the expressions of one module, or of one feature in it, for one cloud. An expression is
/// open if it needs a parameter, a variable without a value, or anything of a cluster but its
/// cloud. Mistakes in closed ones go to the evaluator's reporter.
class Foreseen {
 public:
  /// `scope` has the module, a cluster that is nothing but its cloud, and the feature, if any, with
  /// the defaults of those parameters that have one. `reporter` is the evaluator's.
  Foreseen(sema::Evaluator& evaluator, Reporter& reporter, const SourceMap& sources,
           const sema::Scope& scope)
      : evaluator_(evaluator), reporter_(reporter), sources_(sources), scope_(scope) {}

  const sema::Scope& scope() const { return scope_; }
  std::string_view cloud() const { return scope_.cluster->cloud; }
  /// The same eyes in another module; `feature` is null outside of features.
  Foreseen in(const sema::Module& module, const sema::FeatureScope* feature) const;

  bool open(const syntax::Expr& expression) const;
  /// Nothing if it is open, or wrong (reported).
  std::optional<sema::Value> value(const syntax::Expr& expression) const;
  std::optional<net::ServiceSet> service(const syntax::Expr& expression) const;
  /// The same with parameters at their defaults; nothing if that is not enough.
  std::optional<sema::Value> default_value(const syntax::Expr& expression) const;
  std::optional<net::ServiceSet> default_service(const syntax::Expr& expression) const;
  Truth truth(const syntax::Expr& expression, bool negated = false) const;
  /// As the file has it, on one line and without comments.
  std::string written(const syntax::Expr& expression) const;
  /// The value of a text as far as it is known, the rest as it is written:
  /// "${param.account}.blob.core.windows.net".
  std::string text(const syntax::Expr& expression) const;
  /// The definition behind `local.x`; null for everything else.
  const syntax::Expr* local(const syntax::Expr& expression) const;

 private:
  struct Needs {
    bool cluster = false;
    std::set<std::string, std::less<>> parameters;
    std::set<std::string_view> bound;
    std::set<const syntax::Expr*> seen;
  };
  Needs needs(const syntax::Expr& expression) const;
  void collect(const syntax::Expr& expression, Needs& needs) const;
  bool collect_member(const syntax::Member& member, Needs& needs) const;
  bool enough_by_default(const syntax::Expr& expression) const;
  Truth open_test(const syntax::Expr& expression, bool negated) const;

  sema::Evaluator& evaluator_;
  Reporter& reporter_;
  const SourceMap& sources_;
  sema::Scope scope_;
};

}  // namespace hcipol::report
