// Only the tables differ between scripts, so a reviewer reads the engine once.
#include "backends/windows_firewall/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "backends/common/text.h"
#include "backends/windows_firewall/script_text.h"
#include "support/bug.h"
#include "windows_firewall_script.h"

namespace hcipol::backends::windows_firewall {

namespace {

std::string_view fixed_part(std::string_view name) {
  for (const EmbeddedFile& file : windows_firewall_script()) {
    if (file.path == name) return file.text;
  }
  bug("a fixed part of the Windows Firewall script is not embedded");
}

/// Where something stands that was printed before, and is not printed anew.
struct Passage {
  std::size_t script = 0;
  std::size_t begin = 0;
  std::size_t size = 0;  ///< 0 before it is printed
};

class Printer {
 public:
  explicit Printer(Document document)
      : document_(std::move(document)), passages_(document_.forms.size()) {}
  std::vector<Artefact> print();

 private:
  Artefact print(Script& script);
  static std::size_t size_of(const Script& script);
  void intro(const Script& script);
  void constants(const Script& script);
  void proxy();
  void builtins(const Script& script);
  void address_lists(const Script& script);
  void keywords(const Script& script);
  void rules(const Script& script);
  void rule(const Rule& rule);
  void before_local(const Form& form);
  void after_local(const Form& form);
  /// What `write` prints, which is the same each time.
  template <class Write>
  void once(Passage& known, const Write& write);
  /// `start` ends with the quote that opens the value.
  void field(std::string_view start, std::string_view value);
  void entries(const AddressList& list);
  void texts(std::string_view start, const std::vector<std::string>& values);
  void addresses(std::string_view start, const AddressList* list);

  Document document_;
  /// By number of the form: what precedes the server's own addresses, and what follows them.
  std::vector<std::pair<Passage, Passage>> passages_;
  std::unordered_map<const AddressList*, Passage> locals_;
  std::vector<Artefact> artefacts_;
  std::string out_;  ///< the script at hand
};

std::vector<Artefact> Printer::print() {
  for (Script& script : document_.scripts) artefacts_.push_back(print(script));
  return std::move(artefacts_);
}

Artefact Printer::print(Script& script) {
  out_.clear();
  out_.reserve(size_of(script));
  intro(script);
  out_ += fixed_part("head.ps1");
  constants(script);
  proxy();
  builtins(script);
  address_lists(script);
  keywords(script);
  rules(script);
  out_ += '\n';
  for (const std::string_view part : engine_parts) out_ += fixed_part(part);
  Artefact artefact{script.file, std::move(out_), {}, script.node};
  artefact.rules.reserve(script.rules.size() + script.builtins.size());
  for (const BuiltinUse& use : script.builtins) {
    artefact.rules.push_back({std::string(use.builtin->name), use.source});
  }
  for (Rule& rule : script.rules) {
    artefact.rules.push_back({std::move(rule.name), rule.form->shape.source});
  }
  return artefact;
}

// About: long lists are left out.
std::size_t Printer::size_of(const Script& script) {
  std::size_t size = 10'000 + fixed_part("head.ps1").size();
  for (const std::string_view part : engine_parts) size += fixed_part(part).size();
  for (const Rule& rule : script.rules) {
    const Form& form = *rule.form;
    size += 400 + rule.name.size() + form.display_name.size() + form.texts->description.size();
  }
  return size;
}

void Printer::intro(const Script& script) {
  out_ += fmt::format("# Windows Firewall rules of server {}, cluster {}, made by hcipolc.\n",
                      script.server, document_.cluster);
  if (!document_.policy.empty()) out_ += fmt::format("# Policy: {}\n", document_.policy);
  if (!script.left_out.empty()) {
    out_ += "# Not in this script, because Windows rules match addresses, not host names:\n";
    for (const std::string& text : script.left_out) out_ += fmt::format("#   {}\n", text);
  }
  const bool resolves =
      std::any_of(script.keywords.begin(), script.keywords.end(),
                  [](const Keyword& keyword) { return keyword.addresses == nullptr; });
  if (resolves) {
    out_ +=
        "# Rules by host name need Windows Server 2022 or Azure Stack HCI 21H2, Defender "
        "Antivirus\n"
        "# 4.18.2209.7 with network protection on (Set-MpPreference -EnableNetworkProtection\n"
        "# Enabled -AllowNetworkProtectionOnWinServer $true), no proxy and no DNS over HTTPS.\n";
  }
  out_ += '\n';
}

void Printer::constants(const Script& script) {
  out_ += "$policy = @{\n";
  field("    Server     = '", script.server);
  field("    Group      = '", document_.group);
  field("    NamePrefix = '", document_.name_prefix);
  field("    Profile    = '", document_.profile);
  field("    Outbound   = '", document_.lock_down ? "Block" : "Unchanged");
  out_ += "    Address    = @(\n";
  if (script.addresses != nullptr) entries(*script.addresses);
  out_ += "    )\n}\n";
}

void Printer::proxy() {
  using Mode = ProxySettings::Mode;
  const ProxySettings& proxy = document_.proxy;
  const auto list = [&](std::string_view start, const std::vector<std::string>& values) {
    out_ += start;
    for (const std::string& value : values) field("        '", value);
    out_ += "    )\n";
  };
  out_ += "\n$proxy = @{\n";
  if (proxy.mode != Mode::set) {
    field("    Settings = '", proxy.mode == Mode::none ? "None" : "Ignored");
  } else {
    field("    Settings          = '", "Set");
    field("    Server            = '", proxy.server);
    list("    WindowsBypass     = @(\n", proxy.windows_bypass);
    list("    EnvironmentBypass = @(\n", proxy.environment_bypass);
    list("    ArcBypass         = @(\n", proxy.arc_bypass);
  }
  out_ += "}\n";
}

// Rules of the policy that share one of Windows' own name it once.
void Printer::builtins(const Script& script) {
  out_ += "\n$builtin = @(\n";
  const BuiltinRule* before = nullptr;
  for (const BuiltinUse& use : script.builtins) {
    const BuiltinRule& rule = *use.builtin;
    if (std::exchange(before, &rule) == &rule) continue;
    out_ += "    @{ Name = ";
    append_quoted(out_, rule.name);
    out_ += "; Protocol = ";
    append_quoted(out_, rule.protocol);
    out_ += rule.protocol.starts_with("ICMP") ? "; IcmpType = @(" : "; LocalPort = @(";
    append_quoted(out_, rule.detail);
    out_ += ") }\n";
  }
  out_ += ")\n";
}

void Printer::address_lists(const Script& script) {
  std::map<std::string_view, const AddressList*> shared;
  for (const Keyword& keyword : script.keywords) {
    if (keyword.addresses != nullptr) shared.emplace(keyword.addresses->key, keyword.addresses);
  }
  for (const Rule& rule : script.rules) {
    for (const AddressList* list : {rule.local, rule.form->shape.remote}) {
      if (list != nullptr && !list->key.empty()) shared.emplace(list->key, list);
    }
  }
  // PSScriptAnalyzer warns about a variable that nothing uses.
  if (shared.empty()) return;
  out_ += "\n$addresses = @{\n";
  for (const auto& [key, list] : shared) {
    out_ += "    ";
    append_quoted(out_, key);
    out_ += " = @(\n";
    entries(*list);
    out_ += "    )\n";
  }
  out_ += "}\n";
}

void Printer::keywords(const Script& script) {
  out_ += "\n$keywords = @(\n";
  for (const Keyword& keyword : script.keywords) {
    if (keyword.addresses == nullptr) {
      out_ += "    @{ Id = ";
      append_quoted(out_, keyword.id);
      out_ += "; Keyword = ";
      append_quoted(out_, keyword.name);
      out_ += " }\n";
      continue;
    }
    out_ += "    @{\n";
    field("        Id        = '", keyword.id);
    field("        Keyword   = '", keyword.name);
    addresses("        Addresses = ", keyword.addresses);
    out_ += "    }\n";
  }
  out_ += ")\n";
}

void Printer::rules(const Script& script) {
  out_ += "\n$rules = @(\n";
  for (const Rule& each : script.rules) rule(each);
  out_ += ")\n";
}

void Printer::rule(const Rule& rule) {
  field("    @{\n        Name          = '", rule.name);
  const Form& form = *rule.form;
  auto& [before, after] = passages_[form.number];
  once(before, [&] { before_local(form); });
  once(locals_[rule.local], [&] { addresses("        LocalAddress  = ", rule.local); });
  once(after, [&] { after_local(form); });
}

void Printer::before_local(const Form& form) {
  const Shape& shape = form.shape;
  field("        DisplayName   = '", form.display_name);
  field("        Description   = '", form.texts->description);
  put(out_,
      shape.inbound ? "        Direction     = 'Inbound'\n"
                    : "        Direction     = 'Outbound'\n",
      shape.block ? "        Action        = 'Block'\n" : "        Action        = 'Allow'\n");
  const policy::Rule& source = *shape.source;
  const bool ends = source.kind == policy::Rule::Kind::exception && source.expires;
  if (ends) field("        Until         = '", to_string(*source.expires));
  put(out_, "        Protocol      = '", shape.match->protocol, "'\n");
  // The port that is asked for is the server's own only when the traffic comes in.
  texts(shape.inbound ? "        LocalPort     = " : "        RemotePort    = ",
        shape.match->ports);
  texts("        IcmpType      = ", shape.match->icmp_types);
}

void Printer::after_local(const Form& form) {
  if (form.keyword_ids.empty()) {
    addresses("        RemoteAddress = ", form.shape.remote);
  } else {
    texts("        RemoteDynamicKeywordAddresses = ", form.keyword_ids);
  }
  out_ += "    }\n";
}

template <class Write>
void Printer::once(Passage& known, const Write& write) {
  if (known.size == 0) {
    known = {artefacts_.size(), out_.size(), 0};
    write();
    known.size = out_.size() - known.begin;
    return;
  }
  const bool here = known.script == artefacts_.size();
  out_.append(here ? out_ : artefacts_[known.script].text, known.begin, known.size);
}

void Printer::field(std::string_view start, std::string_view value) {
  put(out_, start);
  append_between_quotes(out_, value);
  put(out_, "'\n");
}

void Printer::entries(const AddressList& list) {
  for (const std::string& entry : list.entries) field("        '", entry);
}

void Printer::texts(std::string_view start, const std::vector<std::string>& values) {
  if (values.empty()) return;
  put(out_, start, "@('");
  for (const std::string& value : values) {
    if (&value != &values.front()) put(out_, "', '");
    append_between_quotes(out_, value);
  }
  put(out_, "')\n");
}

void Printer::addresses(std::string_view start, const AddressList* list) {
  if (list == nullptr) {
    out_ += start;
    out_ += "@('Any')\n";
  } else if (list->key.empty()) {
    texts(start, list->entries);
  } else {
    out_ += start;
    out_ += "$addresses[";
    append_quoted(out_, list->key);
    out_ += "]\n";
  }
}

}  // namespace

std::vector<Artefact> print(Document document) {
  return Printer(std::move(document)).print();
}

}  // namespace hcipol::backends::windows_firewall
