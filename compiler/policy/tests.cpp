// A test that could not fail is a mistake, so each must expect something.
#include "policy/tests.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "support/text.h"

namespace hcipol::policy {

namespace {

using sema::find_attribute;

class TestReader {
 public:
  TestReader(const sema::Program& program, sema::Evaluator& evaluator, Reporter& reporter)
      : clusters_(program.root->source->clusters),
        evaluator_(evaluator),
        scope_{program.root, nullptr, nullptr, nullptr, nullptr},
        reporter_(reporter) {}

  Test read(const syntax::Block& block) {
    Test test;
    test.sentence = one_line(block.labels[0].text, 200);
    test.span = block.header_span;
    test.block = &block;
    if (has_control_characters(block.labels[0].text)) {
      reporter_.report<Diag::control_character>(block.labels[0].span)
          .help("the sentence of a test is one line of plain text");
    }
    if (const auto* as_of = find_attribute(block.items, "as_of")) {
      test.as_of = evaluator_.date(*as_of->value, scope_);
    }
    if (const auto* given = find_attribute(block.items, "given")) read_given(*given->value, test);
    const auto* fails = find_attribute(block.items, "fails_with");
    if (fails != nullptr) read_code(*fails->value, test);
    read_cluster(block, test, fails == nullptr);
    const syntax::Check* first = first_check(block);
    if (fails == nullptr && first == nullptr) {
      reporter_.report<Diag::test_without_checks>(block.header_span, test.sentence)
          .help("add `expect allow …`, `expect deny …` or `fails_with = \"E0312\"`");
    } else if (fails != nullptr && first != nullptr) {
      reporter_
          .report<Diag::misplaced_check>(first->verb_span, "expect",
                                         first->allow ? "allow" : "deny",
                                         "a test that expects an error")
          .label(fails->name_span, "a policy with errors allows and denies nothing")
          .help("make two tests of it");
    }
    return test;
  }

 private:
  static const syntax::Check* first_check(const syntax::Block& block) {
    for (const syntax::Item& item : block.items) {
      if (const auto* check = std::get_if<syntax::Check>(&item.node)) return check;
    }
    return nullptr;
  }

  void read_cluster(const syntax::Block& block, Test& test, bool needed) {
    if (const auto* attribute = find_attribute(block.items, "cluster")) {
      const auto name = evaluator_.text(*attribute->value, scope_);
      if (!name) return;
      test.cluster = *name;
      if (clusters_.contains(*name)) return;
      std::vector<std::string> names;
      for (const auto& [known, declaration] : clusters_) names.emplace_back(known);
      reporter_.report<Diag::unknown_name>(attribute->value->span, "cluster", one_line(*name, 80))
          .suggest(did_you_mean(*name, names));
    } else if (clusters_.size() == 1) {
      test.cluster = clusters_.begin()->first;
    } else if (needed) {
      reporter_.report<Diag::missing_attribute>(
          test.span, "a test of a policy with several clusters", "cluster");
    }
  }

  void read_given(const syntax::Expr& given, Test& test) {
    if (const auto* object = std::get_if<syntax::Object>(&given.node)) {
      test.given = &given;
      std::map<std::string_view, Span> seen;
      for (const auto& entry : object->entries) {
        const auto [first, added] = seen.try_emplace(entry.key, entry.key_span);
        if (added) continue;
        reporter_.report<Diag::duplicate>(entry.key_span, fmt::format("`{}`", entry.key))
            .label(first->second, "the first one is here");
      }
      return;
    }
    reporter_.report<Diag::wrong_type>(given.span, "an object", "another expression")
        .help("`given` sets variables of the policy: `given = { name = value }`");
  }

  void read_code(const syntax::Expr& expression, Test& test) {
    const auto code = evaluator_.text(expression, scope_);
    if (!code) return;
    std::vector<std::string> codes;
    for (const CatalogueEntry& row : catalogue) {
      if (row.severity != Severity::Error) continue;
      if (row.code == *code) test.fails_with = *code;
      codes.emplace_back(row.code);
    }
    if (!test.fails_with.empty()) return;
    reporter_.report<Diag::unknown_name>(expression.span, "error", one_line(*code, 80))
        .suggest(did_you_mean(*code, codes));
  }

  const sema::ModuleSource::Blocks& clusters_;
  sema::Evaluator& evaluator_;
  const sema::Scope scope_;
  Reporter& reporter_;
};

}  // namespace

std::vector<Test> read_tests(const sema::Program& program, sema::Evaluator& evaluator,
                             Reporter& reporter) {
  TestReader reader(program, evaluator, reporter);
  std::vector<Test> tests;
  for (const auto& [sentence, block] : program.root->source->tests) {
    if (block->labels.size() == 1) tests.push_back(reader.read(*block));
  }
  std::sort(tests.begin(), tests.end(),
            [](const Test& a, const Test& b) { return a.span < b.span; });
  return tests;
}

std::vector<Check> read_expectations(BuildContext& context, const Test& test) {
  std::vector<Check> checks;
  const auto cluster = find_cluster(context, test.cluster, test.span);
  if (!cluster) return checks;
  const sema::Scope inside{context.program.root, &context.scopes[*cluster], nullptr, nullptr,
                           nullptr};
  for (const syntax::Item& item : test.block->items) {
    const auto* check = std::get_if<syntax::Check>(&item.node);
    if (check == nullptr) continue;
    if (auto flow = context.evaluator.flow(*check->flow, inside)) {
      checks.push_back({check->allow, *cluster, *std::move(flow), item.span, check->flow->span});
    }
  }
  return checks;
}

}  // namespace hcipol::policy
