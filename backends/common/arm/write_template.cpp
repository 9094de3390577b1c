// Nothing but literal() and parameter() writes strings that a user can influence.
#include "backends/common/arm/write_template.h"

#include <fmt/format.h>

namespace hcipol::backends::arm {

namespace {

std::string compact(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

/// As dump(2), but for the leaves.
void append(const Json& json, std::string_view leaf, std::size_t depth, std::string& out) {
  if (!json.is_structured() || json.empty() || (json.is_object() && json.contains(leaf))) {
    out += compact(json);
    return;
  }
  const std::string indent(2 * depth + 2, ' ');
  out += json.is_object() ? '{' : '[';
  std::string_view before = "\n";
  for (const auto& [key, value] : json.items()) {
    out.append(before).append(indent);
    if (json.is_object()) out.append(compact(Json(key))).append(": ");
    append(value, leaf, depth + 1, out);
    before = ",\n";
  }
  out.append("\n").append(indent, 0, 2 * depth) += json.is_object() ? '}' : ']';
}

}  // namespace

std::string schema(std::string_view kind) {
  return fmt::format("https://schema.management.azure.com/schemas/2019-04-01/{}.json#", kind);
}

std::string literal(std::string_view text) {
  const bool evaluated = text.starts_with('[') && text.ends_with(']');
  return evaluated ? "[" + std::string(text) : std::string(text);
}

Json object(std::size_t members) {
  Json out = Json::object();
  out.get_ref<Json::object_t&>().reserve(members);
  return out;
}

Json array(std::size_t elements) {
  Json out = Json::array();
  out.get_ref<Json::array_t&>().reserve(elements);
  return out;
}

Json literals(const std::vector<std::string>& texts) {
  Json out = array(texts.size());
  for (const std::string& text : texts) out.push_back(literal(text));
  return out;
}

std::string parameter(std::string_view name) {
  return fmt::format("[parameters('{}')]", name);
}

Json string_parameter(std::string_view value, const char* about) {
  return {{"type", "string"}, {"defaultValue", value}, {"metadata", {{"description", about}}}};
}

Json array_parameter(const std::vector<std::string>& value, std::string about) {
  Json out;
  out["type"] = "array";
  out["defaultValue"] = literals(value);
  out["metadata"]["description"] = literal(about);
  return out;
}

std::string text_of(const Json& json, std::string_view leaf, std::size_t most) {
  std::string out = json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
  if (out.size() <= most) return out;
  out.clear();
  append(json, leaf, 0, out);
  return out + "\n";
}

}  // namespace hcipol::backends::arm
