// What the tree of a text is, and what never becomes one.
#include "syntax/parser.h"

#include <gtest/gtest.h>

#include <random>

#include "helpers.h"

namespace hcipol::syntax {
namespace {

/// The value of `x = …`, dumped.
std::string value_of(const std::string& expression) {
  const Parsed parsed("x = " + expression);
  EXPECT_EQ(parsed.errors(), Errors{}) << expression;
  if (parsed.file.items.size() != 1) return "no item";
  const auto* attribute = std::get_if<Attribute>(&parsed.file.items[0].node);
  return attribute != nullptr ? dump(*attribute->value) : "no attribute";
}

TEST(Parser, ReadsEveryItem) {
  const Parsed parsed(R"(
use "std/hci/21h2" as hci
locals { a = 1 }
enable "aks"
allow "smb" wac -> servers on tcp/445 { when = x }
never deny any -> servers
)");
  EXPECT_EQ(parsed.errors(), Errors{});
  EXPECT_EQ(parsed.tree(), R"((use "std/hci/21h2" as hci)
(locals {}
  (= a (number 1)))
(enable "aks")
(allow "smb" (-> wac servers (service tcp/445))
  (= when x))
(never deny (-> any servers _))
)");
}

TEST(Parser, ReadsEveryLiteral) {
  EXPECT_EQ(value_of("42"), "(number 42)");
  EXPECT_EQ(value_of("10.0.0.1"), "(address 10.0.0.1)");
  EXPECT_EQ(value_of("fd00::/8"), "(address fd00::/8)");
  EXPECT_EQ(value_of("::ffff:10.0.0.1"), "(address ::ffff:10.0.0.1)");
  EXPECT_EQ(value_of("10.0.0.1-10.0.0.9"), "(range 10.0.0.1-10.0.0.9)");
  EXPECT_EQ(value_of("fd00::1-fd00::f"), "(range fd00::1-fd00::f)");
  EXPECT_EQ(value_of("tcp/5000-5099"), "(service tcp/5000-5099)");
  EXPECT_EQ(value_of("udp/any"), "(service udp/any)");
  EXPECT_EQ(value_of("2022-09-30"), "(date 2022-09-30)");
  EXPECT_EQ(value_of("30d"), "(duration 30d)");
  EXPECT_EQ(value_of("true"), "(boolean true)");
  EXPECT_EQ(value_of("null"), "(null null)");
}

TEST(Parser, LeavesMalformedLiteralsToTheChecker) {
  EXPECT_EQ(value_of("10.0.0.300/33"), "(address 10.0.0.300/33)");
  EXPECT_EQ(value_of("tpc/http"), "(service tpc/http)");
  EXPECT_EQ(value_of("2022-9-31"), "(date 2022-9-31)");
  EXPECT_EQ(value_of("30days"), "(duration 30days)");
}

TEST(Parser, BindsOperatorsLoosestFirst) {
  EXPECT_EQ(value_of("a || b && c == d"), "(|| a (&& b (== c d)))");
  EXPECT_EQ(value_of("!a.b || x in y"), "(|| (! (. a b)) (in x y))");
  EXPECT_EQ(value_of("a ? b : c ? d : e"), "(? a b (? c d e))");
  EXPECT_EQ(value_of("a except b -> c on [d]"), "(-> (except a b) c (list d))");
  EXPECT_EQ(value_of("(a || b) && c"), "(&& (|| a b) c)");
}

TEST(Parser, NeedsNoBlanksAroundArrows) {
  EXPECT_EQ(value_of("failover-clustering->wac"), "(-> failover-clustering wac _)");
  EXPECT_EQ(value_of("10.0.0.1<->b"), "(<-> (address 10.0.0.1) b _)");
}

TEST(Parser, ReadsCollectionsAndComprehensions) {
  EXPECT_EQ(value_of("[1, 2,]"), "(list (number 1) (number 2))");
  EXPECT_EQ(value_of("{ a = 1, \"b c\" = 2 d = 3 }"),
            "(object (\"a\" (number 1)) (\"b c\" (number 2)) (\"d\" (number 3)))");
  EXPECT_EQ(value_of("[for n in s : n.a if n.b]"), "(for (n) s _ (. n a) (. n b))");
  EXPECT_EQ(value_of("{ for k, v in m : k => v }"), "(for (k v) m k v _)");
  EXPECT_EQ(value_of("f(a, g(b)[0],)"), "(call f a (index (call g b) (number 0)))");
}

TEST(Parser, ResolvesEscapes) {
  EXPECT_EQ(value_of(R"("a\n\t\"\\\$\u{e9}")"), "(string \"a\\n\\t\\\"\\\\$é\")");
  EXPECT_EQ(value_of(R"("$5 # no comment")"), "(string \"$5 # no comment\")");
  EXPECT_EQ(value_of(R"("")"), "(string)");
  EXPECT_EQ(value_of(R"("a${b.c}d${e}")"), "(string \"a\" (. b c) \"d\" e)");
  EXPECT_EQ(value_of(R"("${"${a}"}")"), "(string (string a))");
}

TEST(Parser, RemovesTheIndentationOfText) {
  EXPECT_EQ(value_of("\"\"\"\n    one\n      two\n\n    ${a} \"b\"\n    \"\"\""),
            "(string \"one\\n  two\\n\\n\" a \" \\\"b\\\"\")");
  EXPECT_EQ(value_of("\"\"\"one\"\"\""), "(string \"one\")");
  EXPECT_EQ(value_of("\"\"\"\n  \"\"\""), "(string)");
  EXPECT_EQ(value_of("\"\"\"\n  a\n\"\"\""), "(string \"  a\")");
  EXPECT_EQ(value_of("\"\"\"\n  \\ta\n  \"\"\""), "(string \"\\ta\")");
}

TEST(Parser, CarriageReturnsMakeNoDifference) {
  std::string crlf;
  for (const char c : everything) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const Parsed unix_lines{std::string(everything)};
  const Parsed dos_lines(crlf);
  EXPECT_EQ(dos_lines.errors(), Errors{});
  EXPECT_EQ(dos_lines.tree(), unix_lines.tree());
}

TEST(Parser, SkipsAByteOrderMark) {
  const Parsed parsed("\xEF\xBB\xBF# above\na = 1\n");
  EXPECT_EQ(parsed.errors(), Errors{});
  EXPECT_EQ(parsed.tree(), "; \"# above\"\n(= a (number 1))\n");
}

TEST(Parser, AttachesCommentsToWhatStandsBelowThem) {
  const Parsed parsed(R"(# not this

# one
# two
a = 1 # behind
b = 2
# far

c = 3
role "x" {
  # inside
  d = 4
  # last
}
)");
  ASSERT_EQ(parsed.file.items.size(), 4u);
  EXPECT_EQ(parsed.file.items[0].comment, "# one\n# two");
  EXPECT_EQ(parsed.file.items[1].comment, "");
  EXPECT_EQ(parsed.file.items[2].comment, "");
  const auto& block = std::get<Block>(parsed.file.items[3].node);
  EXPECT_EQ(block.items[0].comment, "# inside");
}

TEST(Parser, SpansPointAtWhatTheySay) {
  const Parsed parsed("allow \"smb\" (a) -> b.c on tcp/1 { x = f(1) }\n");
  const auto text = [&](Span span) { return parsed.sources.text(span); };
  const auto& rule = std::get<Rule>(parsed.file.items.at(0).node);
  EXPECT_EQ(text(rule.action_span), "allow");
  EXPECT_EQ(text(rule.name.span), "\"smb\"");
  EXPECT_EQ(text(rule.header_span), "allow \"smb\" (a) -> b.c on tcp/1");
  const auto& flow = std::get<Flow>(rule.flow->node);
  EXPECT_EQ(text(flow.from->span), "(a)");
  EXPECT_EQ(text(flow.arrow_span), "->");
  EXPECT_EQ(text(std::get<Member>(flow.to->node).name_span), "c");
  const auto& call = std::get<Call>(std::get<Attribute>(rule.items.at(0).node).value->node);
  EXPECT_EQ(text(call.function_span), "f");
}

TEST(Parser, KeepsTheItemsAroundADamagedOne) {
  const Parsed parsed(R"(cluster "prod" {
  node "a" { address = 10.0.0.1 }
  cloud: "public"
  node "b" { address = 10.0.0.2 }
}
role "x" { members = 10.0.0.3 }
)");
  EXPECT_EQ(parsed.errors(), (Errors{"E0114 3:8"}));
  ASSERT_EQ(parsed.file.items.size(), 2u);
  EXPECT_EQ(std::get<Block>(parsed.file.items[0].node).items.size(), 2u);
}

// ---- hostile input

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(Parser, RefusesDeepNesting) {
  for (const int depth : {300, 10'000, 100'000}) {
    EXPECT_FALSE(Parsed("a = " + repeat("[", depth) + repeat("]", depth)).errors().empty());
    EXPECT_FALSE(Parsed("a = " + repeat("[", depth)).errors().empty());
    EXPECT_FALSE(Parsed("a = " + repeat("!", depth) + "x").errors().empty());
    EXPECT_FALSE(Parsed("a = x" + repeat(".y", depth)).errors().empty());
    EXPECT_FALSE(Parsed("a = " + repeat("\"${", depth)).errors().empty());
    EXPECT_FALSE(Parsed(repeat("a {", depth) + repeat("}", depth)).errors().empty());
  }
  EXPECT_EQ(Parsed("a = " + repeat("(", 300) + "1" + repeat(")", 300)).errors(),
            (Errors{"E0130 1:205"}));
  EXPECT_EQ(Parsed("a = " + repeat("[", 150) + repeat("]", 150)).errors(), Errors{});
}

TEST(Parser, SurvivesLongDamage) {
  EXPECT_FALSE(Parsed("a = " + repeat("+ 1 ", 70'000)).errors().empty());
  EXPECT_FALSE(Parsed(repeat(") ] } ", 70'000)).errors().empty());
  EXPECT_FALSE(Parsed("a = [" + repeat("x ", 70'000)).errors().empty());
  EXPECT_FALSE(Parsed("a = [" + repeat("x, ", 70'000)).errors().empty());
}

TEST(Parser, ReadsLargeFilesInChunks) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text += fmt::format("# about {0}\nrole \"r{0}\" {{ members = 10.0.0.1 }} # behind\n", i);
  }
  const Parsed parsed(text);
  EXPECT_EQ(parsed.errors(), Errors{});
  ASSERT_EQ(parsed.file.items.size(), 20'000u);
  for (std::size_t i = 0; i < parsed.file.items.size(); ++i) {
    ASSERT_EQ(parsed.file.items[i].comment, fmt::format("# about {}", i));
  }
  const Span last = std::get<Block>(parsed.file.items.back().node).header_span;
  EXPECT_EQ(parsed.sources.text(last), "role \"r19999\"");

  const Parsed damaged(text + "role x { }\n" + text);
  EXPECT_EQ(damaged.errors(), (Errors{"E0115 40001:6"}));
  EXPECT_EQ(damaged.file.items.size(), 40'000u);
}

TEST(Parser, ReadsAnItemLargerThanAChunk) {
  const std::string list = "locals { a = [" + repeat("10.0.0.1, ", 50'000) + "] }\n";
  EXPECT_EQ(Parsed(list).errors(), Errors{});
  EXPECT_EQ(Parsed("a = 1\n" + list + "b = [1 2]\n").errors(), (Errors{"E0129 3:7"}));
}

TEST(Parser, RefusesWhatIsNoText) {
  EXPECT_EQ(Parsed("a = \"\xff\"\n").errors(), (Errors{"E0133 1:6"}));
  EXPECT_EQ(Parsed("a = \"\xc3").errors(), (Errors{"E0133 1:6"}));
  EXPECT_EQ(Parsed(std::string("a\0b", 3)).errors(), (Errors{"E0133 1:2"}));
  EXPECT_EQ(Parsed("a = 1\x1b[0m\n").errors(), (Errors{"E0133 1:6"}));
}

TEST(Parser, RefusesHugeFiles) {
  const Parsed parsed(std::string(max_file_bytes + 1, ' '));
  EXPECT_EQ(parsed.errors(), (Errors{"E0134 1:1"}));
}

TEST(Parser, SurvivesRandomDamage) {
  std::mt19937 random(20220428);
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  constexpr std::string_view bytes = "{}[]()\"$\\#=:,.->/ \nax1'`&|;*<\xe2\x80\x9c";
  for (int round = 0; round < 1000; ++round) {
    std::string text(everything);
    const std::size_t changes = 1 + below(8);
    for (std::size_t i = 0; i < changes; ++i) {
      const std::size_t at = below(text.size());
      switch (below(3)) {
        case 0: text.erase(at, 1 + below(20)); break;
        case 1: text.insert(at, 1, bytes[below(bytes.size())]); break;
        default: text[at] = bytes[below(bytes.size())]; break;
      }
    }
    const Parsed parsed(text);
    for (const Diagnostic& diagnostic : parsed.reporter.sorted()) {
      ASSERT_LE(diagnostic.span.begin, diagnostic.span.end);
      ASSERT_LE(diagnostic.span.end, text.size());
    }
  }
}

}  // namespace
}  // namespace hcipol::syntax
