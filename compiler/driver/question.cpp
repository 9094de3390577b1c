// The text is parsed as the value of an attribute, since a file holds items; what stands in front
// of it is hidden.
#include "driver/question.h"

#include <cctype>
#include <optional>

#include "sema/names.h"
#include "support/text.h"
#include "syntax/parser.h"

namespace hcipol::driver {

namespace {

constexpr std::string_view front = "flow = ";
constexpr std::string_view example = "write it as a rule does: `management -> servers on tcp/445`";

const syntax::Expr* only_value(const syntax::File& file) {
  if (file.items.size() != 1) return nullptr;
  const auto* attribute = std::get_if<syntax::Attribute>(&file.items[0].node);
  return attribute == nullptr ? nullptr : attribute->value.get();
}

}  // namespace

std::vector<std::string> names_in(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  const auto end = [&] {
    if (!word.empty()) out.push_back(std::move(word));
    word.clear();
  };
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-') {
      word += c;
    } else {
      end();
    }
  }
  end();
  return out;
}

std::vector<Question> ask(Compilation& c, const std::string& text,
                          const std::vector<std::size_t>& clusters) {
  const auto hidden = static_cast<std::uint32_t>(front.size());
  const FileId id = c.sources.add("<flow>", std::string(front) + text + "\n", hidden);
  const Span whole{id, hidden, hidden + static_cast<std::uint32_t>(text.size())};
  if (trim(text).empty()) {
    c.reporter.report<Diag::wrong_type>(whole, "a flow", "nothing").help(std::string(example));
    return {};
  }
  const syntax::File file = syntax::parse(id, c.sources, c.reporter);
  if (c.reporter.has_errors()) return {};
  const syntax::Expr* written = only_value(file);
  if (written == nullptr) {
    c.reporter.report<Diag::wrong_type>(whole, "one flow", "something else")
        .help(std::string(example));
    return {};
  }
  const sema::Module& root = *c.program->root;
  sema::check_names(*written, root, c.reporter);
  if (c.reporter.has_errors()) return {};

  // What one cluster lacks is only a mistake if every cluster lacks it.
  std::vector<Question> out;
  bool understood = false;
  const Reporter before = c.reporter;
  Reporter mistakes = c.reporter;
  for (const std::size_t index : clusters) {
    const sema::Scope scope{&root, &c.scopes[index], nullptr, nullptr, nullptr};
    Question question{index, c.evaluator->flow(*written, scope), {}};
    if (c.reporter.has_errors()) {
      for (const Diagnostic& diagnostic : c.reporter.sorted()) {
        if (diagnostic.severity == Severity::Error) question.missing = diagnostic.message;
      }
      mistakes.append(std::move(c.reporter));
      c.reporter = before;
    }
    understood = understood || question.flow.has_value();
    out.push_back(std::move(question));
  }
  if (understood) return out;
  c.reporter = std::move(mistakes);
  return {};
}

}  // namespace hcipol::driver
