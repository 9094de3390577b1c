// Only the tables differ between scripts, so a reviewer reads the engine once.
#include "backends/windows_firewall/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

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

class Printer {
 public:
  explicit Printer(const Document& document) : document_(document) {}
  Artefact print(Script script);

 private:
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
  void field(std::string_view start, std::string_view value);
  void entries(const AddressList& list);
  void texts(std::string_view start, const std::vector<std::string>& values);
  void addresses(std::string_view start, const AddressList* list);

  const Document& document_;
  std::string out_;
};

Artefact Printer::print(Script script) {
  out_.clear();
  out_.reserve(90'000 + script.rules.size() * 500);
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
    artefact.rules.push_back({std::move(rule.name), rule.form->shape->source});
  }
  return artefact;
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
  field("    Server     = ", script.server);
  field("    Group      = ", document_.group);
  field("    NamePrefix = ", document_.name_prefix);
  field("    Profile    = ", document_.profile);
  field("    Outbound   = ", document_.lock_down ? "Block" : "Unchanged");
  out_ += "    Address    = @(\n";
  if (script.addresses != nullptr) entries(*script.addresses);
  out_ += "    )\n}\n";
}

void Printer::proxy() {
  using Mode = ProxySettings::Mode;
  const ProxySettings& proxy = document_.proxy;
  const auto list = [&](std::string_view start, const std::vector<std::string>& values) {
    out_ += start;
    for (const std::string& value : values) field("        ", value);
    out_ += "    )\n";
  };
  out_ += "\n$proxy = @{\n";
  if (proxy.mode != Mode::set) {
    field("    Settings = ", proxy.mode == Mode::none ? "None" : "Ignored");
  } else {
    field("    Settings          = ", "Set");
    field("    Server            = ", proxy.server);
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
    for (const AddressList* list : {rule.local, rule.form->shape->remote}) {
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
    field("        Id        = ", keyword.id);
    field("        Keyword   = ", keyword.name);
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
  out_ += "    @{\n";
  field("        Name          = ", rule.name);
  const Form& form = *rule.form;
  before_local(form);
  addresses("        LocalAddress  = ", rule.local);
  after_local(form);
  out_ += "    }\n";
}

void Printer::before_local(const Form& form) {
  const Shape& shape = *form.shape;
  field("        DisplayName   = ", form.display_name);
  field("        Description   = ", form.texts->description);
  field("        Direction     = ", shape.inbound ? "Inbound" : "Outbound");
  field("        Action        = ", shape.block ? "Block" : "Allow");
  const policy::Rule& source = *shape.source;
  const bool ends = source.kind == policy::Rule::Kind::exception && source.expires;
  if (ends) field("        Until         = ", to_string(*source.expires));
  field("        Protocol      = ", shape.match->protocol);
  // The port that is asked for is the server's own only when the traffic comes in.
  texts(shape.inbound ? "        LocalPort     = " : "        RemotePort    = ",
        shape.match->ports);
  texts("        IcmpType      = ", shape.match->icmp_types);
}

void Printer::after_local(const Form& form) {
  if (form.keyword_ids.empty()) {
    addresses("        RemoteAddress = ", form.shape->remote);
  } else {
    texts("        RemoteDynamicKeywordAddresses = ", form.keyword_ids);
  }
}

void Printer::field(std::string_view start, std::string_view value) {
  out_ += start;
  append_quoted(out_, value);
  out_ += '\n';
}

void Printer::entries(const AddressList& list) {
  for (const std::string& entry : list.entries) field("        ", entry);
}

void Printer::texts(std::string_view start, const std::vector<std::string>& values) {
  if (values.empty()) return;
  out_ += start;
  std::string_view before = "@(";
  for (const std::string& value : values) {
    out_ += before;
    append_quoted(out_, value);
    before = ", ";
  }
  out_ += ")\n";
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
  Printer printer(document);
  std::vector<Artefact> out;
  for (Script& script : document.scripts) out.push_back(printer.print(std::move(script)));
  return out;
}

}  // namespace hcipol::backends::windows_firewall
