// The sentence for every mistake that has one, and where it points.
#include "syntax/syntax_errors.h"

#include <gtest/gtest.h>

#include <set>

#include "helpers.h"

namespace hcipol::syntax {
namespace {

struct Case {
  std::string name;
  std::string text;
  Errors errors;
};

std::string in_feature(std::string_view line) {
  return fmt::format("feature \"x\" {{\n  {}\n}}\n", line);
}

/// The 24 cases that the language was designed with; four of them are for the checker.
const std::vector<Case>& design_cases() {
  static const std::vector<Case> cases{
      {"missing close brace",
       "cluster \"prod\" {\n  node \"e1\" { address = 10.1.0.11\n  enable \"aks\"\n}\n",
       {"E0101 2:13"}},
      {"missing quote", "cluster \"prod {\n  enable \"aks\"\n}\n", {"E0102 1:9"}},
      {"missing on", in_feature("allow \"smb\" management -> servers tcp/445"), {"E0110 2:37"}},
      {"missing arrow", in_feature("allow \"smb\" management servers on tcp/445"), {"E0111 2:3"}},
      {"missing name", in_feature("allow management -> servers on tcp/445"), {"E0112 2:3"}},
      {"colon", "cluster \"prod\" {\n  cloud: \"public\"\n}\n", {"E0114 2:8"}},
      {"unquoted label", "cluster prod {\n  cloud = \"public\"\n}\n", {"E0115 1:9"}},
      {"missing value", "cluster \"prod\" {\n  cloud =\n  enable \"aks\"\n}\n", {"E0117 2:3"}},
      {"unclosed list",
       in_feature("never allow any -> servers on [tcp/445, tcp/135"),
       {"E0103 2:33"}},
      {"quoted address", "role \"m\" { members = \"10.0.0.1\" }\n", {}},
      {"misspelt kind", "clustr \"prod\" { enabel \"aks\" }\n", {}},
      {"stray brace",
       "cluster \"prod\" { cloud = \"public\" } }\nrole \"m\" { members = 10.0.0.1 }\n",
       {"E0104 1:37"}},
      {"semicolon", "cluster \"prod\" { cloud = \"public\"; enable \"aks\" }\n", {"E0118 1:34"}},
      {"double slash", "// a comment\ncluster \"prod\" { cloud = \"public\" }\n", {"E0119 1:1"}},
      {"wrong arrow",
       "feature \"x\" {\n  allow \"smb\" management => servers on tcp/445\n"
       "  allow \"rpc\" management -> servers on tcp/135\n}\n",
       {"E0113 2:26"}},
      {"port spelling",
       "feature \"x\" {\n  allow \"smb\" management -> servers on 445/tcp\n"
       "  allow \"rpc\" management -> servers on tcp:135\n"
       "  allow \"ok\"  management -> servers on tcp/135\n}\n",
       {"E0120 2:40", "E0120 3:40"}},
      {"bad octet",
       "role \"m\" { members = [10.0.0.300, 10.0.0.0/33, tpc/445, fd00::/200] }\n",
       {}},
      {"missing verb", "test \"t\" {\n  expect 10.0.0.1 -> servers on tcp/445\n}\n", {"E0121 2:3"}},
      {"end of file",
       "cluster \"prod\" {\n  site \"east\" {\n    node \"e1\" { address = 10.1.0.11 }\n",
       {"E0101 1:16", "E0101 2:15"}},
      {"reserved words",
       "endpoint \"e\" {\n  on = tcp/443\n  in = \"x\"\n  allow = true\n}\n",
       {"E0124 3:3", "E0124 4:3"}},
      {"comma", "param \"p\" { type = service, default = tcp/443 }\n", {"E0118 1:27"}},
      {"arithmetic", "locals { a = 1 + 2  b = 3 }\n", {"E0122 1:16"}},
      {"single quotes", "cluster 'prod' { cloud = \"public\" }\n", {"E0116 1:9"}},
      {"if block",
       in_feature("if cluster.stretched {\n    allow \"smb\" servers -> servers on tcp/445\n  }"),
       {"E0123 2:3"}},
  };
  return cases;
}

const std::vector<Case>& more_cases() {
  static const std::vector<Case> cases{
      {"unclosed call", in_feature("a = length([1, 2]\n  b = 1"), {"E0105 2:13"}},
      {"unclosed index", in_feature("a = x[0\n  b = 1"), {"E0105 2:8"}},
      {"unclosed group", in_feature("a = b && (c || d\n  e = 1"), {"E0105 2:12"}},
      {"rule at end of file", "feature \"x\" {\n  allow \"smb\"", {"E0125 2:3"}},
      {"no destination", in_feature("allow \"smb\" a -> on tcp/1"), {"E0125 2:17"}},
      {"nothing after arrow", in_feature("allow \"smb\" a ->"), {"E0125 2:17"}},
      {"no source", in_feature("allow \"smb\" -> b on tcp/1"), {"E0125 2:15"}},
      {"no service", in_feature("allow \"smb\" a -> b on"), {"E0125 2:22"}},
      {"unclosed text",
       "policy \"x\" {\n  why = \"\"\"\n    hello\n}\ncluster \"y\" { }\n",
       {"E0102 2:9"}},
      {"unclosed interpolation", in_feature("a = \"foo${b\"\n  c = 1"), {"E0101 2:11"}},
      {"comment behind", in_feature("a = 1 // foo\n  c = 1"), {"E0119 2:9"}},
      {"block comment", "/* foo */\ncluster \"x\" { }\n", {"E0119 1:1"}},
      {"single ampersand", in_feature("a = b & c\n  d = 1"), {"E0126 2:9"}},
      {"word and", in_feature("when = a and b\n  c = 1"), {"E0126 2:12"}},
      {"word not", in_feature("when = not a"), {"E0126 2:10"}},
      {"typographic quotes", "policy “prod” {\n  a = 1\n}\n", {"E0116 1:8"}},
      {"two on", in_feature("allow \"smb\" a -> b on tcp/1 on tcp/2"), {"E0128 2:31"}},
      {"arrow to the left", in_feature("allow \"smb\" a <- b on tcp/1"), {"E0113 2:17"}},
      {"arrow in an attribute", in_feature("sees = servers => internet\n  b = 1"), {"E0113 2:18"}},
      {"heredoc", in_feature("title = <<EOF\n  foo bar\n  EOF\n  b = 1"), {"E0127 2:11"}},
      {"no comma", in_feature("a = [10.0.0.1 10.0.0.2]"), {"E0129 2:16"}},
      {"no comma between lines",
       in_feature("a = [\n    10.0.0.1\n    10.0.0.2\n  ]"),
       {"E0129 3:13"}},
      {"unquoted rule name", in_feature("allow smb a -> b on tcp/1"), {"E0115 2:9"}},
      {"unquoted feature", in_feature("enable aks\n  enable \"b\""), {"E0115 2:10"}},
      {"unquoted path", "use std/hci/21h2\ncluster \"x\" { }\n", {"E0115 1:5"}},
      {"colon in an object", in_feature("a = { b: 1 }"), {"E0114 2:10"}},
      {"services without list",
       in_feature("allow \"smb\" a -> b on tcp/443, tcp/80"),
       {"E0120 2:32"}},
      {"service in an attribute", in_feature("service = tcp:8080"), {"E0120 2:13"}},
      {"range with blanks", in_feature("a = 10.0.0.1 - 10.0.0.9"), {"E0122 2:16"}},
      {"check without arrow", in_feature("expect allow a b on tcp/1"), {"E0111 2:3"}},
      {"two sources", in_feature("allow \"a\" m w -> b on tcp/1"), {"E0100 2:15"}},
      {"nothing after operator", in_feature("a = b &&"), {"E0100 2:9"}},
      {"lone word", in_feature("foo\n  a = 1"), {"E0100 2:3"}},
      {"quoted alias", "use \"x\" as \"y\"\n", {"E0100 1:12"}},
      {"no-break space", "locals {\n  a\u00a0= 1\n}\n", {"E0100 2:4"}},
      {"semicolons", in_feature("a = 1;\n  b = 2;"), {"E0118 2:8", "E0118 3:8"}},
      {"value at end of file", "a =", {"E0117 1:1"}},
      {"brace in the middle",
       "cluster \"a\" {\n  node \"x\" { address = 10.0.0.1 }\n\ncluster \"b\" {\n}\n",
       {"E0101 1:13"}},
      {"brace of an object",
       "cluster \"p\" {\n  fqdn = {\n    a = 1\n  b = 2\n}\n",
       {"E0101 2:10"}},
      {"bad escape", "a = \"\\d\"\n", {"E0131 1:6"}},
      {"surrogate", "a = \"\\u{d800}\"\n", {"E0131 1:6"}},
      {"no such character", "a = \"\\u{110000}\"\n", {"E0131 1:6"}},
      {"computed name", "role \"${a}\" { }\n", {"E0135 1:7"}},
  };
  return cases;
}

void check(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    EXPECT_EQ(Parsed(each.text).errors(), each.errors) << each.name;
  }
}

TEST(SyntaxErrors, DesignCases) {
  check(design_cases());
}
TEST(SyntaxErrors, MoreCases) {
  check(more_cases());
}

/// E0130, E0133 and E0134 are in parser_test.cpp; E0132 is the checker's.
TEST(SyntaxErrors, EveryCodeIsReached) {
  std::set<std::string> reached{"E0130", "E0132", "E0133", "E0134"};
  for (const auto* cases : {&design_cases(), &more_cases()}) {
    for (const Case& each : *cases) {
      for (const std::string& error : each.errors) reached.insert(error.substr(0, 5));
    }
  }
  for (const CatalogueEntry& diagnostic : catalogue) {
    if (!diagnostic.code.starts_with("E01")) continue;
    EXPECT_TRUE(reached.contains(std::string(diagnostic.code))) << diagnostic.code;
  }
}

/// The text with all fixes of its first diagnostic.
std::string fixed(const Parsed& parsed) {
  std::string text = parsed.sources.file(parsed.id).text;
  const auto diagnostics = parsed.reporter.sorted();
  for (const Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.fixes.empty()) continue;
    const Fix& fix = diagnostic.fixes.front();
    return text.replace(fix.span.begin, fix.span.end - fix.span.begin, fix.text);
  }
  return {};
}

TEST(SyntaxErrors, FixesReallyFix) {
  int fixes = 0;
  for (const auto* cases : {&design_cases(), &more_cases()}) {
    for (const Case& each : *cases) {
      const Parsed before(each.text);
      const std::string text = fixed(before);
      if (text.empty()) continue;
      ++fixes;
      EXPECT_EQ(Parsed(text).errors().size(), before.errors().size() - 1) << each.name << "\n"
                                                                          << text;
    }
  }
  EXPECT_GT(fixes, 20);
}

TEST(SyntaxErrors, BlamesTheBraceThatIndentationBlames) {
  const Parsed parsed(design_cases()[0].text);
  const auto diagnostics = parsed.reporter.sorted();
  ASSERT_EQ(diagnostics.size(), 1u);
  ASSERT_EQ(diagnostics[0].labels.size(), 1u);
  EXPECT_EQ(diagnostics[0].labels[0].text,
            "this `}` is indented less than `node \"e1\"`, so it was meant for another block");
}

TEST(SyntaxErrors, OnePerLine) {
  EXPECT_EQ(Parsed("a = ) ] } ; : / @ ' ~\n").errors().size(), 1u);
}

}  // namespace
}  // namespace hcipol::syntax
