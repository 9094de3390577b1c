// Text of people reaches no interpreter: a policy with the worst titles, notes, sources, owners and
// reasons that can be drawn has the same artefacts, for every target, as one with harmless ones,
// but for what stands inside strings and comments; and they are proved to mean the same.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <random>

#include "backends/common/proof.h"
#include "support/text.h"
#include "tests/support/emitted.h"
#include "tests/support/random_policy.h"

namespace hcipol::test {
namespace {

using namespace std::string_literals;

/// What the language lets into a text.
const std::vector<std::string>& hostile_pieces() {
  static const std::vector<std::string> all{"'",
                                            "''",
                                            "\"",
                                            "`",
                                            "`n",
                                            "$",
                                            "$(id)",
                                            "${x}",
                                            "$env:PATH",
                                            "%COMSPEC%",
                                            "\\",
                                            "\\'",
                                            "\\\"",
                                            "\\u0041",
                                            "\\n",
                                            "#",
                                            "#>",
                                            "<#",
                                            "'@",
                                            "@'",
                                            "\"@",
                                            "@\"",
                                            ";",
                                            "; exit 1;",
                                            "|",
                                            "||",
                                            "&&",
                                            "&",
                                            ">",
                                            "<",
                                            "(",
                                            ")",
                                            "{",
                                            "}",
                                            "[",
                                            "]",
                                            "@{",
                                            "@(",
                                            "*",
                                            "?",
                                            "~",
                                            "!",
                                            ",",
                                            "\", \"",
                                            "{0}",
                                            "]]>",
                                            "<![CDATA[",
                                            "-->",
                                            "<!--",
                                            "</description>",
                                            "</entry><entry name=\"x\">",
                                            "&lt;",
                                            "&#0;",
                                            "<?xml",
                                            "[concat('a')]",
                                            "[parameters('x')]",
                                            "COMMIT",
                                            "*filter",
                                            "-A FORWARD -j ACCEPT",
                                            "flush ruleset",
                                            "\" accept",
                                            "' ; Remove-NetFirewallRule ; '",
                                            "conf-file=/etc/passwd",
                                            "--",
                                            "-j",
                                            " ",
                                            "plain words",
                                            "\xc2\xa0",
                                            "\xe2\x80\x98",
                                            "\xe2\x80\x99",
                                            "\xe2\x80\x9a",
                                            "\xe2\x80\x9b",
                                            "\xe2\x80\x9c",
                                            "\xe2\x80\x9d",
                                            "\xe2\x80\x9e",
                                            "\xe2\x80\x93",
                                            "\xe2\x80\x95",
                                            "\xef\xbf\xbe",
                                            "\xef\xbf\xbd",
                                            "Z\xc3\xbcrich",
                                            "\xf0\x9f\x98\x80",
                                            "\xd0\xbf\xd1\x80\xd0\xb0",
                                            std::string(300, '\''),
                                            std::string(3000, 'x')};
  return all;
}

/// What it refuses, however it is written: lines, control characters, marks that hide or turn text.
const std::vector<std::string>& refused_pieces() {
  static const std::vector<std::string> all{"\n",
                                            "\r\n",
                                            "\t",
                                            "\n'@\n",
                                            "\n\"@\n",
                                            "\nCOMMIT\n",
                                            "\nflush ruleset\n",
                                            "\x01",
                                            "\x07",
                                            "\x08",
                                            "\x0b",
                                            "\x0c",
                                            "\x1b[31m",
                                            "\x7f",
                                            "\xc2\x85",
                                            "\xe2\x80\xa8",
                                            "\xe2\x80\xa9",
                                            "\xe2\x80\xae",
                                            "\xe2\x81\xa6",
                                            "\xe2\x80\x8b",
                                            "\xef\xbb\xbf"};
  return all;
}

/// A string of the language, with escapes for whatever it might read otherwise.
std::string language_string(const std::string& text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at++]);
    if (lead >= 0x20 && lead < 0x7f && lead != '"' && lead != '\\' && lead != '$') {
      out += static_cast<char>(lead);
      continue;
    }
    const int tails = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    unsigned point = tails == 0 ? lead : lead & (0x3fu >> tails);
    for (int i = 0; i < tails; ++i) {
      point = (point << 6) | (static_cast<unsigned char>(text[at++]) & 0x3fu);
    }
    out += fmt::format("\\u{{{:x}}}", point);
  }
  return out + "\"";
}

template <class Text>
std::string policy_with(Text text) {
  std::string out = fmt::format(R"(policy "p" {{
  language = 1
  owner    = {}
}}

role "scrapers" {{
  title   = {}
  members = 10.0.8.20
}}

endpoint "far" {{
  title   = {}
  address = [198.51.100.0/25, 198.51.100.200]
}}

feature "x" {{
  title  = {}
  source = {}

)",
                                text(), text(), text(), text(), text());
  const auto rule = [&](const char* head) {
    out += fmt::format(
        "  {} {{\n    title  = {}\n    note   = {}\n    source = {}\n    log    = true\n  }}\n",
        head, text(), text(), text());
  };
  rule(R"(allow "in"   scrapers -> servers on [tcp/445, icmp/8])");
  rule(R"(allow "out"  servers -> far on tcp/443)");
  rule(R"(deny  "deny" any except scrapers -> servers on tcp/3389)");
  out += fmt::format(R"(}}

cluster "c" {{
  node "n1" {{ address = [10.0.0.11, fd00::11] }}

  enable "x"
}}

exception "CHG1" {{
  reason  = {}
  owner   = {}
  expires = 2030-01-01

  allow "once" 203.0.113.40 -> node.n1 on tcp/445 {{ note = {} }}
}}

target "azure-firewall" {{}}
target "azure-nsg" {{}}
target "iptables" {{}}
target "iptables" "drop" {{ default = "drop" }}
target "nftables" {{}}
target "palo-alto" {{}}
target "windows-firewall" {{ names = "dynamic-keywords" }}
)",
                     text(), text(), text());
  return out;
}

// ---- what is left of a file without the text in it ----------------------------------------------

/// Quotes and comments of line-based files, and of shells and PowerShell. In `strict` files a
/// backslash is no escape.
std::string without_strings(const std::string& file, char quote, bool backslash) {
  std::string out;
  for (std::size_t at = 0; at < file.size(); ++at) {
    const bool line_start = at == 0 || file[at - 1] == '\n';
    if (line_start && file[at] == '#') {
      out += '#';
      at = file.find('\n', at);
      if (at == std::string::npos) break;
      out += '\n';
    } else if (file[at] == quote) {
      out += quote;
      for (++at; at < file.size() && file[at] != quote; ++at) {
        if (backslash && file[at] == '\\') ++at;
        // A string never goes on in the next line.
        if (at < file.size() && file[at] == '\n') return out + "\nA STRING WITHOUT END";
      }
      out += quote;
    } else {
      out += file[at];
    }
  }
  return out;
}

void json_shape(const nlohmann::json& node, std::string& out) {
  out += node.type_name();
  for (const auto& [key, child] : node.items()) {
    if (!node.is_structured()) break;
    out += ' ' + key + '(';
    json_shape(child, out);
    out += ')';
  }
}

struct XmlShape : pugi::xml_tree_walker {
  std::string out;
  bool for_each(pugi::xml_node& node) override {
    out += fmt::format("{} {}:", depth(), static_cast<int>(node.type())) + node.name();
    for (const auto attribute : node.attributes()) out += ' ' + std::string(attribute.name());
    out += '\n';
    return true;
  }
};

std::string shape(const backends::Artefact& artefact) {
  const auto ends = [&](const char* end) { return artefact.path.ends_with(end); };
  std::string out;
  if (ends(".json")) {
    json_shape(nlohmann::json::parse(artefact.text), out);
  } else if (ends(".xml")) {
    pugi::xml_document document;
    const auto result =
        document.load_buffer(artefact.text.data(), artefact.text.size(), pugi::parse_full);
    if (!result) return "NO XML: "s + result.description();
    XmlShape walker;
    document.traverse(walker);
    out = walker.out;
  } else if (ends(".ps1")) {
    out = without_strings(artefact.text, '\'', false);
  } else if (ends(".sh") || ends(".md") || ends(".txt")) {
    out = artefact.text;  // nothing of a policy's text is in them
  } else {
    out = without_strings(artefact.text, '"', true);
  }
  return out;
}

/// What no interpreter and no terminal should ever see.
void expect_clean(const backends::Artefact& artefact) {
  std::size_t bad = 0;
  EXPECT_TRUE(valid_utf8(artefact.text, &bad)) << artefact.path << " at " << bad;
  for (const char c : artefact.text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) {
      ADD_FAILURE() << artefact.path << ": control character " << int{byte};
      return;
    }
    if (artefact.path.ends_with(".ps1") && byte > 0x7e) {
      ADD_FAILURE() << artefact.path << ": not ASCII";
      return;
    }
  }
  for (const char* never : {"\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x80\xa8", "\xe2\x80\xa9",
                            "\xc2\x85", "\xe2\x80\x8b"}) {
    EXPECT_EQ(artefact.text.find(never), std::string::npos) << artefact.path;
  }
}

/// Path → shape, of every file of every target.
std::map<std::string, std::string> shapes(const std::string& text) {
  EmittedPolicy policy({{"main.hcipol", text}}, ".");
  std::map<std::string, std::string> out;
  EXPECT_EQ(policy.devices().size(), 7u) << text;
  for (const Emitted& one : policy.devices()) {
    // A network security group may refuse what it cannot say, whatever the texts are.
    if (one.refused && one.backend->name == "azure-nsg") continue;
    EXPECT_FALSE(one.refused) << one.name;
    const auto found = backends::difference(*one.backend, *one.device, one.emission);
    EXPECT_FALSE(found) << one.name << ": " << found.value_or("");
    for (const backends::Artefact& artefact : one.emission.artefacts) {
      expect_clean(artefact);
      out[one.name + " " + artefact.path] = shape(artefact);
    }
  }
  return out;
}

class HostileText : public testing::TestWithParam<unsigned> {};

TEST_P(HostileText, IsTextInEveryArtefact) {
  std::mt19937 random(GetParam());
  const auto harmless = shapes(policy_with([] { return "\"words\""s; }));
  ASSERT_GE(harmless.size(), 7u);
  for (int round = 0; round < (sanitized ? 2 : 8); ++round) {
    const std::string text = policy_with([&] {
      std::string hostile;
      for (auto i = 1 + random() % 6; i > 0; --i) {
        hostile += hostile_pieces()[random() % hostile_pieces().size()];
      }
      return language_string(hostile);
    });
    const auto found = shapes(text);
    for (const auto& [path, wanted] : harmless) {
      const auto is = found.find(path);
      ASSERT_TRUE(is != found.end()) << path;
      ASSERT_EQ(is->second, wanted) << path << "\n" << text;
    }
    ASSERT_EQ(found.size(), harmless.size());
  }
}

// Every piece alone, in every place.
TEST(HostileTextPieces, AreTextInEveryArtefact) {
  const auto harmless = shapes(policy_with([] { return "\"words\""s; }));
  for (std::size_t i = 0; i < hostile_pieces().size(); i += sanitized ? 7 : 1) {
    const std::string piece = hostile_pieces()[i];
    EXPECT_EQ(shapes(policy_with([&] { return language_string(piece); })), harmless) << piece;
  }
}

TEST(HostileTextPieces, ThatTheLanguageRefusesReachNoBackend) {
  for (const std::string& piece : refused_pieces()) {
    const std::string text = policy_with([&] { return language_string("a" + piece + "b"); });
    EXPECT_TRUE(EmittedPolicy({{"main.hcipol", text}}, ".").devices().empty()) << piece;
  }
}

INSTANTIATE_TEST_SUITE_P(Texts, HostileText, testing::Range(0u, 10u));

}  // namespace
}  // namespace hcipol::test
