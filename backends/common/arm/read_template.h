// A template of Azure Resource Manager as the values that it comes to.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "backends/common/reading.h"

namespace hcipol::backends::arm {

using ReadJson = nlohmann::ordered_json;

/// The members of an object, each of which must be asked for: done() throws for the others.
class Members {
 public:
  Members(std::string_view file, std::string place, const ReadJson& object);

  const ReadJson& need(const char* key);
  const ReadJson* find(const char* key);
  /// A member that only people read; a text, or an object or array of texts.
  void skip_text(const char* key);
  void done() const;

  std::string_view file() const { return file_; }
  const std::string& place() const { return place_; }
  [[noreturn]] void fail(std::string_view what) const;

 private:
  std::string_view file_;
  std::string place_;
  const ReadJson& object_;
  std::size_t used_ = 0;
};

/// Parses one file; throws Unreadable for what is no JSON object and for keys that stand twice.
ReadJson parse_json(std::string_view file, const std::string& text);
/// The same for an array.
ReadJson parse_array(std::string_view file, const std::string& text);

/// Values of parameters and of the functions that templates use here: parameters(), resourceId(),
/// format('{0}/{1}'), resourceGroup().location. A resource id is "type|name/name".
class Values {
 public:
  /// Outside of templates, a text in brackets is a text.
  enum class Texts { evaluated, verbatim };
  explicit Values(std::string_view file, Texts texts = Texts::evaluated)
      : file_(file), texts_(texts) {}

  /// `defaults` of the template, `given` by the file of parameters. Both must say the same, so that
  /// the template means the same without that file.
  void read(const ReadJson& defaults, std::string_view given_file, const ReadJson& given);

  ReadJson value(const ReadJson& value) const;
  std::string text(const ReadJson& value) const;
  /// A list of texts, which is not empty.
  std::vector<std::string> texts(const ReadJson& value) const;
  bool has(std::string_view parameter) const { return values_.contains(parameter); }

 private:
  ReadJson expression(std::string_view text, std::size_t& at) const;
  ReadJson call(std::string_view name, const std::vector<ReadJson>& arguments,
                std::string_view text, std::size_t& at) const;
  [[noreturn]] void fail(std::string_view what) const;

  std::string_view file_;
  Texts texts_;
  std::map<std::string, ReadJson, std::less<>> values_;
};

}  // namespace hcipol::backends::arm
