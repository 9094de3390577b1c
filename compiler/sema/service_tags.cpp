// Read event by event: as a tree, a file of 4 MB would take many times its size and its time.
#include "sema/service_tags.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "support/text.h"

namespace hcipol::sema {

namespace {

using Json = nlohmann::json;

}  // namespace

/// Follows the places that matter of `{ changeNumber, cloud, values: [ { name, properties: {
/// addressPrefixes: [ … ] } } ] }` and passes over all others. Nlohmann's exceptions are caught
/// here: it hands them over as events.
class ServiceTagReader final : public nlohmann::json_sax<Json> {
 public:
  explicit ServiceTagReader(ServiceTags& out, bool head_only) : out_(out), head_only_(head_only) {}

  bool complete() const { return has_cloud_ && has_change_ && has_values_; }
  std::string error;

  bool null() override { return scalar(); }
  bool boolean(bool) override { return scalar(); }
  bool number_float(number_float_t, const string_t&) override { return scalar(); }
  bool binary(binary_t&) override { return scalar(); }
  bool number_integer(number_integer_t value) override { return number(value); }
  bool number_unsigned(number_unsigned_t value) override {
    // More than any edition has, and no number of the language.
    if (at(Place::file) && key_ == "changeNumber" && std::cmp_greater(value, INT64_MAX)) {
      return fail("its `changeNumber` is too large");
    }
    return number(static_cast<std::int64_t>(value));
  }

  bool string(string_t& value) override {
    if (at(Place::prefixes)) return prefix(value);
    if (at(Place::file) && key_ == "cloud") {
      out_.head_.cloud = value;
      if (std::exchange(has_cloud_, true)) return fail("it has two `cloud`");
      return true;
    }
    if (at(Place::tag) && key_ == "name") {
      if (std::exchange(has_name_, true)) return fail("a tag has two `name`");
      name_ = value;
      return true;
    }
    return scalar();
  }

  bool start_object(std::size_t) override {
    if (depth_ == 0) return enter(Place::file);
    if (at(Place::values)) {
      has_name_ = has_prefixes_ = false;
      tag_ = {out_.prefixes_.size(), 0};
      return enter(Place::tag);
    }
    if (at(Place::tag) && key_ == "properties") return enter(Place::properties);
    return wrong_place() ? false : enter(Place::other);
  }
  bool start_array(std::size_t) override {
    if (at(Place::file) && key_ == "values") {
      if (std::exchange(has_values_, true)) return fail("it has two `values`");
      return head_only_ ? false : enter(Place::values);
    }
    if (at(Place::properties) && key_ == "addressPrefixes") {
      if (std::exchange(has_prefixes_, true)) return fail("a tag has two `addressPrefixes`");
      return enter(Place::prefixes);
    }
    return wrong_place() ? false : enter(Place::other);
  }
  bool end_object() override {
    const bool tag = at(Place::tag);
    leave();
    return !tag || end_tag();
  }
  bool end_array() override {
    leave();
    return true;
  }
  bool key(string_t& value) override {
    key_ = value;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return fail("it is not JSON");
  }

 private:
  enum class Place { outside, file, values, tag, properties, prefixes, other };

  // Everything below a place of no interest is of none: only its depth counts.
  bool at(Place place) const { return below_other_ == 0 && place_ == place; }
  bool enter(Place place) {
    ++depth_;
    if (place == Place::other) {
      ++below_other_;
    } else {
      place_ = place;
    }
    return true;
  }
  void leave() {
    --depth_;
    if (below_other_ > 0) {
      --below_other_;
      return;
    }
    switch (place_) {
      case Place::prefixes: place_ = Place::properties; break;
      case Place::properties: place_ = Place::tag; break;
      case Place::tag: place_ = Place::values; break;
      case Place::values: place_ = Place::file; break;
      default: place_ = Place::outside; break;
    }
  }

  bool fail(std::string why) {
    if (error.empty()) error = std::move(why);
    return false;
  }
  /// Whether something stands here that must be something else; reports it.
  bool wrong_place() {
    if (depth_ == 0) return !fail("it is no object");
    if (at(Place::values)) return !fail("an element of `values` is no object");
    if (at(Place::prefixes)) return !fail(fmt::format("a prefix of `{}` is no text", name()));
    const bool known =
        (at(Place::file) && (key_ == "cloud" || key_ == "changeNumber" || key_ == "values")) ||
        (at(Place::tag) && (key_ == "name" || key_ == "properties")) ||
        (at(Place::properties) && key_ == "addressPrefixes");
    return known && !fail(fmt::format("`{}` is not of the type that it should be", key_));
  }
  bool scalar() { return !wrong_place(); }
  bool number(std::int64_t value) {
    if (!at(Place::file) || key_ != "changeNumber") return scalar();
    out_.head_.change_number = value;
    return !std::exchange(has_change_, true) || fail("it has two `changeNumber`");
  }

  std::string name() const { return has_name_ ? one_line(name_, 80) : "a tag"; }
  bool prefix(const std::string& text) {
    const auto read = net::parse_cidr(text);
    if (!read) return fail(fmt::format("`{}` of `{}` is no prefix", one_line(text, 80), name()));
    out_.prefixes_.push_back(*read);
    return true;
  }
  bool end_tag() {
    if (!has_name_ || !has_prefixes_) {
      return fail("an element of `values` has no `name` or no `properties.addressPrefixes`");
    }
    tag_.count = out_.prefixes_.size() - tag_.first;
    if (out_.tags_.emplace(name_, tag_).second) return true;
    return fail(fmt::format("it has the tag `{}` twice", name()));
  }

  ServiceTags& out_;
  bool head_only_;
  Place place_ = Place::outside;
  std::size_t depth_ = 0;
  std::size_t below_other_ = 0;
  std::string key_;
  std::string name_;
  ServiceTags::Prefixes tag_;
  bool has_cloud_ = false;
  bool has_change_ = false;
  bool has_values_ = false;
  bool has_name_ = false;
  bool has_prefixes_ = false;
};

std::optional<ServiceTags> ServiceTags::parse(std::string_view text, std::string& error) {
  ServiceTags out;
  // Prefixes take about 44 characters each with their indentation.
  out.prefixes_.reserve(text.size() / 40);
  ServiceTagReader reader(out, false);
  if (!Json::sax_parse(text.begin(), text.end(), &reader)) {
    error = reader.error;
    return std::nullopt;
  }
  if (!reader.complete()) {
    error = "it lacks `cloud`, `changeNumber` or `values`";
    return std::nullopt;
  }
  return out;
}

const net::AddressSet* ServiceTags::find(std::string_view tag) {
  if (const auto made = used_.find(tag); made != used_.end()) return &made->second;
  const auto found = tags_.find(tag);
  if (found == tags_.end()) return nullptr;
  std::vector<net::AddressRange> ranges;
  ranges.reserve(found->second.count);
  for (std::size_t i = 0; i < found->second.count; ++i) {
    const net::Cidr& prefix = prefixes_[found->second.first + i];
    ranges.push_back({prefix.network, net::last_of(prefix.network, prefix.length)});
  }
  return &used_.emplace(tag, net::AddressSet::of(std::move(ranges))).first->second;
}

std::vector<std::string> ServiceTags::names() const {
  std::vector<std::string> out;
  out.reserve(tags_.size());
  for (const auto& [name, prefixes] : tags_) out.push_back(name);
  return out;
}

std::optional<TagFileHead> read_tag_file_head(std::string_view beginning) {
  ServiceTags out;
  ServiceTagReader reader(out, true);
  Json::sax_parse(beginning.begin(), beginning.end(), &reader);
  if (!reader.complete() || !reader.error.empty()) return std::nullopt;
  return out.head();
}

std::string_view tag_cloud(std::string_view cluster_cloud) {
  if (cluster_cloud == "usgov") return "AzureGovernment";
  return cluster_cloud == "china" ? "AzureChina" : "Public";
}

}  // namespace hcipol::sema
