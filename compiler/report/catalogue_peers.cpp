// Lists and conditions are taken apart as far as each part means something by itself.
#include "report/catalogue_peers.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/domain_set.h"
#include "sema/walk.h"

namespace hcipol::report {

namespace {

using sema::DeclarationKind;

/// `fqdn` and `tag`: a text, a list, or either by cloud.
class TextReader {
 public:
  std::vector<CatalogueHost> texts;
  bool missing = false;

  void add(const syntax::Expr& expression, const Foreseen& foreseen, const Condition& when) {
    if (const auto* list = std::get_if<syntax::List>(&expression.node)) {
      for (const auto& element : list->elements) add(*element, foreseen, when);
    } else if (const auto* clouds = std::get_if<syntax::Object>(&expression.node)) {
      const auto own = std::find_if(clouds->entries.begin(), clouds->entries.end(),
                                    [&](const auto& e) { return e.key == foreseen.cloud(); });
      if (own != clouds->entries.end()) {
        add(*own->value, foreseen, when);
      } else {
        lack(when);
      }
    } else if (const auto* either = std::get_if<syntax::Conditional>(&expression.node)) {
      const Truth yes = foreseen.truth(*either->test);
      const Truth no = foreseen.truth(*either->test, true);
      if (yes.decided != false) add(*either->then, foreseen, both(when, yes.rest));
      if (no.decided != false) add(*either->otherwise, foreseen, both(when, no.rest));
    } else if (const syntax::Expr* behind = foreseen.local(expression)) {
      add(*behind, foreseen, when);
    } else if (foreseen.lacking(expression)) {
      lack(when);
    } else if (const auto value = foreseen.value(expression)) {
      add(*value, foreseen.cloud(), when);
    } else if (const auto regional = foreseen.texts_by_region(expression)) {
      for (const auto& [text, condition] : *regional) {
        texts.push_back({text, true, both(when, condition)});
      }
    } else if (const auto* loop = std::get_if<syntax::For>(&expression.node);
               loop != nullptr && loop->second.empty() && loop->test == nullptr) {
      add_each(*loop, foreseen, when);
    } else {
      texts.push_back({foreseen.text(expression), false, when});
    }
  }

 private:
  void lack(const Condition& when) { missing = missing || when.always(); }

  // "[for w in param.ids : "${w}.example"]" is "${each of param.ids}.example".
  void add_each(const syntax::For& loop, const Foreseen& foreseen, const Condition& when) {
    std::string text = foreseen.text(*loop.value);
    const std::string name = fmt::format("${{{}}}", loop.first);
    const std::string each = fmt::format("${{each of {}}}", foreseen.written(*loop.in));
    for (std::size_t at = text.find(name); at != text.npos;
         at = text.find(name, at + each.size())) {
      text.replace(at, name.size(), each);
    }
    texts.push_back({text, false, when});
  }

  void add(const sema::Value& value, std::string_view cloud, const Condition& when) {
    if (const auto* text = value.as<std::string>()) {
      const auto pattern = net::parse_pattern(*text);
      texts.push_back({pattern ? net::to_string(*pattern) : *text, true, when});
    } else if (const auto* list = value.as<sema::List>()) {
      for (const sema::Value& element : *list) add(element, cloud, when);
    } else if (const auto* clouds = value.as<sema::Map>()) {
      const auto own = clouds->find(cloud);
      if (own == clouds->end()) lack(when);
      if (own != clouds->end()) add(own->second, cloud, when);
    }
  }
};

std::string text_of(const syntax::Block& block, std::string_view name, const Foreseen& foreseen) {
  const auto* attribute = sema::find_attribute(block.items, name);
  return attribute == nullptr ? "" : foreseen.text(*attribute->value);
}

void add_addresses(const syntax::Expr& expression, const Foreseen& foreseen,
                   std::vector<std::string>& out) {
  if (const auto* list = std::get_if<syntax::List>(&expression.node)) {
    for (const auto& element : list->elements) add_addresses(*element, foreseen, out);
  } else {
    out.push_back(foreseen.written(expression));
  }
}

bool is_set(std::string_view name) {
  return name == "servers" || name == "any" || name == "internet" || name == "private";
}

}  // namespace

sema::Declared declared_peer(DeclarationKind kind, std::string_view name,
                             const sema::Scope& scope) {
  if (kind == DeclarationKind::endpoint && scope.feature != nullptr) {
    const auto own = scope.feature->endpoints.find(name);
    if (own != scope.feature->endpoints.end()) return {own->second, scope.module};
  }
  const auto found = sema::lookup(*scope.module, kind, name);
  return found.size() == 1 ? found.front() : sema::Declared{};
}

std::string peer_name(const syntax::Expr& expression, const sema::Module& module) {
  if (const auto* name = std::get_if<syntax::Name>(&expression.node))
    return std::string(name->text);
  const auto* member = std::get_if<syntax::Member>(&expression.node);
  if (member == nullptr) return "";
  const auto* of = std::get_if<syntax::Name>(&member->of->node);
  if (of == nullptr || sema::find_use(module, of->text) == nullptr) return "";
  return std::string(of->text) + "/" + std::string(member->name);
}

std::vector<CataloguePeer> PeerReader::read(const syntax::Expr& expression) {
  std::vector<CataloguePeer> out;
  add(expression, foreseen_, {}, out);
  return out;
}

void PeerReader::add(const syntax::Expr& expression, const Foreseen& foreseen,
                     const Condition& when, std::vector<CataloguePeer>& out) {
  const std::string written = foreseen.written(expression);
  const auto make = [&](const char* kind, std::string name) -> CataloguePeer& {
    CataloguePeer& peer = out.emplace_back();
    peer.kind = kind;
    peer.name = std::move(name);
    peer.when = when;
    return peer;
  };
  const std::string name = peer_name(expression, *foreseen.scope().module);
  if (!name.empty() && add_declared(name, written, foreseen, when, out)) return;
  if (is_set(written)) {
    make("set", written);
  } else if (const auto* list = std::get_if<syntax::List>(&expression.node)) {
    for (const auto& element : list->elements) add(*element, foreseen, when, out);
  } else if (const auto* either = std::get_if<syntax::Conditional>(&expression.node)) {
    const Truth yes = foreseen.truth(*either->test);
    const Truth no = foreseen.truth(*either->test, true);
    if (yes.decided != false) add(*either->then, foreseen, both(when, yes.rest), out);
    if (no.decided != false) add(*either->otherwise, foreseen, both(when, no.rest), out);
  } else if (std::holds_alternative<syntax::Template>(expression.node)) {
    TextReader reader;
    reader.add(expression, foreseen, {});
    make("host", reader.texts.front().text).hosts = reader.texts;
  } else if (std::holds_alternative<syntax::Literal>(expression.node)) {
    make("address", written).addresses = {written};
  } else if (const syntax::Expr* behind = foreseen.local(expression)) {
    add(*behind, foreseen, when, out);
  } else {
    if (names_missing(expression, foreseen)) missing_ = missing_ || when.always();
    make("expression", written);
  }
}

// Set operations take endpoints apart no further than by their names.
bool PeerReader::names_missing(const syntax::Expr& expression, const Foreseen& foreseen) const {
  bool out = false;
  const auto visit = [&](const syntax::Expr& part) {
    const sema::Scope& scope = foreseen.scope();
    const std::string name = peer_name(part, *scope.module);
    if (name.empty()) return;
    const auto found = declared_peer(DeclarationKind::endpoint, name, scope);
    const bool own = scope.feature != nullptr && scope.feature->endpoints.contains(name);
    out = out || (found && !endpoint(found, own, foreseen));
  };
  sema::walk(expression, visit);
  return out;
}

bool PeerReader::add_declared(std::string_view name, std::string_view written,
                              const Foreseen& foreseen, const Condition& when,
                              std::vector<CataloguePeer>& out) {
  const sema::Scope& scope = foreseen.scope();
  if (const auto role = declared_peer(DeclarationKind::role, name, scope)) {
    CataloguePeer peer;
    peer.kind = "role";
    peer.title = text_of(*role.block, "title", foreseen.in(*role.module, nullptr));
    out.push_back(std::move(peer));
  } else if (const auto found = declared_peer(DeclarationKind::endpoint, name, scope)) {
    const bool own = scope.feature != nullptr && scope.feature->endpoints.contains(name);
    auto peer = endpoint(found, own, foreseen);
    if (!peer) {
      missing_ = missing_ || when.always();
      return true;
    }
    out.push_back(*std::move(peer));
  } else {
    return false;
  }
  out.back().name = written;
  out.back().when = when;
  return true;
}

// Nothing if it says nothing for this cloud.
std::optional<CataloguePeer> PeerReader::endpoint(const sema::Declared& declared, bool of_feature,
                                                  const Foreseen& foreseen) const {
  const Foreseen inside =
      foreseen.in(*declared.module, of_feature ? foreseen.scope().feature : nullptr);
  const syntax::Block& block = *declared.block;
  CataloguePeer peer;
  peer.kind = "endpoint";
  peer.title = text_of(block, "title", inside);
  if (const auto* fqdn = sema::find_attribute(block.items, "fqdn")) {
    TextReader reader;
    reader.add(*fqdn->value, inside, {});
    if (reader.missing) return std::nullopt;
    peer.hosts = std::move(reader.texts);
  }
  if (const auto* address = sema::find_attribute(block.items, "address")) {
    add_addresses(*address->value, inside, peer.addresses);
  }
  peer.tag = text_of(block, "tag", inside);
  peer.tag_basis = text_of(block, "tag_basis", inside);
  return peer;
}

}  // namespace hcipol::report
