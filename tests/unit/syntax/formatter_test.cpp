// Formatting changes neither the tree nor what is formatted already.
#include "syntax/formatter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "helpers.h"

namespace hcipol::syntax {
namespace {

std::string formatted(std::string text) {
  SourceMap sources;
  Reporter reporter;
  const FileId id = sources.add("test.hcipol", std::move(text));
  return format(id, sources, reporter).value_or("not formatted");
}

TEST(Formatter, LeavesCanonicalTextAlone) {
  EXPECT_EQ(formatted(std::string(everything)), everything);
}

TEST(Formatter, AlignsAttributesOfARun) {
  EXPECT_EQ(formatted("a=1\nlonger   = 2 # c\n\nb = 3\n# own line\nccc = 4\nd = {\n x=1\n}\ne = 5"),
            R"(a      = 1
longer = 2 # c

b = 3
# own line
ccc = 4
d = {
  x = 1
}
e = 5
)");
}

TEST(Formatter, AlignsRulesAndChecks) {
  EXPECT_EQ(formatted("allow \"a\" x->y on tcp/1\ndeny \"longer\" x<->y{when=z}\n"
                      "never allow a -> b\nexpect deny a -> b\n"),
            R"(allow "a"      x -> y on tcp/1
deny  "longer" x <-> y { when = z }
never  allow a -> b
expect deny  a -> b
)");
}

TEST(Formatter, AlignsBodiesOfOneKind) {
  EXPECT_EQ(formatted("enable \"a\" {x=1}\nenable \"much-longer-than-that\"\n"
                      "enable \"bcd\" {y=2}\nrole \"r\" {}\nrole \"s\" { }\n"),
            R"(enable "a"   { x = 1 }
enable "much-longer-than-that"
enable "bcd" { y = 2 }
role "r" {}
role "s" {}
)");
}

TEST(Formatter, BreaksBodiesWithMoreThanOneItem) {
  EXPECT_EQ(formatted("role \"a\" { x = 1 y = 2 }\nrole \"b\" {\n\n  x = 1\n\n\n  y = 2\n\n}\n"),
            R"(role "a" {
  x = 1
  y = 2
}
role "b" {
  x = 1

  y = 2
}
)");
}

TEST(Formatter, BreaksWhatIsTooLong) {
  const std::string address = "10.100.100.100";
  std::string list;
  for (int i = 0; i < 8; ++i) list += (i > 0 ? ", " : "") + address;
  EXPECT_EQ(formatted("a = [" + list + "]\n").substr(0, 27), "a = [\n  10.100.100.100,\n  1");
  EXPECT_EQ(formatted("a = [\n  1,\n  2,\n]\n"), "a = [1, 2]\n");
  const std::string name(60, 'x');
  EXPECT_EQ(formatted(fmt::format("a = {0} && {0}\n", name)),
            fmt::format("a = {0} &&\n  {0}\n", name));
  EXPECT_EQ(formatted(fmt::format("a = {0} ? {0} : b\n", name)),
            fmt::format("a = {0}\n  ? {0}\n  : b\n", name));
}

TEST(Formatter, KeepsCommentsWhereTheyAre) {
  const std::string text = R"(# head

# second
cluster "x" { # open
  # first
  a = [ # list
    1, # one
    # own
    2,
  ] # after
  b = {
    q  = 1 # entry
    rr = 2
  }
  f = call(
    # why
    1,
  )
  # last
}
role "m" {
  # nothing
}
# end
)";
  EXPECT_EQ(formatted(text), text);
  EXPECT_EQ(formatted("# only"), "# only\n");
}

TEST(Formatter, LeavesItemsWithCommentsInOddPlacesAlone) {
  const std::string text = "a  =  # why\n   1\nb = 2\n";
  EXPECT_EQ(formatted(text), text);
}

TEST(Formatter, WritesLineFeedsAndNoByteOrderMark) {
  EXPECT_EQ(formatted("\xEF\xBB\xBF"
                      "a = 1\r\nb = \"\"\"\r\n  x\r\n  \"\"\"\r\n\r\n\r\n"),
            "a = 1\nb = \"\"\"\n  x\n  \"\"\"\n");
  EXPECT_EQ(formatted(""), "");
  EXPECT_EQ(formatted("\n\n"), "");
}

TEST(Formatter, RefusesDamagedText) {
  EXPECT_EQ(formatted("a: 1"), "not formatted");
}

// ---- random programs

/// Programs of every form, with blanks, line breaks and comments wherever they may stand.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::string file() {
    items(0);
    return std::move(out_);
  }

 private:
  unsigned below(unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random_); }
  std::string name() {
    return std::string(1 + below(below(8) == 0 ? 40 : 8), static_cast<char>('a' + below(26))) + "_";
  }

  void blank() {
    switch (below(14)) {
      case 0: out_ += "\n"; break;
      case 1: out_ += "   "; break;
      case 2:
        if (below(3) == 0) out_ += " # odd\n";
        break;
      default: break;
    }
    out_ += ' ';
  }
  void word(std::string_view text) {
    out_ += text;
    blank();
  }
  void line() {
    constexpr const char* ends[] = {"\n",          "\n",        "\n\n", "\n\n\n",
                                    " # behind\n", "\n# own\n", " ",    "\n\n# far\n\n"};
    out_ += ends[below(8)];
  }

  void items(unsigned depth) {
    for (unsigned i = below(5); i > 0; --i) {
      item(depth);
      line();
    }
  }
  void body(unsigned depth) {
    word("{");
    if (below(2) == 0) line();
    if (depth < 4) items(depth + 1);
    out_ += "}";
  }
  void item(unsigned depth) {
    switch (below(6)) {
      case 0:
      case 1:
        word(name());
        word("=");
        expression(depth);
        break;
      case 2:
        word(name());
        word("\"label\"");
        if (below(2) == 0) word("as x");
        if (below(2) == 0) body(depth);
        break;
      case 3: word(name()), body(depth); break;
      case 4:
        word(below(2) == 0 ? "allow" : "deny");
        word("\"" + name() + "\"");
        flow(depth);
        if (below(2) == 0) body(depth);
        break;
      default:
        word(below(2) == 0 ? "never" : "expect");
        word(below(2) == 0 ? "allow" : "deny");
        flow(depth);
        break;
    }
  }
  void flow(unsigned depth) {
    operand(depth);
    word(below(2) == 0 ? "->" : "<->");
    operand(depth);
    if (below(2) == 0) return;
    word("on");
    operand(depth);
  }
  void operand(unsigned depth) {
    word("(");
    expression(depth + 1);
    word(")");
  }
  void several(unsigned depth) {
    for (unsigned i = below(below(6) == 0 ? 20 : 4); i > 0; --i) {
      expression(depth + 1);
      if (below(8) == 0) line();
      word(",");
      if (below(8) == 0) line();
    }
  }
  void expression(unsigned depth) {
    static constexpr const char* leaves[] = {
        "name", "1",          "10.0.0.0/8", "tcp/445", "\"a ${b} é\"",
        "true", "2022-01-01", "30d",        "null",    "\"\"\"\n   x\n  y ${z}\n  \"\"\""};
    if (depth > 4) return word(leaves[below(10)]);
    switch (below(12)) {
      case 0: word("["), several(depth), word("]"); break;
      case 1: word("f("), several(depth), word(")"); break;
      case 2: object(depth); break;
      case 3: word("!"), operand(depth); break;
      case 4: operand(depth), word(below(2) == 0 ? "&&" : "except"), expression(depth + 1); break;
      case 5:
        operand(depth), word("?"), expression(depth + 1), word(":"), expression(depth + 1);
        break;
      case 6:
        word("[for a, b in"), expression(depth + 1), word(":"), expression(depth + 1), word("]");
        break;
      case 7:
        word("{ for a in"), operand(depth), word(":"), operand(depth), word("=>"), operand(depth),
            word("}");
        break;
      case 8: word("a[0].b"); break;
      default: word(leaves[below(10)]); break;
    }
  }
  void object(unsigned depth) {
    word("{");
    if (below(3) == 0) line();
    for (unsigned i = below(4); i > 0; --i) {
      word(below(2) == 0 ? name() : "\"key\"");
      word("=");
      expression(depth + 1);
      if (below(2) == 0) word(",");
      if (below(3) == 0) line();
    }
    word("}");
  }

  std::mt19937 random_;
  std::string out_;
};

std::string tree_without_comments(const std::string& text) {
  const Parsed parsed(text);
  EXPECT_EQ(parsed.errors(), Errors{}) << text;
  return parsed.tree();
}

TEST(Formatter, KeepsTheTreeAndItsOwnWork) {
  for (unsigned seed = 0; seed < 600; ++seed) {
    const std::string text = Generator(seed).file();
    const std::string once = formatted(text);
    ASSERT_EQ(tree_without_comments(text), tree_without_comments(once)) << text << "\n---\n"
                                                                        << once;
    ASSERT_EQ(once, formatted(once)) << text;
    const auto count = [](const std::string& in) { return std::count(in.begin(), in.end(), '#'); };
    ASSERT_EQ(count(text), count(once)) << text << "\n---\n" << once;
  }
}

}  // namespace
}  // namespace hcipol::syntax
