// The one door through which nlohmann's exceptions could come; none leaves this file.
#include "sema/service_tags.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace hcipol::sema {

namespace {

using Json = nlohmann::json;

std::optional<net::AddressRange> read_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = net::parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  unsigned length = net::width(address->family);
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    if (length > net::width(address->family)) return std::nullopt;
  }
  if (net::first_of(*address, length) != *address) return std::nullopt;
  return net::AddressRange{*address, net::last_of(*address, length)};
}

const Json* member(const Json& object, const char* key, Json::value_t type) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  if (found == object.end()) return nullptr;
  const bool number = type == Json::value_t::number_integer && found->is_number_integer();
  return number || found->type() == type ? &*found : nullptr;
}

bool read_tag(const Json& value, ServiceTags& tags, std::string& error) {
  const Json* name = member(value, "name", Json::value_t::string);
  const Json* properties = member(value, "properties", Json::value_t::object);
  const Json* prefixes = properties == nullptr
                             ? nullptr
                             : member(*properties, "addressPrefixes", Json::value_t::array);
  if (name == nullptr || prefixes == nullptr) {
    error = "an element of `values` has no `name` or no `properties.addressPrefixes`";
    return false;
  }
  std::vector<net::AddressRange> ranges;
  ranges.reserve(prefixes->size());
  for (const Json& prefix : *prefixes) {
    const auto range =
        prefix.is_string() ? read_prefix(prefix.get_ref<const std::string&>()) : std::nullopt;
    if (!range) {
      error = fmt::format("`{}` of `{}` is no prefix", prefix.dump(), name->get<std::string>());
      return false;
    }
    ranges.push_back(*range);
  }
  if (ranges.empty()) return true;
  tags.tags[name->get<std::string>()] = net::AddressSet::of(std::move(ranges));
  return true;
}

}  // namespace

std::optional<ServiceTags> parse_service_tags(std::string_view text, std::string& error) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) {
    error = "it is not JSON";
    return std::nullopt;
  }
  const Json* cloud = member(json, "cloud", Json::value_t::string);
  const Json* change = member(json, "changeNumber", Json::value_t::number_integer);
  const Json* values = member(json, "values", Json::value_t::array);
  if (cloud == nullptr || change == nullptr || values == nullptr) {
    error = "it lacks `cloud`, `changeNumber` or `values`";
    return std::nullopt;
  }
  ServiceTags tags{cloud->get<std::string>(), change->get<std::int64_t>(), {}};
  for (const Json& value : *values) {
    if (!read_tag(value, tags, error)) return std::nullopt;
  }
  return tags;
}

std::string_view tag_cloud(std::string_view cluster_cloud) {
  if (cluster_cloud == "usgov") return "AzureGovernment";
  return cluster_cloud == "china" ? "AzureChina" : "Public";
}

}  // namespace hcipol::sema
