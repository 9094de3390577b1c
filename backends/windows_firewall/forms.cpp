// Appended and not formatted: there are ten thousand of them in a large policy.
#include "backends/windows_firewall/forms.h"

#include <utility>

#include "backends/common/text.h"
#include "backends/windows_firewall/peers.h"
#include "backends/windows_firewall/rule_texts.h"
#include "support/hash.h"

namespace hcipol::backends::windows_firewall {

namespace {

void put_line(std::string& out, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    if (&text != &texts.front()) out += ',';
    out += text;
  }
  out += '\n';
}

}  // namespace

std::size_t ShapeHash::operator()(const Shape& shape) const {
  std::uint64_t hash = shape.inbound;
  for (const void* part :
       {static_cast<const void*>(shape.source), static_cast<const void*>(shape.match),
        static_cast<const void*>(shape.peers), static_cast<const void*>(shape.remote)}) {
    mix(hash, reinterpret_cast<std::uintptr_t>(part));
  }
  return static_cast<std::size_t>(hash);
}

const Form& Forms::of(const Shape& shape, std::vector<std::string> keyword_ids) {
  const auto [place, fresh] = document_.forms.try_emplace(shape);
  Form& form = place->second;
  if (!fresh) return form;
  form.shape = &place->first;
  form.number = document_.forms.size() - 1;
  form.texts = &texts(*shape.source);
  form.keyword_ids = std::move(keyword_ids);
  form.display_name = display_name(form);
  set_content(form);
  return form;
}

const Texts& Forms::texts(const policy::Rule& rule) {
  const auto [place, fresh] = document_.texts.try_emplace(&rule);
  if (fresh) place->second = rule_texts(rule, document_);
  return place->second;
}

// One field a line.
void Forms::set_content(Form& form) {
  const Shape& shape = *form.shape;
  content_.clear();
  put(content_, shape.inbound ? "in\n" : "out\n", shape.block ? "block\n" : "\n");
  put(content_, shape.match->protocol, "\n");
  put_line(content_, shape.match->ports);
  put_line(content_, shape.match->icmp_types);
  form.before = content_.size();
  put(content_, shape.remote == nullptr ? "any" : std::string_view(shape.remote->hash), "\n");
  put_line(content_, form.keyword_ids);
  put(content_, form.texts->hash, "\n", shape.peers->shown, "\n", shape.by, "\n", shape.family,
      "\n", shape.at == nullptr ? "\n" : "some\n");
  if (shape.remote != nullptr) put(content_, shape.remote->place, "\n");
  form.content = content_;
}

void Forms::content(std::string& out, std::string_view id, const Form& form,
                    const AddressList& local) {
  const std::string_view text = form.content;
  out.clear();
  put(out, id, "\n", text.substr(0, form.before), local.hash, "\n", text.substr(form.before));
}

}  // namespace hcipol::backends::windows_firewall
