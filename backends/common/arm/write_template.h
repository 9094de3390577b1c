// JSON for Azure Resource Manager, in the order and with the indentation of Microsoft's own.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace hcipol::backends::arm {

using Json = nlohmann::ordered_json;

/// A template may have 4 MB after its parameters and loops are filled in, and so may its file of
/// parameters ("Best practices for templates", 2022-05-26).
inline constexpr std::size_t most_template_bytes = 4'000'000;
inline constexpr std::size_t most_parameters = 256;
inline constexpr std::size_t most_resources = 800;

/// "https://schema.management.azure.com/schemas/2019-04-01/<kind>.json#"; languageVersion 1,
/// because the schema of that day knows no other.
std::string schema(std::string_view kind);

/// Azure evaluates a text in brackets; doubling the first keeps it a text ("Syntax and expressions
/// in ARM templates").
std::string literal(std::string_view text);

/// Without room for all of them, an ordered object copies its members each time it grows.
Json object(std::size_t members);
Json array(std::size_t elements);
Json literals(const std::vector<std::string>& texts);

/// "[parameters('name')]".
std::string parameter(std::string_view name);
Json string_parameter(std::string_view value, const char* about);
/// Neither the elements nor `about` become expressions.
Json array_parameter(const std::vector<std::string>& value, std::string about);

/// Pure ASCII: whatever a shell takes a file without a byte order mark for, it reads the same.
/// Where the text would have more than `most` bytes, objects with the member `leaf` stand on a line
/// each, which halves it.
std::string text_of(const Json& json, std::string_view leaf, std::size_t most);

}  // namespace hcipol::backends::arm
