// Which words there are, and what may stand behind each, is from the schema of PAN-OS 10.0 and from
// what devices print with `set cli config-output-format set`.
#include "backends/palo_alto/read_set.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "backends/common/read_text.h"
#include "backends/palo_alto/read_characters.h"

namespace hcipol::backends::palo_alto {

namespace {

/// What stands behind a word: the name of an entry and then its words; other words at once; one
/// value; one value or several in brackets; nothing.
struct Shape {
  enum class Kind { section, container, leaf, list, nothing };

  const char* word;
  Kind kind;
  std::vector<Shape> inner;
};
using Kind = Shape::Kind;

std::vector<Shape> leaves(std::initializer_list<const char*> words) {
  std::vector<Shape> out;
  for (const char* word : words) out.push_back({word, Kind::leaf, {}});
  return out;
}

std::vector<Shape> with(std::vector<Shape> shapes, std::initializer_list<Shape> more) {
  shapes.insert(shapes.end(), more.begin(), more.end());
  return shapes;
}

Shape list(const char* word) {
  return {word, Kind::list, {}};
}
Shape container(const char* word, std::vector<Shape> inner) {
  return {word, Kind::container, std::move(inner)};
}
Shape section(const char* word, std::vector<Shape> inner) {
  return {word, Kind::section, std::move(inner)};
}

Shape rulebase(const char* word) {
  std::vector<Shape> rule = leaves({"schedule", "description", "group-tag", "action", "rule-type",
                                    "log-setting", "log-start", "log-end"});
  for (const char* name : {"from", "to", "source", "source-user", "destination", "service",
                           "category", "application", "tag"}) {
    rule.push_back(list(name));
  }
  rule.push_back(container("profile-setting", {list("group")}));
  return container(word, {container("security", {section("rules", std::move(rule))})});
}

/// In an order in which nothing is used before it is there.
const std::vector<Shape>& places() {
  static const std::vector<Shape> all{
      section("tag", leaves({"color", "comments"})),
      section("address", with(leaves({"ip-netmask", "ip-range", "fqdn"}), {list("tag")})),
      section("address-group", with(leaves({"description"}), {list("static"), list("tag")})),
      section(
          "application",
          with(leaves({"category", "subcategory", "technology", "risk"}),
               {container("default", with(leaves({"ident-by-ip-protocol"}),
                                          {container("ident-by-icmp-type", leaves({"type"})),
                                           container("ident-by-icmp6-type", leaves({"type"}))}))})),
      section("service", {container("protocol", {container("tcp", leaves({"port"})),
                                                 container("udp", leaves({"port"}))}),
                          list("tag")}),
      section(
          "external-list",
          {container(
              "type",
              {container("ip", with(leaves({"url", "certificate-profile"}),
                                    {container("recurring", {{"hourly", Kind::nothing, {}}})}))})}),
      section("schedule", {container("schedule-type", {list("non-recurring")})}),
      container("profiles", {section("custom-url-category",
                                     with(leaves({"description", "type"}), {list("list")}))}),
      rulebase("rulebase"),
      rulebase("pre-rulebase"),
      rulebase("post-rulebase"),
  };
  return all;
}

class SetReader {
 public:
  SetReader(std::string_view file, std::string_view vsys, pugi::xml_node config)
      : file_(file), vsys_(vsys), shared_(config.append_child("shared")) {
    host_ = config.append_child("devices").append_child("entry");
    host_.append_attribute("name").set_value("localhost.localdomain");
  }

  void read(std::string_view line, std::size_t number) {
    line_ = number;
    command_words(file_, number, line, words_);
    at_ = 0;
    if (next() != "set") fail("no `set` command");
    const pugi::xml_node base = place();
    const auto known = shape(places(), next());
    const auto rank = static_cast<std::size_t>(known - places().data());
    if (rank < rank_) fail("what is used before it is there");
    rank_ = rank;
    descend(base, *known);
    if (at_ != words_.size()) fail("words too many");
  }

 private:
  std::string_view next() {
    if (at_ == words_.size()) fail("too few words");
    return words_[at_++];
  }

  pugi::xml_node place() {
    const std::string_view word = next();
    if (word == "shared") return shared_;
    if (word == "device-group") return named("device-group", next());
    if (word == "vsys") {
      if (next() != vsys_) fail("another virtual system");
      return named("vsys", vsys_);
    }
    if (!vsys_.empty()) fail("no virtual system");
    --at_;
    return named("vsys", "vsys1");
  }
  pugi::xml_node named(const char* kind, std::string_view name) {
    pugi::xml_node section = host_.child(kind);
    if (!section) section = host_.append_child(kind);
    return entry(section, name);
  }

  pugi::xml_node entry(pugi::xml_node section, std::string_view name) {
    const auto [known, fresh] =
        entries_.try_emplace(std::to_string(section.hash_value()) + ' ' + std::string(name));
    if (fresh) {
      known->second = section.append_child("entry");
      known->second.append_attribute("name").set_value(std::string(name).c_str());
    }
    return known->second;
  }

  const Shape* shape(const std::vector<Shape>& shapes, std::string_view word) const {
    const auto found = std::find_if(shapes.begin(), shapes.end(),
                                    [&](const Shape& each) { return word == each.word; });
    if (found == shapes.end()) fail("an unknown word " + quoted(word));
    return &*found;
  }

  void descend(pugi::xml_node parent, const Shape& shape) {
    pugi::xml_node node = parent.child(shape.word);
    const bool known = !node.empty();
    if (!known) node = parent.append_child(shape.word);
    switch (shape.kind) {
      case Kind::section: node = entry(node, next()); [[fallthrough]];
      case Kind::container: descend(node, *this->shape(shape.inner, next())); return;
      case Kind::nothing: return;
      case Kind::leaf:
        if (known) fail("a value that is set twice");
        node.append_child(pugi::node_pcdata).set_value(std::string(next()).c_str());
        return;
      case Kind::list: members(node); return;
    }
  }

  void members(pugi::xml_node list) {
    const auto add = [&](std::string_view word) {
      list.append_child("member")
          .append_child(pugi::node_pcdata)
          .set_value(std::string(word).c_str());
    };
    if (const std::string_view first = next(); first != "[") return add(first);
    if (at_ + 1 >= words_.size() || words_.back() != "]") fail("no list");
    while (at_ + 1 < words_.size()) add(next());
    ++at_;
  }

  [[noreturn]] void fail(std::string_view what) const { throw Unreadable(file_, line_, what); }

  std::string_view file_;
  std::string vsys_;
  pugi::xml_node shared_;
  pugi::xml_node host_;
  std::size_t line_ = 0;
  std::size_t rank_ = 0;
  std::size_t at_ = 0;
  std::vector<std::string_view> words_;
  std::unordered_map<std::string, pugi::xml_node> entries_;
};

}  // namespace

void command_words(std::string_view file, std::size_t line, std::string_view text,
                   std::vector<std::string_view>& out) {
  static constexpr Characters of_terminal("?\\|"), ends_of_word(" \"'");
  if (of_terminal.has_any(text)) {
    throw Unreadable(file, line, "a character that the command line takes for itself");
  }
  out.clear();
  while (true) {
    std::size_t end = 0;
    if (text.starts_with('"')) {
      end = text.find('"', 1);
      if (end == std::string_view::npos) throw Unreadable(file, line, "an open quotation");
      out.push_back(text.substr(1, end - 1));
      ++end;
    } else {
      end = ends_of_word.first_in(text);
      if (end == 0 || (end < text.size() && text[end] != ' ')) {
        throw Unreadable(file, line, "no word");
      }
      out.push_back(text.substr(0, end));
    }
    if (end == text.size()) return;
    if (text[end] != ' ') throw Unreadable(file, line, "no blank behind a quotation");
    text.remove_prefix(end + 1);
  }
}

void read_set(std::string_view file, std::string_view text, std::string_view vsys,
              pugi::xml_document& tree) {
  SetReader reader(file, vsys, tree.append_child("config"));
  for_each_line(file, text,
                [&](std::string_view line, std::size_t number) { reader.read(line, number); });
}

}  // namespace hcipol::backends::palo_alto
