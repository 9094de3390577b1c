// Short on purpose: people read this next to the source.
#include "syntax/dump.h"

#include <fmt/format.h>

#include <array>

namespace hcipol::syntax {
namespace {

constexpr std::array binary_names{"||", "&&", "==", "!=", "<", "<=", ">", ">=", "in", "except"};
constexpr std::array literal_names{"number", "address",  "range",   "service",
                                   "date",   "duration", "boolean", "null"};

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

std::string optional(const ExprPtr& expr) {
  return expr ? dump(*expr) : "_";
}

struct ExprDump {
  std::string operator()(const Literal& e) const {
    return fmt::format("({} {})", literal_names[static_cast<std::size_t>(e.kind)], e.text);
  }
  std::string operator()(const Template& e) const {
    std::string out = "(string";
    for (const auto& piece : e.pieces) {
      out += ' ' + (piece.value ? dump(*piece.value) : quoted(piece.text));
    }
    return out + ')';
  }
  std::string operator()(const Name& e) const { return std::string(e.text); }
  std::string operator()(const Member& e) const {
    return fmt::format("(. {} {})", optional(e.of), e.name);
  }
  std::string operator()(const Index& e) const {
    return fmt::format("(index {} {})", optional(e.of), optional(e.key));
  }
  std::string operator()(const Call& e) const {
    return fmt::format("(call {}{})", e.function, all(e.arguments));
  }
  std::string operator()(const List& e) const { return fmt::format("(list{})", all(e.elements)); }
  std::string operator()(const Object& e) const {
    std::string out = "(object";
    for (const auto& entry : e.entries) {
      out += fmt::format(" ({} {})", quoted(entry.key), optional(entry.value));
    }
    return out + ')';
  }
  std::string operator()(const For& e) const {
    return fmt::format("(for ({}{}{}) {} {} {} {})", e.first, e.second.empty() ? "" : " ", e.second,
                       optional(e.in), optional(e.key), optional(e.value), optional(e.test));
  }
  std::string operator()(const Not& e) const { return fmt::format("(! {})", optional(e.operand)); }
  std::string operator()(const Binary& e) const {
    return fmt::format("({} {} {})", binary_names[static_cast<std::size_t>(e.op)], optional(e.left),
                       optional(e.right));
  }
  std::string operator()(const Conditional& e) const {
    return fmt::format("(? {} {} {})", optional(e.test), optional(e.then), optional(e.otherwise));
  }
  std::string operator()(const Flow& e) const {
    return fmt::format("({} {} {} {})", e.both_ways ? "<->" : "->", optional(e.from),
                       optional(e.to), optional(e.service));
  }

  static std::string all(const std::vector<ExprPtr>& list) {
    std::string out;
    for (const auto& expr : list) out += ' ' + optional(expr);
    return out;
  }
};

class FileDump {
 public:
  std::string take() { return std::move(out_); }

  void items(const std::vector<Item>& list, std::size_t depth) {
    for (const Item& item : list) {
      const std::string indent(depth * 2, ' ');
      if (!item.comment.empty()) out_ += fmt::format("{}; {}\n", indent, quoted(item.comment));
      out_ += indent;
      std::visit([&](const auto& node) { one(node, depth); }, item.node);
      out_ += ")\n";
    }
  }

 private:
  void one(const Attribute& item, std::size_t) {
    out_ += fmt::format("(= {} {}", item.name, optional(item.value));
  }
  void one(const Block& item, std::size_t depth) {
    out_ += fmt::format("({}", item.kind);
    for (const auto& label : item.labels) out_ += ' ' + quoted(label.text);
    if (!item.alias.empty()) out_ += fmt::format(" as {}", item.alias);
    if (item.has_body) out_ += " {}";
    children(item.items, depth);
  }
  void one(const Rule& item, std::size_t depth) {
    out_ += fmt::format("({} {} {}", item.allow ? "allow" : "deny", quoted(item.name.text),
                        optional(item.flow));
    children(item.items, depth);
  }
  void one(const Check& item, std::size_t depth) {
    out_ += fmt::format("({} {} {}", item.verb, item.allow ? "allow" : "deny", optional(item.flow));
    children(item.items, depth);
  }
  void children(const std::vector<Item>& list, std::size_t depth) {
    if (list.empty()) return;
    out_ += '\n';
    items(list, depth + 1);
    out_.pop_back();
  }

  std::string out_;
};

}  // namespace

std::string dump(const Expr& expr) {
  return std::visit(ExprDump{}, expr.node);
}

std::string dump(const File& file) {
  FileDump out;
  out.items(file.items, 0);
  return out.take();
}

}  // namespace hcipol::syntax
