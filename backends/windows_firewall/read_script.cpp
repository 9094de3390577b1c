// Any quote of Unicode would end a string, so a byte outside ASCII is refused and not interpreted.
#include "backends/windows_firewall/read_script.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/text.h"

namespace hcipol::backends::windows_firewall {

using ValueKind = ScriptValue::Kind;

ScriptTable::ScriptTable(std::string_view file, const ScriptValue& value)
    : file_(file), value_(value) {
  if (value.kind != ValueKind::table) fail("no table");
}

void ScriptTable::fail(std::string_view what) const {
  throw Unreadable(file_, value_.line, what);
}

const ScriptValue* ScriptTable::find(std::string_view key) {
  const auto found = std::find_if(value_.table.begin(), value_.table.end(),
                                  [&](const auto& entry) { return entry.first == key; });
  if (found == value_.table.end()) return nullptr;
  ++used_;
  return &found->second;
}

const std::string& ScriptTable::text(std::string_view key) {
  static const std::string none;
  const ScriptValue* found = find(key);
  if (found == nullptr) return none;
  if (found->kind != ValueKind::text) fail(fmt::format("`{}` is no string", key));
  return found->text;
}

std::vector<const std::string*> ScriptTable::texts(std::string_view key) {
  std::vector<const std::string*> out;
  const ScriptValue* found = find(key);
  if (found == nullptr) return out;
  if (found->kind != ValueKind::list) fail(fmt::format("`{}` is no list", key));
  for (const ScriptValue& element : found->elements()) {
    if (element.kind != ValueKind::text) fail(fmt::format("`{}` is no list of strings", key));
    out.push_back(&element.text);
  }
  // Cmdlets take an empty list for no condition at all.
  if (out.empty()) fail(fmt::format("`{}` is empty", key));
  return out;
}

void ScriptTable::done() const {
  if (used_ != value_.table.size()) fail("an entry that is not known here");
}

ScriptReader::ScriptReader(std::string_view file, std::string_view text, std::string_view head,
                           std::string_view engine)
    : file_(file), text_(text) {
  comments();
  if (!take(head)) fail("the head is another one");
  if (!text_.ends_with(engine)) fail("the engine is another one");
  text_.remove_suffix(engine.size());
  while (true) {
    separator('\n');
    if (at_ == text_.size()) return;
    assignment();
  }
}

const ScriptValue* ScriptReader::value(std::string_view name, bool may_lack) const {
  const auto found = values_.find(name);
  if (found != values_.end()) return &found->second;
  if (!may_lack) fail(fmt::format("there is no ${}", name));
  return nullptr;
}

void ScriptReader::fail(std::string_view what) const {
  throw Unreadable(file_, line(), what);
}

// Counts from where it stopped the last time: places are asked for in order.
std::size_t ScriptReader::line() const {
  const auto more = text_.substr(counted_, at_ - counted_);
  line_ += static_cast<std::size_t>(std::count(more.begin(), more.end(), '\n'));
  counted_ = at_;
  return line_;
}

// "# …" lines up to the first empty one. A block comment or a #Requires would start otherwise.
void ScriptReader::comments() {
  while (!take("\n")) {
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
  need("$");
  std::string name = to_lower(word());
  blanks();
  need("=");
  blanks();
  ScriptValue value = read_value();
  need("\n");
  if (!values_.emplace(std::move(name), std::move(value)).second) fail("a variable twice");
}

ScriptValue ScriptReader::read_value() {
  ScriptValue out;
  const std::size_t line = this->line();
  if (take("@(")) {
    out = list();
  } else if (take("@{")) {
    out = table();
    out.line = line;
  } else if (take("$addresses[")) {
    out = shared_list();
  } else {
    out.text = string();
  }
  return out;
}

// Elements between commas, or statements on lines of their own: both become elements.
ScriptValue ScriptReader::list() {
  ScriptValue out;
  out.kind = ValueKind::list;
  separator('\n');
  while (!take(")")) {
    out.list.push_back(read_value());
    blanks();
    const bool comma = take(",");
    blanks();
    const bool line_end = separator('\n');
    const bool closes = at_ < text_.size() && text_[at_] == ')';
    if (comma ? closes : !line_end && !closes) fail("no end of an element");
  }
  return out;
}

ScriptValue ScriptReader::table() {
  ScriptValue out;
  out.kind = ValueKind::table;
  out.table.reserve(entries_);
  separator(';');
  while (!take("}")) {
    const bool quoted = at_ < text_.size() && text_[at_] == '\'';
    std::string key = to_lower(quoted ? string() : std::string(word()));
    const bool twice = std::any_of(out.table.begin(), out.table.end(),
                                   [&](const auto& entry) { return entry.first == key; });
    if (twice) fail("a key twice");
    blanks();
    need("=");
    blanks();
    out.table.emplace_back(std::move(key), read_value());
    const bool separated = separator(';');
    const bool closes = at_ < text_.size() && text_[at_] == '}';
    if (!separated && !closes) fail("no end of an entry");
  }
  entries_ = out.table.size();
  return out;
}

ScriptValue ScriptReader::shared_list() {
  const std::string key = to_lower(string());
  need("]");
  const auto lists = values_.find("addresses");
  if (lists == values_.end()) fail("there is no $addresses yet");
  for (const auto& [name, value] : lists->second.table) {
    if (name != key || value.kind != ValueKind::list) continue;
    ScriptValue out;
    out.kind = ValueKind::list;
    out.shared = &value.list;
    return out;
  }
  fail(fmt::format("there is no $addresses['{}']", key));
}

std::string ScriptReader::string() {
  need("'");
  std::string out;
  for (std::size_t end = at_; end < text_.size(); ++end) {
    const char c = text_[end];
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) {
      at_ = end;
      break;
    }
    if (c != '\'') continue;
    out.append(text_, at_, end - at_);
    at_ = end + 1;
    if (!take("'")) return out;
    out += '\'';
    end = at_ - 1;
  }
  fail("a string that does not end, or that is not printable ASCII");
}

std::string_view ScriptReader::word() {
  const std::size_t begin = at_;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  while (at_ < text_.size() && letter(text_[at_])) ++at_;
  if (at_ == begin) fail("no plain value");
  return text_.substr(begin, at_ - begin);
}

bool ScriptReader::take(std::string_view text) {
  if (!text_.substr(at_).starts_with(text)) return false;
  at_ += text.size();
  return true;
}

void ScriptReader::need(std::string_view text) {
  if (!take(text)) fail(fmt::format("no `{}`", text == "\n" ? "line end" : text));
}

void ScriptReader::blanks() {
  while (take(" ")) {
  }
}

bool ScriptReader::separator(char also) {
  bool any = false;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c != ' ' && c != '\n' && c != also) break;
    any = any || c != ' ';
    ++at_;
  }
  return any;
}

}  // namespace hcipol::backends::windows_firewall
