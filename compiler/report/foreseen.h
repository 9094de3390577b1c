// What expressions of a feature come to before there is a cluster, when only its cloud is known.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "report/regions.h"
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

/// What is known of the features of a cluster that enables one.
struct FeaturesForeseen {
  /// If it enables no other: those that it has, and those that it may have, because they switch
  /// themselves on in some clusters or are required by such a one.
  std::set<sema::Declared> certain, possible;
  /// Those that no cluster of a cloud can have, by cloud.
  std::map<std::string, std::set<sema::Declared>, std::less<>> impossible;
};

/// Reads the expressions of one module, or of one feature in it, for one cloud. An expression is
/// open if it needs a parameter, a variable without a value, or anything of a cluster but its
/// cloud and, if it is known, its region. Mistakes in closed ones go to the evaluator's reporter.
class Foreseen {
 public:
  /// `scope` has the module, a cluster out of `regions`, and the feature, if any, with the defaults
  /// of those parameters that have one. `reporter` is the evaluator's.
  Foreseen(sema::Evaluator& evaluator, Reporter& reporter, const SourceMap& sources,
           Regions& regions, const FeaturesForeseen& features, const sema::Scope& scope)
      : evaluator_(evaluator),
        reporter_(reporter),
        sources_(sources),
        regions_(regions),
        features_(features),
        scope_(scope) {}

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
  /// "${param.account}.blob.core.windows.net". What is looked up by the region is shorter, as in
  /// "${cluster.region}.login.example" and "${his of cluster.region}.arc.example". Of two sides of
  /// which nobody knows which it will be, each has its test behind it.
  std::string text(const syntax::Expr& expression) const;

  /// Tells `regions` what the expression looks regions up in.
  void note_regions(const syntax::Expr& expression) const;
  /// Whether the expression looks something up that the module has not got for this cloud or
  /// region, so that no cluster there can have it.
  bool lacking(const syntax::Expr& expression) const;
  /// The texts of a list that only the region decides, each with what must be true; nothing if the
  /// expression is no such list, or the region is known.
  std::optional<std::vector<std::pair<std::string, Condition>>> texts_by_region(
      const syntax::Expr& expression) const;
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
  std::optional<bool> by_default(const syntax::Expr& test) const;
  std::optional<sema::Declared> asked_feature(const syntax::Expr& test) const;
  std::string text_of_either(const syntax::Conditional& either) const;
  bool is_region(const syntax::Expr& expression) const;
  bool is_region_parameter(std::string_view name) const;
  std::optional<sema::Value> quietly(const syntax::Expr& expression,
                                     const sema::Scope& scope) const;
  std::optional<sema::Map> looked_up(const syntax::Index& index) const;
  bool lacks_key(const syntax::Expr& expression) const;
  std::string hole(const syntax::Expr& expression) const;
  Truth open_test(const syntax::Expr& expression, bool negated) const;

  sema::Evaluator& evaluator_;
  Reporter& reporter_;
  const SourceMap& sources_;
  Regions& regions_;
  const FeaturesForeseen& features_;
  sema::Scope scope_;
};

}  // namespace hcipol::report
