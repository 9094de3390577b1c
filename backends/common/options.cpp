// A value of the wrong type here would be a bug of sema, not of the user.
#include "backends/common/options.h"

#include "support/bug.h"

namespace hcipol::backends {

namespace {

template <class T>
const T* typed(const sema::Options& options, std::string_view name) {
  const auto found = options.find(name);
  if (found == options.end() || found->second.is_null()) return nullptr;
  const T* value = found->second.as<T>();
  if (value == nullptr) bug("a target option has not the type that its backend declares");
  return value;
}

}  // namespace

std::string text_option(const sema::Options& options, std::string_view name,
                        std::string_view otherwise) {
  const auto* text = typed<std::string>(options, name);
  return text == nullptr ? std::string(otherwise) : *text;
}

bool flag_option(const sema::Options& options, std::string_view name, bool otherwise) {
  const bool* flag = typed<bool>(options, name);
  return flag == nullptr ? otherwise : *flag;
}

std::int64_t number_option(const sema::Options& options, std::string_view name,
                           std::int64_t otherwise) {
  const auto* number = typed<std::int64_t>(options, name);
  return number == nullptr ? otherwise : *number;
}

std::chrono::seconds duration_option(const sema::Options& options, std::string_view name,
                                     std::chrono::seconds otherwise) {
  const auto* duration = typed<sema::Duration>(options, name);
  return duration == nullptr ? otherwise : *duration;
}

std::vector<std::string> list_option(const sema::Options& options, std::string_view name) {
  std::vector<std::string> out;
  const auto* list = typed<sema::List>(options, name);
  if (list == nullptr) return out;
  for (const sema::Value& element : *list) {
    const auto* text = element.as<std::string>();
    if (text == nullptr) bug("a list(string) option holds something else");
    out.push_back(*text);
  }
  return out;
}

std::vector<std::pair<std::string, sema::Peers>> peers_option(const sema::Options& options,
                                                              std::string_view name) {
  std::vector<std::pair<std::string, sema::Peers>> out;
  const auto* map = typed<sema::Map>(options, name);
  if (map == nullptr) return out;
  for (const auto& [key, value] : *map) {
    const auto* peers = value.as<sema::Peers>();
    if (peers == nullptr) bug("a map(address) option holds something else");
    out.emplace_back(key, *peers);
  }
  return out;
}

Span option_span(const sema::Options& options, std::string_view name, Span otherwise) {
  const auto found = options.find(name);
  return found == options.end() ? otherwise : found->second.span;
}

}  // namespace hcipol::backends
