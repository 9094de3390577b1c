// Any quote of Unicode would end a string, so a byte outside ASCII is refused and not interpreted.
#include "backends/windows_firewall/read_script.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/text.h"

namespace hcipol::backends::windows_firewall {

using ValueKind = ScriptValue::Kind;

std::size_t ScriptValue::elements() const {
  std::size_t out = 0;
  for (auto at = begin(); at != end(); ++at) ++out;
  return out;
}

ScriptTable::ScriptTable(const ScriptReader& script, const ScriptValue& value)
    : script_(script), value_(value) {
  if (value.kind != ValueKind::table) fail("no table");
}

void ScriptTable::fail(std::string_view what) const {
  const bool table = value_.kind == ValueKind::table;
  throw Unreadable(script_.file(), table ? script_.line_of(value_.source) : 0, what);
}

const ScriptValue* ScriptTable::find(std::string_view key) {
  for (const ScriptValue& entry : value_) {
    if (entry.key != key) continue;
    ++used_;
    return &entry;
  }
  return nullptr;
}

std::string_view ScriptTable::text(std::string_view key) {
  const ScriptValue* found = find(key);
  if (found == nullptr) return {};
  if (found->kind != ValueKind::text) fail(fmt::format("`{}` is no string", key));
  return found->source;
}

const ScriptValue* ScriptTable::texts(std::string_view key) {
  const ScriptValue* found = find(key);
  if (found == nullptr) return nullptr;
  if (found->kind != ValueKind::list) fail(fmt::format("`{}` is no list", key));
  const ScriptValue& out = found->meant();
  for (const ScriptValue& element : out) {
    if (element.kind != ValueKind::text) fail(fmt::format("`{}` is no list of strings", key));
  }
  // Cmdlets take an empty list for no condition at all.
  if (out.begin() == out.end()) fail(fmt::format("`{}` is empty", key));
  return &out;
}

void ScriptTable::done() const {
  if (used_ != value_.elements()) fail("an entry that is not known here");
}

ScriptReader::ScriptReader(std::string_view file, std::string_view text, std::string_view head,
                           std::string_view engine)
    : file_(file), text_(text) {
  comments();
  if (!take(head)) fail("the head is another one");
  // Nothing of the text belongs to both.
  const bool room = text_.size() - at_ >= engine.size();
  if (!room || !text_.ends_with(engine)) fail("the engine is another one");
  text_.remove_suffix(engine.size());
  // Of rules each value has some forty bytes.
  if (at_ < text_.size()) values_.reserve((text_.size() - at_) / 32);
  while (true) {
    separator('\n');
    if (at_ == text_.size()) return;
    assignment();
  }
}

const ScriptValue* ScriptReader::value(std::string_view name, bool may_lack) const {
  const auto found = variables_.find(name);
  if (found != variables_.end()) return &values_[found->second];
  if (!may_lack) fail(fmt::format("there is no ${}", name));
  return nullptr;
}

void ScriptReader::fail(std::string_view what) const {
  throw Unreadable(file_, line_of(text_.substr(at_)), what);
}

std::size_t ScriptReader::line_of(std::string_view source) const {
  return 1 + static_cast<std::size_t>(std::count(text_.data(), source.data(), '\n'));
}

// "# …" lines up to the first empty one. A block comment or a #Requires would start otherwise.
void ScriptReader::comments() {
  while (!take('\n')) {
    const std::size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos || !text_.substr(at_).starts_with("# ")) {
      fail("no comment");
    }
    const std::string_view line = text_.substr(at_, end - at_);
    const bool plain = std::all_of(line.begin(), line.end(), [](char c) {
      return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7f;
    });
    if (!plain) fail("a comment that is not printable ASCII");
    at_ = end + 1;
  }
}

void ScriptReader::assignment() {
  need('$');
  std::string name = to_lower(word());
  blanks();
  need('=');
  blanks();
  const std::size_t index = values_.size();
  read_value({});
  need('\n');
  if (!variables_.emplace(std::move(name), index).second) fail("a variable twice");
}

void ScriptReader::read_value(std::string_view key) {
  const std::size_t index = values_.size();
  const std::size_t begin = at_;
  values_.emplace_back().key = key;
  if (next_is('\'')) {
    const std::string_view text = string();
    values_[index].source = text;
    return;
  }
  if (take("@(")) {
    list();
    values_[index].kind = ValueKind::list;
  } else if (take("@{")) {
    table(index);
    values_[index].kind = ValueKind::table;
  } else if (take("$addresses[")) {
    values_[index].shared = static_cast<std::uint32_t>(index - shared_list());
    values_[index].kind = ValueKind::list;
  } else {
    fail("no `'`");
  }
  values_[index].source = text_.substr(begin, at_ - begin);
  values_[index].size = static_cast<std::uint32_t>(values_.size() - index);
}

// Elements between commas, or statements on lines of their own: both become elements.
void ScriptReader::list() {
  separator('\n');
  while (!take(')')) {
    read_value({});
    blanks();
    const bool comma = take(',');
    const bool line_end = separator('\n');
    const bool closes = next_is(')');
    if (comma ? closes : !line_end && !closes) fail("no end of an element");
  }
}

void ScriptReader::table(std::size_t index) {
  separator(';');
  while (!take('}')) {
    const std::string_view key = this->key();
    for (std::size_t at = index + 1; at < values_.size(); at += values_[at].size) {
      if (values_[at].key == key) fail("a key twice");
    }
    blanks();
    need('=');
    blanks();
    read_value(key);
    const bool separated = separator(';');
    if (!separated && !next_is('}')) fail("no end of an entry");
  }
}

std::size_t ScriptReader::shared_list() {
  const std::string key = to_lower(string());
  need(']');
  const auto lists = variables_.find("addresses");
  if (lists == variables_.end()) fail("there is no $addresses yet");
  const ScriptValue& table = values_[lists->second];
  if (table.kind == ValueKind::table) {
    for (const ScriptValue& value : table) {
      if (value.key != key || value.kind != ValueKind::list) continue;
      return static_cast<std::size_t>(&value - values_.data());
    }
  }
  fail(fmt::format("there is no $addresses['{}']", key));
}

std::string_view ScriptReader::string() {
  need('\'');
  const std::string_view first = string_part();
  if (!next_is('\'')) return first;
  std::string& out = unquoted_.emplace_back(first);
  while (take('\'')) {
    out += '\'';
    out += string_part();
  }
  return out;
}

// Up to a quote, and without it.
std::string_view ScriptReader::string_part() {
  const std::size_t end = text_.find('\'', at_);
  const std::string_view out = text_.substr(at_, end - at_);
  if (end == std::string_view::npos || !printable_ascii_but<>(out)) {
    fail("a string that does not end, or that is not printable ASCII");
  }
  at_ = end + 1;
  return out;
}

std::string_view ScriptReader::word() {
  const std::string_view out =
      run([](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  if (out.empty()) fail("no plain value");
  return out;
}

std::string_view ScriptReader::key() {
  const std::string_view text = next_is('\'') ? string() : word();
  const auto known = keys_.find(text);
  return known != keys_.end() ? known->second : keys_.emplace(text, to_lower(text)).first->second;
}

bool ScriptReader::take(std::string_view text) {
  if (!text_.substr(at_).starts_with(text)) return false;
  at_ += text.size();
  return true;
}

bool ScriptReader::take(char c) {
  if (!next_is(c)) return false;
  ++at_;
  return true;
}

void ScriptReader::need(char c) {
  if (!take(c)) fail(fmt::format("no `{}`", c == '\n' ? "line end" : std::string_view(&c, 1)));
}

template <class Is>
std::string_view ScriptReader::run(Is is) {
  const std::string_view rest = text_.substr(at_);
  std::size_t size = 0;
  while (size < rest.size() && is(rest[size])) ++size;
  at_ += size;
  return rest.substr(0, size);
}

void ScriptReader::blanks() {
  run([](char c) { return c == ' '; });
}

bool ScriptReader::separator(char also) {
  bool any = false;
  for (blanks(); next_is('\n') || next_is(also); blanks()) {
    ++at_;
    any = true;
  }
  return any;
}

}  // namespace hcipol::backends::windows_firewall
