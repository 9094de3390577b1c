// What is looked up by the region of a cluster: shorter where no region is known, and every
// region's where that says more.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/foreseen.h"
#include "sema/walk.h"

namespace hcipol::report {

namespace {

/// A text, or the field of an object that is one.
const std::string* text_of(const sema::Value& value, std::string_view field) {
  if (field.empty()) return value.as<std::string>();
  const auto* fields = value.as<sema::Map>();
  if (fields == nullptr) return nullptr;
  const auto found = fields->find(field);
  return found == fields->end() ? nullptr : found->second.as<std::string>();
}

}  // namespace

// A parameter that is the region unless the cluster says otherwise.
bool Foreseen::is_region_parameter(std::string_view name) const {
  if (scope_.feature == nullptr) return false;
  for (const auto* param : sema::find_blocks(scope_.feature->feature.block->items, "param")) {
    const auto* otherwise = sema::find_attribute(param->items, "default");
    if (param->labels[0].text == name && otherwise != nullptr) {
      return is_region(*otherwise->value);
    }
  }
  return false;
}

bool Foreseen::is_region(const syntax::Expr& expression) const {
  const auto* member = std::get_if<syntax::Member>(&expression.node);
  const auto* of = member == nullptr ? nullptr : std::get_if<syntax::Name>(&member->of->node);
  if (of == nullptr) return false;
  if (of->text == "cluster") return member->name == "region";
  return of->text == "param" && is_region_parameter(member->name);
}

std::optional<sema::Map> Foreseen::looked_up(const syntax::Index& index) const {
  if (!is_region(*index.key) || !open(*index.key) || open(*index.of)) return std::nullopt;
  auto of = quietly(*index.of, scope_);
  auto* map = of ? of->as<sema::Map>() : nullptr;
  if (map == nullptr) return std::nullopt;
  regions_.looked_up(cloud(), *map);
  return *map;
}

// "cluster.region" for a look-up that comes to the region's own name, "his of cluster.region" for
// another.
std::string Foreseen::hole(const syntax::Expr& expression) const {
  const auto* member = std::get_if<syntax::Member>(&expression.node);
  const auto* index =
      std::get_if<syntax::Index>(&(member == nullptr ? expression : *member->of).node);
  if (index == nullptr) return written(expression);
  const auto map = looked_up(*index);
  if (!map) return written(expression);
  const bool own_name = std::all_of(map->begin(), map->end(), [&](const auto& entry) {
    const std::string* text = text_of(entry.second, member == nullptr ? "" : member->name);
    return text != nullptr && *text == entry.first;
  });
  if (own_name) return written(*index->key);
  if (member == nullptr) return written(expression);
  return fmt::format("{} of {}", member->name, written(*index->key));
}

void Foreseen::note_regions(const syntax::Expr& expression) const {
  const auto visit = [&](const syntax::Expr& part) {
    if (const auto* index = std::get_if<syntax::Index>(&part.node)) looked_up(*index);
  };
  sema::walk(expression, visit);
}

// Another key that is not there is a mistake of the module, and stays one.
bool Foreseen::lacks_key(const syntax::Expr& expression) const {
  const Reporter before = reporter_;
  reporter_ = {};
  const bool found = evaluator_.evaluate(expression, scope_).has_value();
  const std::vector<Diagnostic> why = reporter_.sorted();
  reporter_ = before;
  return !found && std::any_of(why.begin(), why.end(), [&](const Diagnostic& one) {
    return one.id == Diag::bad_key &&
           (one.message == fmt::format(entry(Diag::bad_key).format, cloud()) ||
            one.message == fmt::format(entry(Diag::bad_key).format, scope_.cluster->region));
  });
}

bool Foreseen::lacking(const syntax::Expr& expression) const {
  if (!open(expression)) return lacks_key(expression);
  bool lacks = false;
  const auto visit = [&](const syntax::Expr& part) {
    const auto* index = std::get_if<syntax::Index>(&part.node);
    if (index != nullptr && !open(*index->of)) lacks = lacks || lacks_key(*index->of);
  };
  sema::walk(expression, visit);
  return lacks;
}

std::optional<std::vector<std::pair<std::string, Condition>>> Foreseen::texts_by_region(
    const syntax::Expr& expression) const {
  const auto* loop = std::get_if<syntax::For>(&expression.node);
  const auto* index = loop == nullptr ? nullptr : std::get_if<syntax::Index>(&loop->in->node);
  if (index == nullptr) return std::nullopt;
  const auto map = looked_up(*index);
  if (!map) return std::nullopt;
  std::vector<std::string> order;
  std::map<std::string, std::vector<std::string>> regions;
  for (const auto& [region, value] : *map) {
    sema::Scope there = scope_;
    there.cluster = &regions_.cluster(cloud(), region);
    if (Foreseen(evaluator_, reporter_, sources_, regions_, features_, there).open(expression)) {
      return std::nullopt;
    }
    const auto texts = evaluator_.texts(expression, there);
    if (!texts) return std::nullopt;
    for (const std::string& text : *texts) {
      auto& in = regions[text];
      if (in.empty()) order.push_back(text);
      in.push_back("\"" + region + "\"");
    }
  }
  std::vector<std::pair<std::string, Condition>> out;
  for (const std::string& text : order) {
    const auto& in = regions[text];
    Condition when;
    if (in.size() == 1) {
      when.text = fmt::format("{} == {}", written(*index->key), in.front());
    } else if (in.size() < map->size()) {
      when.text = fmt::format("{} in [{}]", written(*index->key), fmt::join(in, ", "));
    }
    out.emplace_back(text, std::move(when));
  }
  return out;
}

}  // namespace hcipol::report
