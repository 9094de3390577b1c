// The ends of a rule as `hcipolc doc` shows them.
#pragma once

#include <optional>
#include <vector>

#include "report/catalogue.h"

namespace hcipol::report {

/// Reads the ends of one feature's rules in one cloud.
class PeerReader {
 public:
  explicit PeerReader(const Foreseen& foreseen) : foreseen_(foreseen) {}

  std::vector<CataloguePeer> read(const syntax::Expr& expression);
  /// Whether an endpoint that is always among those that were read says nothing for this cloud.
  /// One that is there under a condition, and says nothing, has been left out.
  bool missing() const { return missing_; }

 private:
  void add(const syntax::Expr& expression, const Foreseen& foreseen, const Condition& when,
           std::vector<CataloguePeer>& out);
  bool add_declared(std::string_view name, std::string_view written, const Foreseen& foreseen,
                    const Condition& when, std::vector<CataloguePeer>& out);
  std::optional<CataloguePeer> endpoint(const sema::Declared& declared, bool of_feature,
                                        const Foreseen& foreseen) const;
  bool names_missing(const syntax::Expr& expression, const Foreseen& foreseen) const;

  const Foreseen& foreseen_;
  bool missing_ = false;
};

/// A role or an endpoint that `name` means where `scope` is; an endpoint may stand in the feature.
sema::Declared declared_peer(sema::DeclarationKind kind, std::string_view name,
                             const sema::Scope& scope);
/// "alias/name" for `alias.name`, "name" for `name`, "" for any other expression.
std::string peer_name(const syntax::Expr& expression, const sema::Module& module);

}  // namespace hcipol::report
