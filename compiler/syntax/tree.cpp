// Strings are compared here, once per parse, so that nobody compares them once per node.
#include "syntax/tree.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "support/bug.h"

extern "C" const TSLanguage* tree_sitter_hcipol();

namespace hcipol::syntax {
namespace {

struct ParserDeleter {
  void operator()(TSParser* parser) const { ts_parser_delete(parser); }
};

using Parser = std::unique_ptr<TSParser, ParserDeleter>;

Parser new_parser() {
  Parser parser(ts_parser_new());
  if (!ts_parser_set_language(parser.get(), tree_sitter_hcipol())) {
    bug("the grammar was generated for another ABI than the installed libtree-sitter reads");
  }
  return parser;
}

Tree run(TSParser* parser, std::string_view text) {
  return Tree(ts_parser_parse_string(parser, nullptr, text.data(),
                                     static_cast<std::uint32_t>(text.size())));
}

/// Listens to the parser's log, the only place where this version says that it met an error, and
/// stops it there.
struct Watch {
  std::size_t cancel = 0;
  unsigned row = 0;
  unsigned column = 0;

  static void log(void* payload, TSLogType type, const char* message) {
    auto& self = *static_cast<Watch*>(payload);
    if (type != TSLogTypeParse || self.cancel != 0) return;
    const std::string_view text = message;
    if (text.starts_with("detect_error")) {
      self.cancel = 1;
    } else if (text.starts_with("process ")) {
      const std::size_t place = text.find("row:");
      if (place == text.npos) return;
      std::sscanf(message + place, "row:%u, col:%u", &self.row, &self.column);
    }
  }

  /// Where the token begins that was not expected: the log names the end of the one before it.
  std::uint32_t position(std::string_view text) const {
    std::size_t at = 0;
    for (unsigned i = 0; i < row && at < text.size(); ++i) at = text.find('\n', at) + 1;
    at = std::min(text.find_first_not_of(" \t\r\n", std::min(at + column, text.size())),
                  text.size());
    return static_cast<std::uint32_t>(at);
  }
};

constexpr std::pair<const char*, Kind> kind_names[] = {
    {"source_file", Kind::source_file},
    {"attribute", Kind::attribute},
    {"block", Kind::block},
    {"body", Kind::body},
    {"rule", Kind::rule},
    {"check", Kind::check},
    {"flow", Kind::flow},
    {"conditional", Kind::conditional},
    {"binary", Kind::binary},
    {"unary", Kind::unary},
    {"reference", Kind::reference},
    {"member", Kind::member},
    {"index", Kind::index},
    {"call", Kind::call},
    {"arguments", Kind::arguments},
    {"parenthesized", Kind::parenthesized},
    {"list", Kind::list},
    {"object", Kind::object},
    {"entry", Kind::entry},
    {"for_list", Kind::for_list},
    {"for_object", Kind::for_object},
    {"for_clause", Kind::for_clause},
    {"if_clause", Kind::if_clause},
    {"interpolation", Kind::interpolation},
    {"boolean", Kind::boolean},
    {"null", Kind::null},
    {"number", Kind::number},
    {"address", Kind::address},
    {"address_range", Kind::address_range},
    {"service", Kind::service},
    {"date", Kind::date},
    {"duration", Kind::duration},
    {"string", Kind::string},
    {"text", Kind::text},
    {"string_content", Kind::string_content},
    {"text_content", Kind::text_content},
    {"escape", Kind::escape},
    {"identifier", Kind::identifier},
    {"comment", Kind::comment},
    {"{", Kind::open_brace},
    {"}", Kind::close_brace},
    {"[", Kind::open_bracket},
    {"]", Kind::close_bracket},
    {"(", Kind::open_paren},
    {")", Kind::close_paren},
    {",", Kind::comma},
    {"\"", Kind::quote},
    {"\"\"\"", Kind::text_quote},
    {"${", Kind::open_interpolation},
    {".", Kind::dot},
    {"!", Kind::bang},
};

constexpr std::pair<const char*, Field> field_names[] = {
    {"action", Field::action},
    {"alias", Field::alias},
    {"arguments", Field::arguments},
    {"arrow", Field::arrow},
    {"body", Field::body},
    {"else", Field::else_},
    {"first", Field::first},
    {"flow", Field::flow},
    {"from", Field::from},
    {"function", Field::function},
    {"in", Field::in},
    {"key", Field::key},
    {"kind", Field::kind},
    {"label", Field::label},
    {"left", Field::left},
    {"name", Field::name},
    {"of", Field::of},
    {"operand", Field::operand},
    {"operator", Field::operator_},
    {"right", Field::right},
    {"second", Field::second},
    {"service", Field::service},
    {"test", Field::test},
    {"then", Field::then},
    {"to", Field::to},
    {"value", Field::value},
    {"verb", Field::verb},
};

template <class Enum, std::size_t N>
Enum lookup(const std::pair<const char*, Enum> (&names)[N], const char* name) {
  for (const auto& [known, value] : names) {
    if (std::strcmp(known, name) == 0) return value;
  }
  return Enum{};
}

}  // namespace

Tree parse_tree(std::string_view text) {
  const Parser parser = new_parser();
  Tree tree = run(parser.get(), text);
  if (!tree) bug("tree-sitter returned no tree");
  return tree;
}

Tree parse_tree_without_errors(std::string_view text, std::uint32_t& error_at) {
  const Parser parser = new_parser();
  Watch watch;
  ts_parser_set_cancellation_flag(parser.get(), &watch.cancel);
  ts_parser_set_logger(parser.get(), TSLogger{&watch, Watch::log});
  Tree tree = run(parser.get(), text);
  const bool damaged = watch.cancel != 0 || ts_node_has_error(ts_tree_root_node(tree.get()));
  if (!damaged) return tree;
  error_at = watch.position(text);
  return nullptr;
}

Vocabulary::Vocabulary() {
  const TSLanguage* language = tree_sitter_hcipol();
  const std::uint32_t symbols = ts_language_symbol_count(language);
  kinds_.reserve(symbols);
  for (std::uint32_t i = 0; i < symbols; ++i) {
    kinds_.push_back(
        lookup(kind_names, ts_language_symbol_name(language, static_cast<TSSymbol>(i))));
  }
  fields_.push_back(Field::none);  // ids start at 1
  for (std::uint32_t i = 1; i <= ts_language_field_count(language); ++i) {
    fields_.push_back(
        lookup(field_names, ts_language_field_name_for_id(language, static_cast<TSFieldId>(i))));
  }
}

}  // namespace hcipol::syntax
