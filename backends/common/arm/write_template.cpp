// Nothing but literal() and parameter() writes strings that a user can influence.
#include "backends/common/arm/write_template.h"

#include <fmt/format.h>

#include "support/text.h"

namespace hcipol::backends::arm {

namespace {

std::string compact(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

void append_text(std::string_view text, std::string& out) {
  if (printable_ascii_but<'"', '\\'>(text)) {
    out.append("\"").append(text) += '"';
  } else {
    out += compact(Json(text));
  }
}

/// As dump(2), but for the leaves: objects with the member `leaf`, if that is not empty.
void append(const Json& json, std::string_view leaf, std::string& indent, std::string& out) {
  if (json.is_string()) return append_text(json.get_ref<const std::string&>(), out);
  const bool is_leaf = !leaf.empty() && json.is_object() && json.contains(leaf);
  if (!json.is_structured() || json.empty() || is_leaf) {
    out += compact(json);
    return;
  }
  out += json.is_object() ? '{' : '[';
  indent.append(2, ' ');
  std::string_view before = "\n";
  for (auto element = json.begin(); element != json.end(); ++element) {
    out.append(before).append(indent);
    if (json.is_object()) {
      append_text(element.key(), out);
      out += ": ";
    }
    append(*element, leaf, indent, out);
    before = ",\n";
  }
  indent.resize(indent.size() - 2);
  out.append("\n").append(indent) += json.is_object() ? '}' : ']';
}

std::string with_leaves(const Json& json, std::string_view leaf) {
  std::string indent;
  std::string out;
  append(json, leaf, indent, out);
  out += '\n';
  return out;
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
  std::string out = with_leaves(json, "");
  return out.size() <= most ? out : with_leaves(json, leaf);
}

}  // namespace hcipol::backends::arm
