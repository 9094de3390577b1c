// A line scan: the library must cost nothing where a policy does not use it.
#include "sema/library_scan.h"

#include "sema/walk.h"

namespace hcipol::sema {

namespace {

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string_view first_word(std::string_view line) {
  std::size_t end = 0;
  while (end < line.size() && (letter(line[end]) || line[end] == '_' || line[end] == '-')) ++end;
  return line.substr(0, end);
}

std::string_view label(std::string_view line) {
  const std::size_t open = line.find('"');
  if (open == std::string_view::npos) return {};
  return line.substr(open + 1, line.find('"', open + 1) - open - 1);
}

}  // namespace

std::optional<std::vector<std::string_view>> lazy_names(std::string_view text) {
  std::vector<std::string_view> names;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && letter(line.front())) {
      const std::string_view kind = first_word(line);
      if (kind != "feature" && kind != "endpoint") return std::nullopt;
      names.push_back(label(line));
      continue;
    }
    const std::size_t start = line.find_first_not_of(' ');
    if (start != std::string_view::npos && first_word(line.substr(start)) == "auto") {
      return std::nullopt;
    }
  }
  return names;
}

void for_each_word(const std::vector<syntax::Item>& items,
                   const std::function<void(std::string_view)>& visit) {
  auto look = [&](const syntax::Expr& expression) {
    if (const auto* name = std::get_if<syntax::Name>(&expression.node)) visit(name->text);
    if (const auto* member = std::get_if<syntax::Member>(&expression.node)) visit(member->name);
    if (const auto* text = std::get_if<syntax::Template>(&expression.node)) {
      for (const auto& piece : text->pieces) visit(piece.text);
    }
  };
  for (const syntax::Item& item : items) {
    std::visit(overloaded{[&](const syntax::Attribute& a) {
                            // Only `extend` has it, and does not need what it hides.
                            if (a.name != "without") walk(*a.value, look);
                          },
                          [&](const syntax::Block& b) {
                            for (const auto& label : b.labels) visit(label.text);
                            for_each_word(b.items, visit);
                          },
                          [&](const auto& rule_or_check) {
                            walk(*rule_or_check.flow, look);
                            for_each_word(rule_or_check.items, visit);
                          }},
               item.node);
  }
}

}  // namespace hcipol::sema
