// One pass over the top level of a file; a name that is already there is reported with both places.
#include "sema/declare.h"

#include <fmt/format.h>

#include "support/text.h"

namespace hcipol::sema {

void report_repeated(Reporter& reporter, std::string_view what, Span here, Span first) {
  reporter.report<Diag::duplicate>(here, what).label(first, "the first one is here");
}

namespace {

void declare_once(const syntax::Block*& place, const syntax::Block& block, Reporter& reporter) {
  if (place != nullptr) {
    report_repeated(reporter, fmt::format("`{}`", block.kind), block.header_span,
                    place->header_span);
  } else {
    place = &block;
  }
}

void declare_local(ModuleSource& source, const syntax::Item& item, Reporter& reporter) {
  const auto* local = std::get_if<syntax::Attribute>(&item.node);
  if (local == nullptr) return;
  const auto [place, added] = source.locals.try_emplace(local->name, local);
  if (added) return;
  report_repeated(reporter, fmt::format("local `{}`", local->name), local->name_span,
                  place->second->name_span);
}

ModuleSource::Blocks* blocks_of(ModuleSource& source, std::string_view kind) {
  if (kind == "variable") return &source.variables;
  if (kind == "output") return &source.outputs;
  if (kind == "role") return &source.roles;
  if (kind == "endpoint") return &source.endpoints;
  if (kind == "feature") return &source.features;
  if (kind == "cluster") return &source.clusters;
  if (kind == "exception") return &source.exceptions;
  if (kind == "invariant") return &source.invariants;
  return kind == "test" ? &source.tests : nullptr;
}

void declare_named(ModuleSource& source, const syntax::Block& block, Reporter& reporter) {
  ModuleSource::Blocks* blocks = blocks_of(source, block.kind);
  if (blocks == nullptr || block.labels.size() != 1) return;
  const auto [place, added] = blocks->try_emplace(block.labels[0].text, &block);
  if (added) return;
  report_repeated(reporter, fmt::format("{} `{}`", block.kind, one_line(block.labels[0].text, 80)),
                  block.header_span, place->second->header_span);
}

}  // namespace

void declare(ModuleSource& source, const syntax::File& file, Reporter& reporter) {
  for (const syntax::Item& item : file.items) {
    const auto* block = std::get_if<syntax::Block>(&item.node);
    if (block == nullptr) continue;
    if (block->kind == "locals") {
      for (const syntax::Item& local : block->items) declare_local(source, local, reporter);
    } else if (block->kind == "use") {
      source.uses.push_back(block);
    } else if (block->kind == "extend") {
      source.extends.push_back(block);
    } else if (block->kind == "target") {
      source.targets.push_back(block);
    } else if (block->kind == "data") {
      source.data.push_back(block);
    } else if (block->kind == "policy") {
      declare_once(source.policy, *block, reporter);
    } else if (block->kind == "package") {
      declare_once(source.package, *block, reporter);
    } else {
      declare_named(source, *block, reporter);
    }
  }
}

std::set<std::string, std::less<>> hidden_names(const syntax::Block& block, Reporter& reporter) {
  std::set<std::string, std::less<>> names;
  for (const syntax::Item& item : block.items) {
    const auto* attribute = std::get_if<syntax::Attribute>(&item.node);
    if (attribute == nullptr || attribute->name != "without") continue;
    const auto* list = std::get_if<syntax::List>(&attribute->value->node);
    if (list == nullptr) {
      reporter.report<Diag::wrong_type>(attribute->value->span, "a list of names in quotes",
                                        "another expression");
      continue;
    }
    for (const auto& element : list->elements) {
      const auto* text = std::get_if<syntax::Template>(&element->node);
      if (text != nullptr && text->pieces.size() == 1 && !text->pieces[0].value) {
        names.insert(text->pieces[0].text);
      } else {
        reporter.report<Diag::wrong_type>(element->span, "a name in quotes", "another expression");
      }
    }
  }
  return names;
}

}  // namespace hcipol::sema
