// A text in brackets is an expression, unless the first bracket is doubled; nothing else is
// evaluated.
#include "backends/common/arm/read_template.h"

#include <fmt/format.h>

#include <set>

namespace hcipol::backends::arm {

namespace {

/// What Azure would know; no rule depends on it.
constexpr std::string_view some_location = "westeurope";

}  // namespace

Members::Members(std::string_view file, std::string place, const ReadJson& object)
    : file_(file), place_(std::move(place)), object_(object) {
  if (!object.is_object()) fail("no object");
}

void Members::fail(std::string_view what) const {
  throw Unreadable(file_, 0, fmt::format("{}: {}", place_, what));
}

const ReadJson& Members::need(const char* key) {
  const ReadJson* found = find(key);
  if (found == nullptr) fail(fmt::format("`{}` is missing", key));
  return *found;
}

const ReadJson* Members::find(const char* key) {
  const auto found = object_.find(key);
  if (found == object_.end()) return nullptr;
  ++used_;
  return &*found;
}

void Members::skip_text(const char* key) {
  const ReadJson* found = find(key);
  if (found == nullptr) return;
  const auto is_text = [](const ReadJson& value, auto self) -> bool {
    if (value.is_structured()) {
      for (const ReadJson& element : value) {
        if (!self(element, self)) return false;
      }
      return true;
    }
    return value.is_string();
  };
  if (!is_text(*found, is_text)) fail(fmt::format("`{}` is no text", key));
}

void Members::done() const {
  if (used_ != object_.size()) fail("a member that is not known here");
}

namespace {

ReadJson parse(std::string_view file, const std::string& text) {
  std::vector<std::set<std::string>> keys;
  const auto callback = [&](int, ReadJson::parse_event_t event, ReadJson& parsed) {
    if (event == ReadJson::parse_event_t::object_start) keys.emplace_back();
    if (event == ReadJson::parse_event_t::object_end) keys.pop_back();
    if (event == ReadJson::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys.back().insert(key).second) {
        throw Unreadable(file, 0, fmt::format("the key `{}` stands twice", key));
      }
    }
    return true;
  };
  return ReadJson::parse(text, callback, false);
}

}  // namespace

ReadJson parse_json(std::string_view file, const std::string& text) {
  ReadJson out = parse(file, text);
  if (!out.is_object()) throw Unreadable(file, 0, "no JSON object");
  return out;
}

ReadJson parse_array(std::string_view file, const std::string& text) {
  ReadJson out = parse(file, text);
  if (!out.is_array()) throw Unreadable(file, 0, "no JSON array");
  return out;
}

void Values::fail(std::string_view what) const {
  throw Unreadable(file_, 0, what);
}

void Values::read(const ReadJson& defaults, std::string_view given_file, const ReadJson& given) {
  for (const auto& [name, parameter] : defaults.items()) {
    Members members(file_, fmt::format("parameter `{}`", name), parameter);
    const ReadJson& type = members.need("type");
    const ReadJson& value = members.need("defaultValue");
    members.skip_text("metadata");
    members.done();
    const bool fits =
        (type == "string" && value.is_string()) || (type == "array" && value.is_array());
    if (!fits) members.fail("a value of another type");
    values_[name] = value;
  }
  for (const auto& [name, parameter] : given.items()) {
    Members members(given_file, fmt::format("parameter `{}`", name), parameter);
    const ReadJson& value = members.need("value");
    members.done();
    const auto known = values_.find(name);
    if (known == values_.end()) members.fail("the template has none of this name");
    // In this file nothing is an expression.
    if (this->value(known->second) != value) members.fail("the template's default is another");
  }
}

ReadJson Values::value(const ReadJson& value) const {
  if (value.is_array()) {
    ReadJson out = ReadJson::array();
    for (const ReadJson& element : value) out.push_back(this->value(element));
    return out;
  }
  if (!value.is_string()) fail("neither a text nor a list");
  const auto& text = value.get_ref<const std::string&>();
  const bool evaluated = texts_ == Texts::evaluated && text.starts_with('[') && text.ends_with(']');
  if (!evaluated) return value;
  if (text.starts_with("[[")) return text.substr(1);
  std::size_t at = 1;
  ReadJson out = expression(text, at);
  if (at != text.size() - 1) fail("no expression: " + text);
  return out;
}

std::string Values::text(const ReadJson& value) const {
  const ReadJson out = this->value(value);
  if (!out.is_string()) fail("no text");
  return out.get<std::string>();
}

std::vector<std::string> Values::texts(const ReadJson& value) const {
  const ReadJson list = this->value(value);
  if (!list.is_array() || list.empty()) fail("an empty list, which Azure refuses");
  std::vector<std::string> out;
  for (const ReadJson& element : list) {
    if (!element.is_string()) fail("no list of texts");
    out.push_back(element.get<std::string>());
  }
  return out;
}

// expression := name '(' [argument {',' argument}] ')' ['.' word]; argument := string | expression
ReadJson Values::expression(std::string_view text, std::size_t& at) const {
  const auto end_of_text = [&] { fail(fmt::format("no expression: {}", text)); };
  if (at >= text.size()) end_of_text();
  if (text[at] == '\'') {
    const auto end = text.find('\'', at + 1);
    if (end == std::string_view::npos) end_of_text();
    std::string out(text.substr(at + 1, end - at - 1));
    at = end + 1;
    return out;
  }
  const auto open = text.find('(', at);
  if (open == std::string_view::npos) end_of_text();
  const std::string_view name = text.substr(at, open - at);
  at = open + 1;
  std::vector<ReadJson> arguments;
  while (at < text.size() && text[at] != ')') {
    arguments.push_back(expression(text, at));
    while (at < text.size() && (text[at] == ',' || text[at] == ' ')) ++at;
  }
  if (at >= text.size()) end_of_text();
  ++at;
  return call(name, arguments, text, at);
}

ReadJson Values::call(std::string_view name, const std::vector<ReadJson>& arguments,
                      std::string_view text, std::size_t& at) const {
  const auto is_text = [](const ReadJson& argument) { return argument.is_string(); };
  if (!std::all_of(arguments.begin(), arguments.end(), is_text)) fail("no text as an argument");
  const auto argument = [&](std::size_t i) { return arguments[i].get<std::string>(); };
  if (name == "parameters" && arguments.size() == 1) {
    const auto found = values_.find(argument(0));
    if (found == values_.end()) fail("there is no parameter `" + argument(0) + "`");
    return value(found->second);
  }
  constexpr std::string_view location = ".location";
  if (name == "resourceGroup" && arguments.empty() && text.substr(at).starts_with(location)) {
    at += location.size();
    return std::string(some_location);
  }
  if (name == "resourceId" && arguments.size() > 1) {
    std::string out = argument(0) + "|" + argument(1);
    for (std::size_t i = 2; i < arguments.size(); ++i) out += "/" + argument(i);
    return out;
  }
  if (name == "format" && arguments.size() == 3 && argument(0) == "{0}/{1}") {
    return argument(1) + "/" + argument(2);
  }
  fail(fmt::format("a function that is not known here: {}", text));
}

}  // namespace hcipol::backends::arm
