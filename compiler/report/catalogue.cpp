// A feature is read once for each cloud; what is the same in several is said once.
#include "report/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "report/catalogue_clouds.h"
#include "report/catalogue_peers.h"
#include "sema/schema.h"
#include "sema/walk.h"
#include "support/text.h"

namespace hcipol::report {

namespace {

using sema::DeclarationKind;
using sema::Declared;
using sema::find_attribute;
using sema::find_blocks;

const std::string& name_of(const Declared& declared) {
  return declared.block->labels[0].text;
}

int rank(std::string_view tier) {
  const auto& tiers = sema::feature_tiers;
  return static_cast<int>(std::find(tiers.begin(), tiers.end(), tier) - tiers.begin());
}

/// A feature with the parameters that have a default.
template <class MakeForeseen>
sema::FeatureScope feature_scope(const Declared& feature, MakeForeseen&& foreseen_in) {
  sema::FeatureScope out;
  out.feature = feature;
  for (const syntax::Block* endpoint : find_blocks(feature.block->items, "endpoint")) {
    out.endpoints[endpoint->labels[0].text] = endpoint;
  }
  const auto params = find_blocks(feature.block->items, "param");
  // A default may mention parameters that stand below it.
  for (std::size_t round = 0; round < params.size(); ++round) {
    for (const syntax::Block* param : params) {
      const auto* otherwise = find_attribute(param->items, "default");
      if (otherwise == nullptr || out.parameters.contains(param->labels[0].text)) continue;
      if (auto value = foreseen_in(out).default_value(*otherwise->value)) {
        out.parameters.emplace(param->labels[0].text, *std::move(value));
      }
    }
  }
  return out;
}

class Reader {
 public:
  Reader(const sema::Module& module, sema::Evaluator& evaluator, const SourceMap& sources,
         const CatalogueReaders& readers)
      : module_(module), evaluator_(evaluator), sources_(sources), readers_(readers) {
    add_exporter(module);
  }

  Catalogue read() {
    Catalogue out;
    out.module = module_.source->path;
    out.clouds = readers_.clouds;
    out.region = readers_.region;
    const Foreseen foreseen = at(module_, nullptr, 0);
    if (const syntax::Block* package = module_.source->package) {
      out.revision = text(*package, "revision", foreseen);
      out.source = text(*package, "source", foreseen);
    }
    for (const auto& [name, block] : module_.source->variables) {
      out.variables.push_back(input(*block, foreseen));
    }
    for (const Declared& role : exported(DeclarationKind::role)) {
      const Foreseen inside = at(*role.module, nullptr, 0);
      const auto* members = find_attribute(role.block->items, "members");
      out.roles.push_back({name_of(role), text(*role.block, "title", inside),
                           members == nullptr ? "" : inside.written(*members->value)});
    }
    // What one feature cannot have decides what `enabled` of it says to the others.
    const std::vector<Declared> all = exported(DeclarationKind::feature);
    for (std::size_t round = 0; round <= all.size(); ++round) {
      out.features.clear();
      for (const Declared& declared : all) {
        default_features(declared);
        out.features.push_back(feature(declared));
      }
      keep_clouds_of_required(out.features);
      auto impossible = features_not_had(all, out.features);
      if (impossible == features_.impossible) break;
      features_.impossible = std::move(impossible);
    }
    // A page for some clouds is not about what these do not have.
    if (readers_.clouds.size() < CatalogueReaders{}.clouds.size()) {
      std::erase_if(out.features, [](const CatalogueFeature& one) { return one.clouds.empty(); });
    }
    for (const std::string& cloud : readers_.clouds) {
      if (auto known = regions_.known(cloud)) out.regions.emplace_back(cloud, *std::move(known));
    }
    std::stable_sort(out.features.begin(), out.features.end(), [](const auto& a, const auto& b) {
      return std::pair(rank(a.tier), std::string_view(a.name)) <
             std::pair(rank(b.tier), std::string_view(b.name));
    });
    return out;
  }

 private:
  void add_exporter(const sema::Module& module) {
    exporters_.insert(&module);
    for (const sema::Extend& extend : module.extends) {
      if (extend.module != nullptr) add_exporter(*extend.module);
    }
  }

  // What the module declares or inherits; not what it only uses.
  std::vector<Declared> exported(DeclarationKind kind) const {
    std::vector<Declared> out;
    for (const std::string& name : sema::visible_names(module_, kind)) {
      if (name.find('/') != std::string::npos) continue;
      for (const Declared& found : sema::lookup(module_, kind, name)) {
        if (exporters_.contains(found.module)) out.push_back(found);
      }
    }
    return out;
  }

  Foreseen at(const sema::Module& module, const sema::FeatureScope* feature, std::size_t cloud) {
    const sema::ClusterScope& cluster = regions_.cluster(readers_.clouds[cloud], readers_.region);
    return {evaluator_, evaluator_.reporter(),
            sources_,   regions_,
            features_,  sema::Scope{&module, &cluster, feature, nullptr, nullptr}};
  }

  static std::string text(const syntax::Block& block, std::string_view name,
                          const Foreseen& foreseen) {
    const auto* attribute = find_attribute(block.items, name);
    return attribute == nullptr ? "" : one_line(foreseen.text(*attribute->value), 4000);
  }

  static std::vector<std::string> texts(const syntax::Block& block, std::string_view name,
                                        const Foreseen& foreseen) {
    std::vector<std::string> out;
    const auto* attribute = find_attribute(block.items, name);
    if (attribute == nullptr) return out;
    if (const auto* list = std::get_if<syntax::List>(&attribute->value->node)) {
      for (const auto& element : list->elements) out.push_back(foreseen.text(*element));
    } else {
      out.push_back(foreseen.text(*attribute->value));
    }
    return out;
  }

  static std::string written(const syntax::Block& block, std::string_view name,
                             const Foreseen& foreseen) {
    const auto* attribute = find_attribute(block.items, name);
    return attribute == nullptr ? "" : foreseen.written(*attribute->value);
  }

  static CatalogueInput input(const syntax::Block& block, const Foreseen& foreseen) {
    CatalogueInput out;
    out.name = block.labels[0].text;
    Reporter silent;  // check_names has read the type already
    if (const auto* type = find_attribute(block.items, "type")) {
      out.type = sema::to_string(sema::read_type(*type->value, silent));
    }
    if (const auto* otherwise = find_attribute(block.items, "default")) {
      out.default_value = foreseen.written(*otherwise->value);
    }
    out.description = text(block, "description", foreseen);
    for (const syntax::Block* validation : find_blocks(block.items, "validation")) {
      out.validations.push_back(text(*validation, "message", foreseen));
    }
    return out;
  }

  std::string tier(const syntax::Block& block, const Foreseen& foreseen) const {
    std::string out = text(block, "tier", foreseen);
    if (!out.empty()) {
      evaluator_.check_tier(out, find_attribute(block.items, "tier")->value->span);
    }
    return out;
  }

  CatalogueFeature feature(const Declared& declared) {
    const syntax::Block& block = *declared.block;
    std::vector<sema::FeatureScope> scopes;
    for (std::size_t i = 0; i < readers_.clouds.size(); ++i) {
      scopes.push_back(feature_scope(declared, [&](const sema::FeatureScope& so_far) {
        return at(*declared.module, &so_far, i);
      }));
    }
    const Foreseen foreseen = at(*declared.module, &scopes[0], 0);
    CatalogueFeature out;
    out.name = name_of(declared);
    out.title = text(block, "title", foreseen);
    out.tier = tier(block, foreseen);
    out.declared_in = declared.module->source->path;
    out.file = sources_.file(block.header_span.file).path;
    out.line = sources_.line_of(block.header_span.file, block.header_span.begin);
    out.source = text(block, "source", foreseen);
    out.source_date = text(block, "source_date", foreseen);
    out.errata = texts(block, "errata", foreseen);
    out.requires_ = texts(block, "requires", foreseen);
    out.conflicts = texts(block, "conflicts", foreseen);
    out.automatic = written(block, "auto", foreseen);
    out.when = written(block, "when", foreseen);
    for (const syntax::Block* param : find_blocks(block.items, "param")) {
      out.parameters.push_back(input(*param, foreseen));
    }
    std::set<std::string> impossible;
    for (const syntax::Block* param : find_blocks(block.items, "param")) {
      for (const syntax::Block* validation : find_blocks(param->items, "validation")) {
        const auto* condition = find_attribute(validation->items, "condition");
        for (std::size_t i = 0; condition != nullptr && i < scopes.size(); ++i) {
          const Foreseen there = at(*declared.module, &scopes[i], i);
          there.note_regions(*condition->value);
          if (there.lacking(*condition->value)) impossible.insert(readers_.clouds[i]);
        }
      }
    }
    for (const syntax::Item& item : block.items) {
      const auto* rule = std::get_if<syntax::Rule>(&item.node);
      if (rule == nullptr) continue;
      add_names(*rule, foreseen, out);
      CatalogueRule& made = out.rules.emplace_back(rule_head(*rule, foreseen));
      for (std::size_t i = 0; i < readers_.clouds.size(); ++i) {
        if (!add_opening(*rule, block, at(*declared.module, &scopes[i], i), made)) {
          impossible.insert(readers_.clouds[i]);
        }
      }
    }
    for (const std::string& cloud : readers_.clouds) {
      if (!impossible.contains(cloud)) out.clouds.push_back(cloud);
    }
    keep_own_clouds(out);
    return out;
  }

  std::map<std::string, std::set<Declared>, std::less<>> features_not_had(
      const std::vector<Declared>& all, const std::vector<CatalogueFeature>& read) const {
    std::map<std::string, std::set<Declared>, std::less<>> out;
    for (const std::string& cloud : readers_.clouds) {
      for (std::size_t i = 0; i < all.size(); ++i) {
        const auto& clouds = read[i].clouds;
        if (std::find(clouds.begin(), clouds.end(), cloud) == clouds.end()) {
          out[cloud].insert(all[i]);
        }
      }
    }
    return out;
  }

  // What a cluster has that enables this feature and no other.
  void default_features(const Declared& feature) {
    features_.certain.clear();
    features_.possible.clear();
    add_with_required(feature, features_.certain);
    for (const Declared& other : exported(DeclarationKind::feature)) {
      const auto* automatic = find_attribute(other.block->items, "auto");
      if (automatic == nullptr) continue;
      const Truth on = at(*other.module, nullptr, 0).truth(*automatic->value);
      if (on.decided == true) add_with_required(other, features_.certain);
      if (!on.decided) add_with_required(other, features_.possible);
    }
  }

  void add_with_required(const Declared& feature, std::set<Declared>& out) {
    if (!out.insert(feature).second) return;
    const auto* needed = find_attribute(feature.block->items, "requires");
    if (needed == nullptr) return;
    for (const std::string& name :
         texts(*feature.block, "requires", at(*feature.module, nullptr, 0))) {
      const auto found = evaluator_.feature(name, *feature.module, needed->value->span);
      if (found) add_with_required(*found, out);
    }
  }

  static CatalogueRule rule_head(const syntax::Rule& rule, const Foreseen& foreseen) {
    CatalogueRule out;
    out.name = rule.name.text;
    out.allow = rule.allow;
    out.both_ways = std::get<syntax::Flow>(rule.flow->node).both_ways;
    for (const auto& [name, place] :
         {std::pair("title", &out.title), {"note", &out.note}, {"source", &out.source}}) {
      if (const auto* attribute = find_attribute(rule.items, name)) {
        *place = one_line(foreseen.text(*attribute->value), 4000);
      }
    }
    if (const auto* log = find_attribute(rule.items, "log")) {
      out.log = foreseen.truth(*log->value).decided.value_or(false);
    }
    return out;
  }

  // The roles and endpoints that a rule names, wherever in its ends.
  void add_names(const syntax::Rule& rule, const Foreseen& foreseen, CatalogueFeature& out) {
    const sema::Scope& scope = foreseen.scope();
    const auto visit = [&](const syntax::Expr& expression) {
      const std::string name = peer_name(expression, *scope.module);
      if (name.empty()) return;
      if (declared_peer(DeclarationKind::role, name, scope)) {
        if (std::find(out.roles.begin(), out.roles.end(), name) == out.roles.end())
          out.roles.push_back(name);
        return;
      }
      const Declared endpoint = declared_peer(DeclarationKind::endpoint, name, scope);
      const bool known = std::any_of(out.endpoints.begin(), out.endpoints.end(),
                                     [&](const auto& other) { return other.name == name; });
      if (!endpoint || known) return;
      const Foreseen inside = at(*endpoint.module, scope.feature, 0);
      out.endpoints.push_back({name, text(*endpoint.block, "title", inside),
                               endpoint.module->source->path,
                               texts(*endpoint.block, "errata", inside)});
    };
    sema::walk(*rule.flow, visit);
  }

  // False if the feature cannot be had in this cloud.
  static bool add_opening(const syntax::Rule& rule, const syntax::Block& feature,
                          const Foreseen& foreseen, CatalogueRule& out) {
    Truth on{true, {}};
    for (const auto* items : {&feature.items, &rule.items}) {
      const auto* when = find_attribute(*items, "when");
      const Truth here = when == nullptr ? Truth{true, {}} : foreseen.truth(*when->value);
      if (here.decided == false) return true;
      if (!here.decided) on = {std::nullopt, both(on.rest, here.rest)};
    }
    const auto& flow = std::get<syntax::Flow>(rule.flow->node);
    CatalogueOpening made;
    made.when = on.rest;
    PeerReader peers(foreseen);
    made.from = peers.read(*flow.from);
    made.to = peers.read(*flow.to);
    if (flow.service == nullptr) {
      made.known = net::ServiceSet::any();
    } else {
      made.known = foreseen.service(*flow.service);
    }
    if (made.known) {
      made.service = net::to_string(*made.known);
    } else {
      made.service = foreseen.written(*flow.service);
      made.known = foreseen.default_service(*flow.service);
      if (made.known) made.default_service = net::to_string(*made.known);
    }
    // What a parameter keeps off does not keep the feature off.
    if (peers.missing() || made.from.empty() || made.to.empty()) return !on.decided;
    const auto same =
        std::find_if(out.openings.begin(), out.openings.end(), [&](const CatalogueOpening& other) {
          return std::tie(other.from, other.to, other.service, other.default_service, other.known,
                          other.when) == std::tie(made.from, made.to, made.service,
                                                  made.default_service, made.known, made.when);
        });
    if (same != out.openings.end()) {
      same->clouds.emplace_back(foreseen.cloud());
    } else {
      made.clouds.emplace_back(foreseen.cloud());
      out.openings.push_back(std::move(made));
    }
    return true;
  }

  const sema::Module& module_;
  sema::Evaluator& evaluator_;
  const SourceMap& sources_;
  const CatalogueReaders& readers_;
  Regions regions_;
  FeaturesForeseen features_;
  std::set<const sema::Module*> exporters_;
};

}  // namespace

Catalogue catalogue(const sema::Module& module, sema::Evaluator& evaluator,
                    const SourceMap& sources, const CatalogueReaders& readers) {
  return Reader(module, evaluator, sources, readers).read();
}

std::string readers(const Catalogue& in) {
  const std::string clouds = fmt::format("{}", fmt::join(in.clouds, ", "));
  if (!in.region.empty())
    return fmt::format("For the region {} of the cloud {}.", in.region, clouds);
  return in.clouds.size() == 1 ? fmt::format("For the cloud {}.", clouds) : "";
}

std::string_view default_words(const Condition& condition) {
  if (!condition.by_default) return "";
  return *condition.by_default ? "on by default" : "off by default";
}

}  // namespace hcipol::report
