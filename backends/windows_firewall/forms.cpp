// Appended and not formatted: there are ten thousand of them in a large policy.
#include "backends/windows_firewall/forms.h"

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

std::size_t Forms::ShapeHash::operator()(const Shape& shape) const {
  std::uint64_t hash = shape.inbound;
  for (const void* part :
       {static_cast<const void*>(shape.source), static_cast<const void*>(shape.match),
        static_cast<const void*>(shape.peers), static_cast<const void*>(shape.remote)}) {
    mix(hash, reinterpret_cast<std::uintptr_t>(part));
  }
  return static_cast<std::size_t>(hash);
}

void Forms::reserve(std::size_t forms) {
  made_.reserve(forms);
  contents_.reserve(forms * 100);
  document_.texts.reserve(forms);
}

void Forms::start_script() {
  before_ = document_.forms.size();
  next_ = 0;
}

const Form& Forms::of(const Shape& shape, const Origin& origin,
                      std::span<const std::string> keyword_ids) {
  if (const Form* form = known(shape)) return *form;
  Form& form = document_.forms.emplace_back();
  form.shape = shape;
  form.number = made_.size();
  form.texts = &texts(*shape.source);
  form.keyword_ids.assign(keyword_ids.begin(), keyword_ids.end());
  form.display_name = display_name(form);
  Made& made = made_.emplace_back();
  made.origin = origin;
  add_content(form, made);
  return form;
}

// Another server's flows are in the same order, so the index is seldom needed, and never of the
// first server's forms alone.
const Form* Forms::known(const Shape& shape) {
  const std::deque<Form>& forms = document_.forms;
  if (next_ < before_ && forms[next_].shape == shape) return &forms[next_++];
  for (; indexed_ < before_; ++indexed_) index_.emplace(forms[indexed_].shape, indexed_);
  const auto found = index_.find(shape);
  if (found == index_.end()) return nullptr;
  next_ = found->second + 1;
  return &forms[found->second];
}

const Form* Forms::next_like(const flow::Flow& flow, bool inbound) const {
  if (next_ >= before_) return nullptr;
  const Form& form = document_.forms[next_];
  const flow::Flow& other = *origin(form).flow;
  const bool alike = form.shape.inbound == inbound && other.rule == flow.rule &&
                     other.kind == flow.kind && other.service == flow.service &&
                     (inbound ? other.from == flow.from : other.to == flow.to);
  return alike ? &form : nullptr;
}

const Texts& Forms::texts(const policy::Rule& rule) {
  const auto [place, fresh] = document_.texts.try_emplace(&rule);
  if (fresh) set_texts(place->second, rule, document_);
  return place->second;
}

// One field a line.
void Forms::add_content(const Form& form, Made& made) {
  const Shape& shape = form.shape;
  std::string& out = contents_;
  made.begin = out.size();
  put(out, shape.inbound ? "in\n" : "out\n", shape.block ? "block\n" : "\n");
  put(out, shape.match->protocol, "\n");
  put_line(out, shape.match->ports);
  put_line(out, shape.match->icmp_types);
  made.middle = out.size();
  put(out, shape.remote == nullptr ? "any" : std::string_view(shape.remote->hash), "\n");
  put_line(out, form.keyword_ids);
  put(out, form.texts->hash, "\n", shape.peers->shown, "\n", shape.by, "\n", shape.family, "\n",
      shape.at == nullptr ? "\n" : "some\n");
  if (shape.remote != nullptr) put(out, shape.remote->place, "\n");
  made.end = out.size();
}

void Forms::content(std::string& out, std::string_view id, const Form& form,
                    const AddressList& local) const {
  const Made& made = made_[form.number];
  const std::string_view all = contents_;
  out.clear();
  put(out, id, "\n", all.substr(made.begin, made.middle - made.begin), local.hash, "\n",
      all.substr(made.middle, made.end - made.middle));
}

}  // namespace hcipol::backends::windows_firewall
