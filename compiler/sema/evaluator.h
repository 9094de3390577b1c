// From expressions to values.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "diagnostics/reporter.h"
#include "sema/module.h"
#include "sema/scope.h"
#include "sema/service_tags.h"
#include "sema/type.h"
#include "sema/value.h"
#include "support/files.h"
#include "support/source.h"

namespace hcipol::sema {

/// Bounds on evaluation, so that no policy exhausts the machine.
inline constexpr unsigned max_evaluation_depth = 400;
inline constexpr std::size_t max_values = 4'000'000;
inline constexpr std::size_t max_text_bytes = std::size_t{1} << 20;
inline constexpr std::size_t max_list_elements = 200'000;

/// What the evaluator works on; all of it outlives the evaluator.
struct EvaluationInput {
  const Program* program = nullptr;
  /// Where every named set is kept.
  std::deque<NamedSet>* sets = nullptr;
  SourceMap* sources = nullptr;
  const FileSystem* files = nullptr;
  /// `--var NAME=TEXT` for the root module.
  std::map<std::string, std::string> variables;
  /// `given` of a test: an object whose entries come before `variables`; null without one.
  const syntax::Expr* given = nullptr;
};

/// A file that an expression or a `data` block names.
struct ReadFile {
  std::string digest;  ///< SHA-256 of its text
  Span used_at;        ///< the first place that names it
};

/// A service tag file that was read whole.
struct TagFileRead {
  TagFileHead head;
  std::string path;  ///< as the policy writes it
  Span used_at;
  const ServiceTags* tags = nullptr;
};

/// Evaluates with memory: locals, variables and endpoints are read once per place where they may
/// differ. Every function returns nothing exactly when it, or an earlier call, has reported why.
class Evaluator {
 public:
  Evaluator(EvaluationInput input, Reporter& reporter);
  ~Evaluator();

  std::optional<Value> evaluate(const syntax::Expr& expression, const Scope& scope);
  std::optional<Value> evaluate_as(const syntax::Expr& expression, const Type& type,
                                   const Scope& scope);

  // The types that blocks want most.
  std::optional<std::string> text(const syntax::Expr& expression, const Scope& scope);
  /// A title, note or reason: one line without control or formatting characters, which could change
  /// what a person or a device reads.
  std::optional<std::string> line(const syntax::Expr& expression, const Scope& scope);
  std::optional<bool> truth(const syntax::Expr& expression, const Scope& scope);
  std::optional<Date> date(const syntax::Expr& expression, const Scope& scope);
  /// Addresses without names; never empty.
  std::optional<Peers> addresses(const syntax::Expr& expression, const Scope& scope);
  /// One side of a flow; never empty.
  std::optional<Peers> peers(const syntax::Expr& expression, const Scope& scope);
  std::optional<Peers> peers(Value value, const Scope& scope);
  /// Never empty.
  std::optional<net::ServiceSet> service(const syntax::Expr& expression, const Scope& scope);
  std::optional<net::ServiceSet> service(Value value, const Scope& scope);
  std::optional<Flow> flow(const syntax::Expr& expression, const Scope& scope);
  std::optional<std::vector<std::string>> texts(const syntax::Expr& expression, const Scope& scope);
  /// A list of texts, each with its place.
  std::optional<List> text_list(const syntax::Expr& expression, const Scope& scope);

  /// Converts a value, reporting at its span what does not fit.
  std::optional<Value> convert(Value value, const Type& type, const Scope& scope);

  /// Reads every variable of every module and checks its validations.
  void check_variables();
  /// Reads the outputs that ask `allows`, once set_allows() has been called.
  void check_late_outputs();
  /// Reads every local of the policy's own modules, in the scope of a cluster if there is one.
  void check_locals(const ClusterScope* cluster);
  /// Checks the validations of a parameter that has just got its value.
  void validate(const syntax::Block& declaration, const Value& value, const Scope& scope);

  /// The members of a role in the scope's cluster; reports an unbound one.
  const NamedSet* role(const Declared& role, const Scope& scope, Span used_at);
  const NamedSet* endpoint(const Declared& endpoint, const Scope& scope, Span used_at);

  /// A set for addresses that the policy writes without a name of their own.
  const NamedSet* literal(std::string name, net::PeerSet set, Span span);
  /// The union of the parts under a name.
  const NamedSet* merged(NamedSet::Kind kind, std::string name, const Peers& peers, Span span);
  /// The text of a file of the policy's own directory, kept for its whole run.
  const std::string* file(const std::string& path, Span used_at);
  /// Every file that was read so far, by path.
  std::map<std::string, ReadFile> files_read() const;
  /// The service tags of a cluster's cloud, read when they are first asked for; null without a file
  /// for it.
  ServiceTags* service_tags(std::string_view cluster_cloud);
  /// Looks at the beginning of every service tag file, so that one that is missing or is none is
  /// reported even where nothing asks for it, at the price of one page. `clouds` are those of the
  /// clusters: a file of the policy itself must be for one of them, and no two files for the same.
  void check_tag_files(const std::vector<std::string>& clouds);
  /// The service tag files that were read whole, sorted by cloud.
  std::vector<TagFileRead> tags_read() const;

  /// What a name means as a role or endpoint of the place, if anything; ambiguity is reported.
  std::optional<Declared> find(DeclarationKind kind, std::string_view name, const Scope& scope,
                               Span used_at);

  /// The feature that a text names in a module, bare or as "alias/name"; what names none, or
  /// several, is reported.
  std::optional<Declared> feature(std::string_view name, const Module& module, Span used_at);

  /// Reports a `tier` that is none of feature_tiers.
  void check_tier(std::string_view tier, Span at);

  /// For `allows`: answers from the clusters' effective policies, which exist only once every rule
  /// is known; until then the function has no meaning and says so.
  using Allows = std::function<std::optional<bool>(const std::string& cluster, const Flow& flow)>;
  void set_allows(Allows allows) { allows_ = std::move(allows); }
  std::optional<Value> allowed(const std::string& cluster, const Flow& flow, Span call);

  /// What a role is called in artefacts: bare if that is unique in the policy, else with its
  /// module.
  std::string role_name(const Declared& declared) const;

  Reporter& reporter() { return reporter_; }

 private:
  friend class ExpressionEvaluator;
  struct State;

  std::optional<Value> package_member(const Module& module, std::string_view name,
                                      const Scope& scope, Span used_at);
  std::optional<Value> data_member(const Module& module, std::string_view name, Span used_at);
  struct TagFile;
  /// The file of a `data` block, its head read; null if that failed.
  TagFile* tag_file(const syntax::Block& block, const Module& module);
  ServiceTags* read_whole(TagFile& file);
  /// A path of the policy's own directory from where the command runs; reports others.
  std::optional<std::string> own_path(const std::string& path, Span used_at);
  const NamedSet* read_endpoint(const Declared& declared, const Scope& scope);
  bool read_names(const syntax::Expr& expression, const Scope& scope, NamedSet& set);
  bool read_facts(const syntax::Block& endpoint, const Scope& scope);
  bool read_tag(const syntax::Expr& expression, const Scope& scope, NamedSet& set);
  const Value* variable(const Module& module, std::string_view name, Span used_at);
  const Value* local(const Module& module, std::string_view name, const Scope& scope, Span used_at);
  const Value* output(const Module& module, std::string_view name, Span used_at);
  std::optional<Value> read_variable(const Module& module, const syntax::Block& declaration);
  std::optional<Value> given_variable(const Module& module, const syntax::Block& declaration,
                                      const Type& type);
  const syntax::Object::Entry* given_by_test(std::string_view name) const;
  std::optional<Value> command_line_variable(const std::string& name, const std::string& text,
                                             const Type& type);

  EvaluationInput input_;
  Reporter& reporter_;
  std::unique_ptr<State> state_;
  Allows allows_;
};

/// The attribute of this name among items, or null.
const syntax::Attribute* find_attribute(const std::vector<syntax::Item>& items,
                                        std::string_view name);
/// The blocks of this kind among items, in order.
std::vector<const syntax::Block*> find_blocks(const std::vector<syntax::Item>& items,
                                              std::string_view kind);

/// Equality of two values of any types; sets of addresses and services by content.
bool equal(const Value& a, const Value& b);

}  // namespace hcipol::sema
