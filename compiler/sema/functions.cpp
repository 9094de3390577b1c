// Functions on texts, lists and objects; those on addresses and files are in network_functions.cpp.
#include "sema/functions.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "sema/expression.h"
#include "sema/network_functions.h"
#include "support/text.h"

namespace hcipol::sema {

namespace {

using Arguments = std::vector<Value>;
using Result = std::optional<Value>;

Result value(auto data, const CallContext& context) {
  return Value{std::move(data), context.call};
}

const std::string* text_of(const Value& argument, CallContext& context) {
  const auto* text = argument.as<std::string>();
  if (text == nullptr) {
    context.evaluator.reporter().report<Diag::wrong_type>(argument.span, "a string",
                                                          describe(argument));
  }
  return text;
}

const List* list_of_argument(const Value& argument, CallContext& context) {
  const auto* list = argument.as<List>();
  if (list == nullptr) {
    context.evaluator.reporter().report<Diag::wrong_type>(argument.span, "a list",
                                                          describe(argument));
  }
  return list;
}

const Map* map_of(const Value& argument, CallContext& context) {
  const auto* map = argument.as<Map>();
  if (map == nullptr) {
    context.evaluator.reporter().report<Diag::wrong_type>(argument.span, "an object",
                                                          describe(argument));
  }
  return map;
}

Result bad_argument(const Value& argument, CallContext& context, std::string_view why) {
  context.evaluator.reporter().report<Diag::bad_argument>(argument.span, why);
  return std::nullopt;
}

// Elements of a list, keys of an object, letters of a text, members of a service set.
Result length(Arguments& a, CallContext& context) {
  std::int64_t n = 0;
  if (const auto* list = a[0].as<List>()) {
    n = static_cast<std::int64_t>(list->size());
  } else if (const auto* map = a[0].as<Map>()) {
    n = static_cast<std::int64_t>(map->size());
  } else if (const auto* text = a[0].as<std::string>()) {
    n = static_cast<std::int64_t>(code_points(*text));
  } else if (const auto* peers = a[0].as<Peers>()) {
    n = static_cast<std::int64_t>(peers->parts.size());
  } else if (const auto* service = a[0].as<net::ServiceSet>()) {
    n = service_count(*service);
  } else {
    context.evaluator.reporter().report<Diag::wrong_type>(
        a[0].span, "a list, an object, a string or a service", describe(a[0]));
    return std::nullopt;
  }
  return value(n, context);
}

Result contains(Arguments& a, CallContext& context) {
  if (const auto* map = a[0].as<Map>()) {
    const auto* key = text_of(a[1], context);
    return key == nullptr ? std::nullopt : value(map->contains(*key), context);
  }
  if (const auto* text = a[0].as<std::string>()) {
    const auto* part = text_of(a[1], context);
    if (part == nullptr) return std::nullopt;
    return value(text->find(*part) != std::string::npos, context);
  }
  const auto* list = list_of_argument(a[0], context);
  if (list == nullptr) return std::nullopt;
  return value(std::any_of(list->begin(), list->end(),
                           [&](const Value& element) { return equal(element, a[1]); }),
               context);
}

Result keys(Arguments& a, CallContext& context) {
  const auto* map = map_of(a[0], context);
  if (map == nullptr) return std::nullopt;
  List out;
  for (const auto& [key, element] : *map) out.push_back({key, context.call});
  return value(std::move(out), context);
}

Result values(Arguments& a, CallContext& context) {
  const auto* map = map_of(a[0], context);
  if (map == nullptr) return std::nullopt;
  List out;
  for (const auto& [key, element] : *map) out.push_back(element);
  return value(std::move(out), context);
}

// Later objects win, as later lists follow.
Result merge(Arguments& a, CallContext& context) {
  if (a[0].as<List>() != nullptr) {
    List out;
    for (const Value& argument : a) {
      const auto* list = list_of_argument(argument, context);
      if (list == nullptr) return std::nullopt;
      if (out.size() + list->size() > max_list_elements) {
        return bad_argument(a[0], context, "the merged list is too long");
      }
      out.insert(out.end(), list->begin(), list->end());
    }
    return value(std::move(out), context);
  }
  Map out;
  for (const Value& argument : a) {
    const auto* map = map_of(argument, context);
    if (map == nullptr) return std::nullopt;
    for (const auto& [key, element] : *map) out.insert_or_assign(key, element);
  }
  return value(std::move(out), context);
}

// Elements are compared by meaning; scalars through their text, so that long lists stay fast.
Result distinct(Arguments& a, CallContext& context) {
  const auto* list = list_of_argument(a[0], context);
  if (list == nullptr) return std::nullopt;
  if (list->size() > 10'000)
    return bad_argument(a[0], context, "the list is too long for `distinct`");
  List out;
  for (const Value& element : *list) {
    const bool known = std::any_of(out.begin(), out.end(),
                                   [&](const Value& other) { return equal(element, other); });
    if (!known) out.push_back(element);
  }
  return value(std::move(out), context);
}

Result sort(Arguments& a, CallContext& context) {
  const auto* list = list_of_argument(a[0], context);
  if (list == nullptr) return std::nullopt;
  List out = *list;
  const auto all = [&]<class T>(T*) {
    return std::all_of(out.begin(), out.end(),
                       [](const Value& element) { return element.as<T>() != nullptr; });
  };
  const auto by = [&]<class T>(T*) {
    std::stable_sort(out.begin(), out.end(),
                     [](const Value& x, const Value& y) { return *x.as<T>() < *y.as<T>(); });
  };
  if (all(static_cast<std::string*>(nullptr))) {
    by(static_cast<std::string*>(nullptr));
  } else if (all(static_cast<std::int64_t*>(nullptr))) {
    by(static_cast<std::int64_t*>(nullptr));
  } else if (all(static_cast<Date*>(nullptr))) {
    by(static_cast<Date*>(nullptr));
  } else {
    return bad_argument(a[0], context, "`sort` takes a list of strings, of numbers or of dates");
  }
  return value(std::move(out), context);
}

Result limited(std::string text, const Value& argument, CallContext& context) {
  if (text.size() > max_text_bytes) {
    context.evaluator.reporter().report<Diag::expansion_too_large>(argument.span,
                                                                   counted(max_text_bytes, "byte"));
    return std::nullopt;
  }
  return value(std::move(text), context);
}

Result join(Arguments& a, CallContext& context) {
  const auto* separator = text_of(a[0], context);
  const auto* list = list_of_argument(a[1], context);
  if (separator == nullptr || list == nullptr) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto part = as_text((*list)[i]);
    if (!part) return bad_argument(a[1], context, "`join` takes a list of things that are texts");
    if (i > 0) out += *separator;
    out += *part;
    if (out.size() > max_text_bytes) break;
  }
  return limited(std::move(out), a[1], context);
}

Result split_text(Arguments& a, CallContext& context) {
  const auto* separator = text_of(a[0], context);
  const auto* text = text_of(a[1], context);
  if (separator == nullptr || text == nullptr) return std::nullopt;
  if (separator->empty()) return bad_argument(a[0], context, "a separator cannot be empty");
  List out;
  std::size_t at = 0;
  while (true) {
    const std::size_t end = text->find(*separator, at);
    out.push_back({text->substr(at, end - at), context.call});
    if (end == std::string::npos) return value(std::move(out), context);
    if (out.size() > max_list_elements)
      return bad_argument(a[1], context, "the text has too many parts");
    at = end + separator->size();
  }
}

Result lower(Arguments& a, CallContext& context) {
  const auto* text = text_of(a[0], context);
  return text == nullptr ? std::nullopt : value(to_lower(*text), context);
}

Result upper(Arguments& a, CallContext& context) {
  const auto* text = text_of(a[0], context);
  if (text == nullptr) return std::nullopt;
  std::string out = *text;
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return value(std::move(out), context);
}

Result replace(Arguments& a, CallContext& context) {
  const auto* text = text_of(a[0], context);
  const auto* old = text_of(a[1], context);
  const auto* fresh = text_of(a[2], context);
  if (text == nullptr || old == nullptr || fresh == nullptr) return std::nullopt;
  if (old->empty()) return bad_argument(a[1], context, "what is replaced cannot be empty");
  std::string out;
  std::size_t at = 0;
  for (std::size_t found = 0; (found = text->find(*old, at)) != std::string::npos;
       at = found + old->size()) {
    out += text->substr(at, found - at);
    out += *fresh;
    if (out.size() > max_text_bytes) break;
  }
  out += text->substr(at);
  return limited(std::move(out), a[0], context);
}

// RE2 matches in time linear in the text, whatever the pattern.
Result matches(Arguments& a, CallContext& context) {
  const auto* text = text_of(a[0], context);
  const auto* pattern = text_of(a[1], context);
  if (text == nullptr || pattern == nullptr) return std::nullopt;
  RE2::Options options;
  options.set_log_errors(false);
  const RE2 expression(*pattern, options);
  if (!expression.ok()) {
    context.evaluator.reporter().report<Diag::bad_regex>(a[1].span,
                                                         one_line(expression.error(), 120));
    return std::nullopt;
  }
  return value(RE2::PartialMatch(*text, expression), context);
}

// `{}` stands for the next argument, `{{` and `}}` for braces.
Result format(Arguments& a, CallContext& context) {
  const auto* pattern = text_of(a[0], context);
  if (pattern == nullptr) return std::nullopt;
  std::string out;
  std::size_t next = 1;
  for (std::size_t i = 0; i < pattern->size(); ++i) {
    const char c = (*pattern)[i];
    const char following = i + 1 < pattern->size() ? (*pattern)[i + 1] : '\0';
    if ((c == '{' || c == '}') && following == c) {
      out += c;
      ++i;
    } else if (c == '{' && following == '}') {
      const auto part = next < a.size() ? as_text(a[next]) : std::nullopt;
      if (!part) return bad_argument(a[0], context, "each `{}` needs an argument that is a text");
      out += *part;
      ++next;
      ++i;
    } else if (c == '{' || c == '}') {
      return bad_argument(a[0], context, "a brace in a format is `{}`, `{{` or `}}`");
    } else {
      out += c;
    }
    if (out.size() > max_text_bytes) break;
  }
  if (next < a.size()) return bad_argument(a[next], context, "the format has no `{}` for this");
  return limited(std::move(out), a[0], context);
}

constexpr unsigned many = 64;

constexpr std::array function_table{
    Function{"allows", 2, 2, "allows(cluster, flow)", allows},
    Function{"contains", 2, 2, "contains(list, value)", contains},
    Function{"covers", 2, 2, "covers(outer, inner)", covers},
    Function{"distinct", 1, 1, "distinct(list)", distinct},
    Function{"enabled", 1, 1, "enabled(feature)", enabled},
    Function{"file", 1, 1, "file(path)", file_text},
    Function{"format", 1, many, "format(text, values…)", format},
    Function{"host", 2, 2, "host(prefix, number)", host},
    Function{"intersect", 1, many, "intersect(sets…)", intersect_sets},
    Function{"join", 2, 2, "join(separator, list)", join},
    Function{"json", 1, 1, "json(path)", json_file},
    Function{"keys", 1, 1, "keys(object)", keys},
    Function{"length", 1, 1, "length(value)", length},
    Function{"lower", 1, 1, "lower(text)", lower},
    Function{"matches", 2, 2, "matches(text, pattern)", matches},
    Function{"merge", 1, many, "merge(objects…)", merge},
    Function{"overlaps", 2, 2, "overlaps(a, b)", overlaps},
    Function{"replace", 3, 3, "replace(text, old, new)", replace},
    Function{"sort", 1, 1, "sort(list)", sort},
    Function{"split", 2, 2, "split(separator, text)", split_text},
    Function{"subnet", 3, 3, "subnet(prefix, bits, number)", subnet},
    Function{"union", 1, many, "union(sets…)", union_sets},
    Function{"upper", 1, 1, "upper(text)", upper},
    Function{"values", 1, 1, "values(object)", values},
};

}  // namespace

std::span<const Function> functions() {
  return function_table;
}

const Function* find_function(std::string_view name) {
  const auto found = std::find_if(function_table.begin(), function_table.end(),
                                  [&](const Function& f) { return f.name == name; });
  return found == function_table.end() ? nullptr : &*found;
}

}  // namespace hcipol::sema
