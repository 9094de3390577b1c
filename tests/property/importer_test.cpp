// Random rows, written in a random format and imported again, open what the rows say; mistakes are
// told of where they stand; and damaged lists get an answer.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "support/text.h"
#include "tests/support/imported.h"

namespace hcipol::test {
namespace {

using nlohmann::json;

struct Row {
  std::string group, host, note;
  std::vector<std::string> ports;  ///< "443", "5000-5099", "udp/53"
  std::string beside{};            ///< stands before the host and is none
};

enum class Format { plain_json, quotes, table, page, csv, semicolons, lines, bullets };

class Writer {
 public:
  explicit Writer(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return random_() % n; }
  template <class T>
  const T& one_of(const std::vector<T>& list) {
    return list[below(list.size())];
  }

  std::string host() {
    static const std::vector<std::string> labels{"a",   "login", "eu-v20", "x_y", "0abc",
                                                 "mcr", "data",  "you",    "url"};
    std::string out = below(4) == 0 ? "*" : one_of(labels);
    for (auto n = 1 + below(3); n > 0; --n) out += "." + one_of(labels);
    return out + one_of(std::vector<std::string>{".net", ".com", ".microsoft.com"});
  }

  Row row(Format format) {
    static const std::vector<std::string> groups{"Azure Local AKS infra", "Arc | gateway", "",
                                                 "Qualys \"EU\"", "Datacenter ${x} \\ y"};
    static const std::vector<std::string> notes{
        "", "plain", "a, b; c", "50 % of “it”", "back\\slash ${var.x}", "`code` | bar", "é → ü"};
    static const std::vector<std::string> ports{"80",        "443",    "8084",
                                                "5000-5099", "udp/53", "tcp/123"};
    // Lists without columns have one port, and say it in the address.
    if (format == Format::lines) return {"", host(), "", {std::to_string(1 + below(65535))}};
    if (format == Format::bullets) return {"", host(), "", {below(2) == 0 ? "80" : "443"}};
    Row out{one_of(groups), host(), one_of(notes), {one_of(ports)}};
    if (below(4) == 0) out.beside = "say \"é|\" ";
    while (below(3) == 0) out.ports.push_back(one_of(ports));
    return out;
  }

  std::string text(const std::vector<Row>& rows, Format format) {
    switch (format) {
      case Format::plain_json:
        return as_json(rows).dump(static_cast<int>(below(3)), ' ', below(2) == 0);
      case Format::quotes: return quotes(rows);
      case Format::table: return "# Page\n\nProse.\n\n" + table(rows);
      case Format::page: return "Prose.\n\n```json\n" + as_json(rows).dump(2) + "\n`````\n";
      case Format::csv: return csv(rows, ',');
      case Format::semicolons: return csv(rows, ';');
      case Format::lines: return lines(rows);
      case Format::bullets: return bullets(rows);
    }
    return "";
  }

 private:
  static std::string joined(const std::vector<std::string>& ports) {
    std::string out;
    for (const std::string& port : ports) out += (out.empty() ? "" : ", ") + port;
    return out;
  }

  json as_json(const std::vector<Row>& rows) {
    json out = json::array();
    for (const Row& row : rows) {
      json one{{"Service", row.group}, {"URL", row.beside + row.host}, {"Notes", row.note}};
      if (row.ports.size() == 1 &&
          row.ports[0].find_first_not_of("0123456789") == std::string::npos && below(2) == 0) {
        one["Port"] = std::stoi(row.ports[0]);
      } else if (below(2) == 0) {
        one["Port"] = row.ports;
      } else {
        one["Port"] = joined(row.ports);
      }
      out.push_back(std::move(one));
    }
    if (below(3) == 0) return json{{"version", 1}, {"endpoints", std::move(out)}};
    return out;
  }

  // Every other pair of quotation marks is typographic, some with the wrong one at the end.
  std::string quotes(const std::vector<Row>& rows) {
    const auto quoted = [&](const std::string& text) {
      const std::string plain = json(text).dump();
      if (plain.find("\\\"") != std::string::npos || below(2) == 0) return plain;
      const std::string inner = plain.substr(1, plain.size() - 2);
      return "“" + inner + (below(3) == 0 ? "“" : "”");
    };
    std::string out = "[";
    for (const Row& row : rows) {
      out += out.size() == 1 ? "{ " : ",\n{ ";
      out += quoted("Service") + ": " + quoted(row.group) + ", " + quoted("URL") + ": " +
             quoted(row.beside + row.host) + ", " + quoted("Port") + ": " +
             quoted(joined(row.ports)) + ", " + quoted("Notes") + ": " + quoted(row.note) + " }";
    }
    return out + "]";
  }

  std::string table(const std::vector<Row>& rows) {
    const auto escaped = [](const std::string& text) {
      std::string out;
      for (const char c : text) out += std::string(c == '|' || c == '\\' ? "\\" : "") + c;
      return out;
    };
    const auto cell = [&](const std::string& text) {
      return " " + escaped(text) + std::string(below(3), ' ') + " |";
    };
    std::string out = "| Id | Service | Endpoint URL | Port | Notes |\n|---|:--|---|--:|---|\n";
    for (const Row& row : rows) {
      const std::string host =
          escaped(row.beside) + (below(2) == 0 ? "`" + row.host + "`" : row.host);
      out += "| 7 |" + cell(row.group) + " " + host + " |" + cell(joined(row.ports)) +
             cell(row.note) + "\n";
    }
    return out;
  }

  std::string csv(const std::vector<Row>& rows, char separator) {
    const auto field = [&](const std::string& text) {
      if (text.find_first_of("\",;\n") == std::string::npos && below(2) == 0) return text;
      std::string out = "\"";
      for (const char c : text) out += std::string(c == '"' ? "\"" : "") + c;
      return out + "\"";
    };
    const std::string end = below(2) == 0 ? "\n" : "\r\n";
    std::string out = std::string("Service") + separator + "Endpoint" + separator + "Ports" +
                      separator + "Description" + end;
    for (const Row& row : rows) {
      out += field(row.group) + separator + field(row.beside + row.host) + separator +
             field(joined(row.ports)) + separator + field(row.note) + end;
    }
    return out;
  }

  std::string lines(const std::vector<Row>& rows) {
    const std::string end = below(2) == 0 ? "\n" : "\r\n";
    std::string out = "# names" + end;
    for (const Row& row : rows) {
      out += row.host + (below(2) == 0 ? ":" : " ") + row.ports[0] + end;
    }
    return out;
  }

  std::string bullets(const std::vector<Row>& rows) {
    std::string out = "Open these:\n\n";
    for (const Row& row : rows) {
      std::string url = (row.ports[0] == "80" ? "http://" : "https://") + row.host;
      if (below(2) == 0) url.insert(url.find(':'), "\\");
      if (const auto star = url.find('*'); star != std::string::npos) url.insert(star, "\\");
      out += "- " + url + (below(4) == 0 ? "/" : "") + "\n";
    }
    return out;
  }

  std::mt19937 random_;
};

constexpr unsigned formats = 8;

Opened meant_by(const std::vector<Row>& rows) {
  Opened out;
  for (const Row& row : rows) {
    for (const std::string& port : row.ports) {
      const bool bare = port.find('/') == std::string::npos;
      // 123 without a protocol is NTP, unless the address has a scheme.
      const std::string protocol = port == "123" ? "udp/" : "tcp/";
      out.emplace(row.host, bare ? protocol + port : port);
    }
  }
  return out;
}

class Importer : public testing::TestWithParam<unsigned> {};

TEST_P(Importer, OpensWhatTheRowsSay) {
  for (unsigned i = 0; i < formats; ++i) {
    Writer writer(GetParam() * formats + i);
    const auto format = static_cast<Format>(i);
    std::vector<Row> rows;
    for (auto n = 1 + writer.below(12); n > 0; --n) rows.push_back(writer.row(format));
    const std::string text = writer.text(rows, format);
    const Outcome outcome = import_list("list", text);
    ASSERT_EQ(outcome.exit, 0) << outcome.err << text;
    EXPECT_EQ(difference(meant_by(rows), opened_by(outcome.out, "public")), "")
        << text << outcome.out;
  }
}

TEST_P(Importer, TellsWhereAMistakeStands) {
  for (unsigned i = 0; i < formats; ++i) {
    Writer writer(GetParam() * formats + i);
    const auto format = static_cast<Format>(i);
    std::vector<Row> rows;
    for (auto n = 1 + writer.below(12); n > 0; --n) rows.push_back(writer.row(format));
    rows[writer.below(rows.size())].host = "yourvault.vault.azure.net";
    const std::string text = writer.text(rows, format);
    const std::size_t at = text.find("yourvault");
    ASSERT_NE(at, std::string::npos) << text;
    const std::string before = text.substr(0, at);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t start = before.rfind('\n') == std::string::npos ? 0 : before.rfind('\n') + 1;
    const std::size_t column = code_points(before.substr(start)) + 1;
    const Outcome outcome = import_list("list", text);
    EXPECT_EQ(outcome.exit, 1) << text;
    EXPECT_EQ(outcome.out, "");
    const std::string place = "list:" + std::to_string(line) + ":" + std::to_string(column) +
                              ": error[E0804]: `yourvault.vault.azure.net`";
    EXPECT_NE(outcome.err.find(place), std::string::npos) << place << "\n" << outcome.err << text;
  }
}

TEST_P(Importer, DamagedListsGetAnAnswer) {
  static const std::vector<std::string> pieces{
      "{",   "}", "[",    "]",  "\"", "“",    "”", "\\",       "|",        "\n",
      "```", ",", ":",    ";",  "\t", "\xff", "*", "https://", "//",       "<",
      ">",   "(", "<br>", "--", "\r", "your", "0", "-",        "\xC2\xA0", "\\u00e9"};
  for (unsigned i = 0; i < formats; ++i) {
    Writer writer(GetParam() * formats + i);
    std::vector<Row> rows;
    for (auto n = 1 + writer.below(5); n > 0; --n) {
      rows.push_back(writer.row(static_cast<Format>(i)));
    }
    std::string text = writer.text(rows, static_cast<Format>(i));
    for (auto n = 1 + writer.below(5); n > 0; --n) {
      const std::size_t at = writer.below(text.size());
      if (writer.below(3) == 0)
        text.erase(at, 1 + writer.below(4));
      else
        text.insert(at, writer.one_of(pieces));
      if (text.empty()) text = "x";
    }
    const bool skip = writer.below(2) == 0;
    const Outcome outcome =
        import_list("list", text,
                    skip ? std::vector<std::string>{"--skip-refused"} : std::vector<std::string>{});
    ASSERT_TRUE(outcome.exit == 0 || outcome.exit == 1) << outcome.err << text;
    if (outcome.exit == 0) {
      opened_by(outcome.out, "public");  // fails if it does not compile
    } else {
      EXPECT_EQ(outcome.out, "");
      EXPECT_NE(outcome.err.find("error[E"), std::string::npos) << text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Random, Importer, testing::Range(0u, 60u));

}  // namespace
}  // namespace hcipol::test
