// Walks the trees once with the schema row of the block that it is in.
#include "sema/checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "sema/schema.h"
#include "sema/scope.h"
#include "sema/walk.h"
#include "support/text.h"

namespace hcipol::sema {

namespace {

using syntax::Attribute;
using syntax::Block;
using syntax::Check;
using syntax::Item;
using syntax::Rule;

bool contains(std::span<const std::string_view> list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool has_attribute(std::span<const AttributeSpec> list, std::string_view name) {
  return std::any_of(list.begin(), list.end(), [&](const auto& spec) { return spec.name == name; });
}

/// "a cluster", "the top level of a file".
std::string place(std::string_view kind) {
  if (kind == "file") return "the top level of a file";
  if (kind == "test file") return "a `*.test.hcipol` file";
  const bool vowel = std::string_view("aeiou").find(kind.front()) != std::string_view::npos;
  return fmt::format("{} `{}` block", vowel ? "an" : "a", kind);
}

bool good_name(std::string_view text) {
  if (text.empty() || text.size() > 63) return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto other = [](char c) { return (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  return letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || other(c); });
}

// A role called `any` would change what every rule means.
bool reserved(std::string_view name) {
  static constexpr std::array<std::string_view, 9> namespaces{
      "cluster", "data", "local", "node", "package", "param", "proxy", "site", "var"};
  return contains(namespaces, name) || contains(builtin_names, name);
}

class SchemaChecker {
 public:
  SchemaChecker(std::span<const TargetSchema> targets, Reporter& reporter)
      : targets_(targets), reporter_(reporter) {}

  void check(const ModuleSource& source) {
    for (const syntax::File& file : source.files) {
      items(file.items, source.test_files.contains(file.id) ? "test file" : "file", nullptr);
    }
    for (const auto& [name, block] : source.roles) {
      const auto endpoint = source.endpoints.find(name);
      if (endpoint == source.endpoints.end()) continue;
      reporter_.report<Diag::role_endpoint_clash>(endpoint->second->header_span, name)
          .label(block->header_span, "the role is here");
    }
    if (source.library && source.package == nullptr && !source.files.empty()) {
      reporter_.report<Diag::missing_block>(Span{source.files.front().id, 0, 0},
                                            fmt::format("module `{}`", source.path),
                                            "`package` block");
    }
  }

 private:
  /// Kind and name of what stands in one list, and where.
  using Named = std::map<std::pair<std::string_view, std::string_view>, Span>;

  // `row` is the schema of the block that holds the items; null at the top level.
  void items(const std::vector<Item>& list, std::string_view parent, const BlockSpec* row) {
    std::map<std::string_view, const Attribute*> seen;
    Named named;
    for (const Item& item : list) {
      std::visit(overloaded{[&](const Attribute& a) { attribute(a, parent, row, seen); },
                            [&](const Block& b) { block(b, parent, named); },
                            [&](const Rule& r) { rule(r, parent, row, named); },
                            [&](const Check& c) { check(c, parent, row); }},
                 item.node);
    }
  }

  // ---- attributes

  void attribute(const Attribute& a, std::string_view parent, const BlockSpec* row,
                 std::map<std::string_view, const Attribute*>& seen) {
    const auto [first, added] = seen.try_emplace(a.name, &a);
    if (!added && parent != "locals") {
      reporter_.report<Diag::duplicate>(a.name_span, fmt::format("attribute `{}`", a.name))
          .label(first->second->name_span, "the first one is here");
    }
    const bool known =
        row != nullptr && (row->any_attribute || has_attribute(row->attributes, a.name));
    if (!known)
      unknown_attribute(a, parent,
                        row == nullptr ? std::span<const AttributeSpec>{} : row->attributes);
  }

  void unknown_attribute(const Attribute& a, std::string_view parent,
                         std::span<const AttributeSpec> attributes) {
    auto report = reporter_.report<Diag::unknown_attribute>(
        a.name_span, parent.ends_with("file") ? "the top level" : parent, a.name);
    std::vector<std::string> names;
    for (const AttributeSpec& spec : attributes) names.emplace_back(spec.name);
    if (const auto meant = did_you_mean(a.name, names)) {
      report.suggest(meant);
      return;
    }
    std::vector<std::string> homes;
    for (const BlockSpec& other : schema()) {
      if (has_attribute(other.attributes, a.name)) homes.push_back(fmt::format("`{}`", other.kind));
    }
    if (has_attribute(rule_attributes(), a.name)) homes.push_back("a rule");
    if (!homes.empty() && homes.size() <= 3) {
      report.help(fmt::format("`{}` belongs in {}", a.name, list_of(homes, "or")));
    } else if (!names.empty()) {
      report.help(fmt::format("it has {}", list_of(names)));
    }
  }

  void missing_attributes(const std::vector<Item>& list, std::span<const AttributeSpec> wanted,
                          std::string_view what, Span span) {
    for (const AttributeSpec& spec : wanted) {
      if (!spec.required) continue;
      const bool there = std::any_of(list.begin(), list.end(), [&](const Item& item) {
        const auto* a = std::get_if<Attribute>(&item.node);
        return a != nullptr && a->name == spec.name;
      });
      if (!there) reporter_.report<Diag::missing_attribute>(span, what, spec.name);
    }
  }

  // ---- blocks

  void block(const Block& b, std::string_view parent, Named& named) {
    const BlockSpec* row = find_block(b.kind);
    if (row == nullptr) {
      unknown_block(b);
      return;
    }
    if (!contains(row->parents, parent)) misplaced_block(b, *row, parent);
    labels(b, *row);
    if (!b.alias.empty() && !row->alias) reporter_.report<Diag::unexpected_alias>(b.alias_span);
    if (row->needs_body && !b.has_body) reporter_.report<Diag::missing_body>(b.header_span, b.kind);
    // At the top level the loader has already compared the names of all files.
    if (!parent.ends_with("file")) repeated_name(b, named);
    if (b.has_body || row->needs_body) {
      missing_attributes(b.items, row->attributes, fmt::format("`{}`", b.kind), b.header_span);
    }
    if (b.kind == "target") {
      target(b, *row);
    } else {
      items(b.items, b.kind, row);
    }
  }

  void unknown_block(const Block& b) {
    std::vector<std::string> names;
    for (const BlockSpec& row : schema()) names.emplace_back(row.kind);
    reporter_.report<Diag::unknown_block>(b.kind_span, b.kind).suggest(did_you_mean(b.kind, names));
  }

  void misplaced_block(const Block& b, const BlockSpec& row, std::string_view parent) {
    std::vector<std::string> homes;
    for (const std::string_view home : row.parents) homes.push_back(place(home));
    reporter_.report<Diag::misplaced_block>(b.header_span, b.kind, place(parent))
        .help(fmt::format("it belongs in {}", list_of(homes, "or")));
  }

  void labels(const Block& b, const BlockSpec& row) {
    if (b.labels.size() < row.min_labels || b.labels.size() > row.max_labels) {
      reporter_.report<Diag::wrong_labels>(b.header_span, b.kind, row.labels);
      return;
    }
    for (std::size_t i = 0; i < b.labels.size(); ++i) {
      const bool name =
          row.names_something || (b.kind == "data" && i == 1) || (b.kind == "target" && i == 1);
      // A cluster may bind a role of a module by `alias/role`.
      std::string_view text = b.labels[i].text;
      if (b.kind == "role" && text.find('/') != std::string_view::npos) {
        const auto parts = split(text, '/');
        if (parts.size() == 2 && good_name(parts[0])) text = parts[1];
      }
      const bool peer = b.kind == "role" || b.kind == "endpoint";
      if (peer && reserved(text)) reporter_.report<Diag::reserved_name>(b.labels[i].span, text);
      if (name && !good_name(text)) {
        reporter_.report<Diag::bad_label>(b.labels[i].span, one_line(b.labels[i].text, 80));
      }
    }
  }

  void repeated_name(const Block& b, Named& named) {
    if (b.labels.size() != 1 || b.kind == "enable") return;
    remember(b.kind, b.labels[0].text, b.header_span, named);
  }

  void remember(std::string_view kind, std::string_view name, Span span, Named& named) {
    const auto [first, added] = named.try_emplace({kind, name}, span);
    if (added) return;
    reporter_.report<Diag::duplicate>(span, fmt::format("{} `{}`", kind, name))
        .label(first->second, "the first one is here");
  }

  // ---- rules

  void rule(const Rule& r, std::string_view parent, const BlockSpec* row, Named& named) {
    if (row == nullptr || !row->rules) {
      reporter_.report<Diag::misplaced_rule>(r.header_span, place(parent))
          .help("it belongs in a `feature` or an `exception`");
    } else if (parent == "exception" && !r.allow) {
      reporter_.report<Diag::misplaced_rule>(r.action_span, "an exception when it denies")
          .help("an exception allows what a `deny` forbids; put a `deny` into a feature");
    }
    if (!good_name(r.name.text)) {
      reporter_.report<Diag::bad_label>(r.name.span, one_line(r.name.text, 80));
    }
    static constexpr std::string_view kind_of_rules = "rule";
    remember(kind_of_rules, r.name.text, r.header_span, named);
    body(r.items, kind_of_rules, rule_attributes());
  }

  // `never deny F` would ask for what no policy needs to promise.
  void check(const Check& c, std::string_view parent, const BlockSpec* row) {
    if (row == nullptr || !contains(row->checks, c.verb)) {
      misplaced_check(c, place(parent))
          .help("`never` and `always` belong in an `invariant` block, `expect` in a `test` block");
    } else if (c.verb != "expect" && !c.allow) {
      misplaced_check(c, place(parent))
          .help("`never allow` says what must stay closed, `always allow` what must stay open");
    }
    body(c.items, c.verb, {});
  }

  DiagnosticBuilder misplaced_check(const Check& c, std::string_view where) {
    return reporter_.report<Diag::misplaced_check>(c.verb_span, c.verb, c.allow ? "allow" : "deny",
                                                   where);
  }

  // The braces behind a rule or a check hold attributes only.
  void body(const std::vector<Item>& list, std::string_view kind,
            std::span<const AttributeSpec> attributes) {
    std::map<std::string_view, const Attribute*> seen;
    const std::string_view where = kind == "rule" ? "a rule" : "a check";
    for (const Item& item : list) {
      if (const auto* a = std::get_if<Attribute>(&item.node)) {
        const auto [earlier, fresh] = seen.try_emplace(a->name, a);
        if (!fresh) {
          reporter_.report<Diag::duplicate>(a->name_span, fmt::format("attribute `{}`", a->name))
              .label(earlier->second->name_span, "the first one is here");
        }
        if (!has_attribute(attributes, a->name)) unknown_attribute(*a, kind, attributes);
      } else if (const auto* b = std::get_if<Block>(&item.node)) {
        reporter_.report<Diag::misplaced_block>(b->header_span, b->kind, where);
      } else if (const auto* inner = std::get_if<Rule>(&item.node)) {
        reporter_.report<Diag::misplaced_rule>(inner->header_span,
                                               kind == "rule" ? "another rule" : where);
      } else if (const auto* c = std::get_if<Check>(&item.node)) {
        misplaced_check(*c, where);
      }
    }
  }

  // ---- targets

  void target(const Block& b, const BlockSpec& row) {
    if (b.labels.empty()) return;
    const auto found = std::find_if(targets_.begin(), targets_.end(), [&](const TargetSchema& t) {
      return t.backend == b.labels[0].text;
    });
    if (found == targets_.end()) {
      std::vector<std::string> names;
      for (const TargetSchema& t : targets_) names.emplace_back(t.backend);
      reporter_.report<Diag::unknown_backend>(b.labels[0].span, one_line(b.labels[0].text, 80))
          .suggest(did_you_mean(b.labels[0].text, names))
          .note(fmt::format("there are {}", list_of(names)));
      return;
    }
    std::vector<AttributeSpec> known(row.attributes.begin(), row.attributes.end());
    for (const OptionSpec& option : found->options) known.push_back({option.name, option.required});
    missing_attributes(b.items, known, fmt::format("target `{}`", found->backend), b.header_span);
    BlockSpec own = row;
    own.attributes = known;
    own.any_attribute = false;
    items(b.items, "target", &own);
  }

  std::span<const TargetSchema> targets_;
  Reporter& reporter_;
};

}  // namespace

void check_schema(const Program& program, std::span<const TargetSchema> targets,
                  Reporter& reporter) {
  SchemaChecker checker(targets, reporter);
  for (const ModuleSource& source : program.sources) checker.check(source);
}

}  // namespace hcipol::sema
