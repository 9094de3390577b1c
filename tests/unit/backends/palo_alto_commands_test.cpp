// The commands beside a file, carried out: on a model of a device's candidate configuration, and in
// a real shell with a curl that only says what it was asked for.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "palo_alto_policy.h"
#include "palo_alto_reader.h"
#include "palo_alto_samples.h"

namespace hcipol::backends::palo_alto::testing {
namespace {

using Lines = std::vector<std::string>;

Lines lines_in(const std::string& text) {
  Lines out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

std::string xml_of(pugi::xml_node node) {
  std::ostringstream out;
  node.print(out, " ");
  return out.str();
}

/// A candidate configuration that takes sections in and gives entries away.
class Candidate {
 public:
  explicit Candidate(const std::string& file) {
    file_.load_string(file.c_str());
    // A device that has the places, and nothing in them.
    tree_.load_string(file.c_str());
    const char* entries =
        "//rules/entry | //tag/entry | //address/entry | //address-group/entry | //service/entry | "
        "//application/entry | //schedule/entry | //external-list/entry | "
        "//custom-url-category/entry";
    for (const auto& entry : tree_.select_nodes(entries)) {
      entry.node().parent().remove_child(entry.node());
    }
    before_ = xml_of(tree_);
  }
  void load(const std::string& from, const std::string& to) {
    const auto source = file_.select_nodes(from.c_str());
    const auto target = tree_.select_nodes(to.c_str());
    ASSERT_EQ(source.size(), 1u) << from;
    ASSERT_EQ(target.size(), 1u) << to;
    for (const auto& entry : source.first().node().children()) {
      target.first().node().append_copy(entry);
    }
  }
  /// By an XPath that must find one entry.
  void remove(const std::string& path) {
    const auto found = tree_.select_nodes(path.c_str());
    ASSERT_EQ(found.size(), 1u) << path;
    found.first().node().parent().remove_child(found.first().node());
  }
  bool complete() const { return xml_of(tree_) == xml_of(file_); }
  bool as_before() const { return xml_of(tree_) == before_; }

 private:
  pugi::xml_document file_;
  pugi::xml_document tree_;
  std::string before_;
};

/// A word, or several in quotation marks.
std::string word_after(const std::string& line, const std::string& key) {
  const std::size_t at = line.find(key + " ") + key.size() + 1;
  if (line[at] == '"') return line.substr(at + 1, line.find('"', at + 1) - at - 1);
  return line.substr(at, line.find(' ', at) - at);
}

struct Options {
  const char* name;
  std::vector<std::pair<const char*, const char*>> options;
  const char* objects;  ///< as XPath
  const char* rules;
};

class PaloAltoCommands : public ::testing::TestWithParam<Options> {
 protected:
  Emission emitted() {
    sample(world_);
    for (const auto& [name, value] : GetParam().options) world_.option(name, std::string(value));
    Emission out = world_.emit();
    EXPECT_FALSE(world_.failed());
    return out;
  }
  World world_;
};

TEST_P(PaloAltoCommands, LoadAllOfTheFileAndTakeItOffAgain) {
  const Emission emission = emitted();
  ASSERT_EQ(emission.artefacts.size(), 3u);
  EXPECT_EQ(emission.artefacts[1].path, "prod.apply.txt");
  EXPECT_EQ(emission.artefacts[2].path, "prod.remove.txt");
  Candidate candidate(emission.artefacts[0].text);
  ASSERT_TRUE(candidate.as_before());
  for (const std::string& line : lines_in(emission.artefacts[1].text)) {
    if (!line.starts_with("load config partial from prod.xml ")) continue;
    ASSERT_TRUE(line.ends_with(" mode merge"));
    candidate.load(word_after(line, "from-xpath"), word_after(line, "to-xpath"));
  }
  EXPECT_TRUE(candidate.complete());
  for (const std::string& line : lines_in(emission.artefacts[2].text)) {
    if (!line.starts_with("delete ")) continue;
    // delete [place] kind … name, and names here have no blanks.
    const std::string name = line.substr(line.rfind(' ') + 1);
    for (const char* kind : {"rules", "tag", "address", "address-group", "application", "service",
                             "external-list", "schedule", "custom-url-category"}) {
      if (!line.ends_with(" " + std::string(kind) + " " + name)) continue;
      const bool rule = std::string(kind) == "rules";
      std::string path = std::string(rule ? GetParam().rules : GetParam().objects) + "/";
      if (rule) {
        for (const char* base : {"pre-rulebase", "post-rulebase", "rulebase"}) {
          if (line.find(" " + std::string(base) + " ") == std::string::npos) continue;
          path += std::string(base) + "/security/";
          break;
        }
      }
      if (std::string(kind) == "custom-url-category") path += "profiles/";
      candidate.remove(path + kind + "/entry[@name='" + name + "']");
    }
  }
  EXPECT_TRUE(candidate.as_before());
}

std::string run(const std::string& script) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("hcipol_palo_alto_" + std::to_string(::getpid()) + ".sh");
  std::ofstream(path) << script;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(
      popen(("sh -eu '" + path.string() + "' 2>&1").c_str(), "r"), pclose);
  std::string out;
  std::array<char, 4096> buffer{};
  while (const std::size_t got = fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    out.append(buffer.data(), got);
  }
  std::filesystem::remove(path);
  return out;
}

// What a shell makes of the lines for the XML API.
TEST_P(PaloAltoCommands, AreTheSameForTheApi) {
  const Emission emission = emitted();
  const std::string stub =
      "HOST=fw.example KEY=k1\ncurl() { for word in \"$@\"; do printf '%s\\n' \"$word\"; done; }\n";
  const auto part = [](const std::string& text) {
    return text.substr(text.find("# ---- Or XML API"));
  };
  Candidate candidate(emission.artefacts[0].text);
  std::size_t imports = 0;
  for (const std::string& line : lines_in(run(stub + part(emission.artefacts[1].text)))) {
    imports += line == "file=@prod.xml" ? 1 : 0;
    if (!line.starts_with("cmd=<load>")) continue;
    pugi::xml_document command;
    ASSERT_TRUE(command.load_string(line.substr(4).c_str())) << line;
    const auto partial = command.child("load").child("config").child("partial");
    EXPECT_STREQ(partial.child_value("from"), "prod.xml");
    EXPECT_STREQ(partial.child_value("mode"), "merge");
    candidate.load(partial.child_value("from-xpath"), partial.child_value("to-xpath"));
  }
  EXPECT_EQ(imports, 1u);
  EXPECT_TRUE(candidate.complete());
  for (const std::string& line : lines_in(run(stub + part(emission.artefacts[2].text)))) {
    if (line.starts_with("xpath=")) candidate.remove(line.substr(6));
  }
  EXPECT_TRUE(candidate.as_before());
}

TEST_P(PaloAltoCommands, FaultsAreFound) {
  const Emission emission = emitted();
  const auto faulty = [&](std::size_t file, const std::string& from, const std::string& to) {
    Emission changed = emission;
    std::string& text = changed.artefacts[file].text;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return difference(backend(), world_.device(), changed).value_or("");
  };
  const std::vector<std::pair<std::string, std::string>> in_apply{
      {"load config partial from prod.xml", "load config partial from other.xml"},
      {"load config partial", "load config"},
      {"mode merge", "mode replace"},
      {"<mode>merge", "<mode>replace"},
      {"from-xpath ", "from-xpath x"},
      {"/address", "/service"},
      {"</to-xpath>", "x</to-xpath>"},
      {"validate full", "commit"},
      {"curl -sS -H", "curl -k -H"},
      {"configure\n", ""},
      {" mode merge\n", " mode merge\ncommit\n"},
  };
  for (const auto& [from, to] : in_apply) EXPECT_NE(faulty(1, from, to), "") << from << to;
  const std::vector<std::pair<std::string, std::string>> in_remove{
      {" prod-main-admin.rdp\n", " prod-main-admin\n"},
      {"delete ", "delete shared x "},
      {"delete ", "set "},
      {"address host-10.1.0.11\n", "address host-10.1.0.11\n#"},
      {"action=delete", "action=set"},
      {"\nhost-10.1.0.11\n", "\n"},
      {"[@name='$name']", ""},
      {"<<'END'\n", "<<'END'\nx\n"},
      {"<<'END'\n", "<<'END'\n$(reboot)\n"},
      {"<<'END'", "<<END"},
      {"\nEND\n", "\n"},
  };
  for (const auto& [from, to] : in_remove) EXPECT_NE(faulty(2, from, to), "") << from << to;
}

constexpr const char* vsys = "/config/devices/entry/vsys/entry";
constexpr const char* group = "/config/devices/entry/device-group/entry";

INSTANTIATE_TEST_SUITE_P(
    Places, PaloAltoCommands,
    ::testing::Values(Options{"vsys1", {}, vsys, vsys},
                      Options{"vsys2", {{"vsys", "vsys2"}}, vsys, vsys},
                      Options{"shared_objects", {{"shared", "objects"}}, "/config/shared", vsys},
                      Options{"group", {{"device_group", "HCI West"}}, group, group},
                      Options{"group_pre",
                              {{"device_group", "HCI"}, {"rulebase", "pre"}, {"shared", "objects"}},
                              "/config/shared",
                              group},
                      Options{"panorama",
                              {{"shared", "all"}, {"rulebase", "post"}},
                              "/config/shared",
                              "/config/shared"}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(PaloAltoCommandsSet, HaveTheirOwnWayIn) {
  World world;
  sample(world);
  world.option("format", "set");
  const Emission emission = world.emit();
  ASSERT_FALSE(world.failed());
  const std::string& apply = emission.artefacts.at(1).text;
  EXPECT_NE(apply.find("set cli scripting-mode on\nconfigure\n"), std::string::npos);
  EXPECT_EQ(apply.find("load config"), std::string::npos);
  EXPECT_NE(
      emission.artefacts.at(2).text.find("delete rulebase security rules prod-main-admin.rdp\n"),
      std::string::npos);
}

TEST(PaloAltoCommandsUpdate, ARuleMoreIsALineMore) {
  World before;
  sample(before);
  const Emission one = before.emit();
  World after;
  sample(after);
  after.allow("main/more.x", {after.any()}, {after.servers()}, tcp(4711));
  const Emission two = after.emit();
  Lines old = lines_in(one.artefacts.at(2).text);
  const Lines fresh = lines_in(two.artefacts.at(2).text);
  std::size_t more = 0;
  for (const std::string& line : fresh) {
    if (!line.starts_with("delete ")) continue;
    more += std::find(old.begin(), old.end(), line) == old.end() ? 1 : 0;
  }
  EXPECT_EQ(more, 2u);  // the rule and its service
}

}  // namespace
}  // namespace hcipol::backends::palo_alto::testing
