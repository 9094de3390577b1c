// The commands beside a file, carried out: on a model of a device's candidate configuration, and in
// a real shell with a curl that only says what it was asked for.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
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
    // The vendor's page: from below the root on, and from the root on.
    ASSERT_TRUE(to.starts_with("/config/")) << to;
    const auto source = file_.child("config").select_nodes(from.c_str());
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

/// The rule bases of a device that has rules of its own, by what leads to them.
class InUse {
 public:
  explicit InUse(const std::string& file) {
    tree_.load_string(file.c_str());
    for (const auto& rules : tree_.select_nodes("//security/rules")) {
      Lines& order = order_[key(rules.node())];
      order = {"Theirs allow", "Theirs deny", "Theirs last"};
      for (const auto& rule : rules.node().children()) {
        order.push_back(rule.attribute("name").value());
      }
    }
  }
  void move(const std::string& rulebase, const std::string& name, const std::string& before) {
    ASSERT_EQ(order_.count(rulebase), 1u) << rulebase;
    Lines& order = order_[rulebase];
    const auto rule = std::find(order.begin(), order.end(), name);
    ASSERT_NE(rule, order.end()) << name;
    order.erase(rule);
    const auto to = before.empty() ? order.begin() : std::find(order.begin(), order.end(), before);
    ASSERT_FALSE(!before.empty() && to == order.end()) << before;
    order.insert(to, name);
  }
  /// Ours as one block, in the order of the file: on top, or in the first rule base before a rule.
  void expect_in_place(const std::string& before) const {
    bool first = true;
    for (const auto& rules : tree_.select_nodes("//security/rules")) {
      Lines expected;
      const auto add_ours = [&] {
        for (const auto& rule : rules.node().children()) {
          expected.push_back(rule.attribute("name").value());
        }
      };
      if (before.empty() || !first) add_ours();
      for (const char* theirs : {"Theirs allow", "Theirs deny", "Theirs last"}) {
        if (first && theirs == before) add_ours();
        expected.push_back(theirs);
      }
      EXPECT_EQ(order_.at(key(rules.node())), expected);
      first = false;
    }
    EXPECT_FALSE(first);
  }

 private:
  static std::string key(pugi::xml_node rules) { return rules.parent().parent().name(); }

  pugi::xml_document tree_;
  std::map<std::string, Lines> order_;
};

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

// Twice, since an update finds them somewhere: a deny that stands above ours is never asked.
TEST_P(PaloAltoCommands, PutTheRulesInPlaceAmongThoseOfOthers) {
  const Emission emission = emitted();
  InUse device(emission.artefacts[0].text);
  std::string before;
  for (const auto& [name, value] : GetParam().options) {
    if (std::string_view(name) == "before") before = value;
  }
  for (int load = 0; load < 2; ++load) {
    for (const std::string& line : lines_in(emission.artefacts[1].text)) {
      if (!line.starts_with("move ")) continue;
      std::string base = "rulebase";
      for (const char* other : {"pre-rulebase", "post-rulebase"}) {
        if (line.find(other) != std::string::npos) base = other;
      }
      const std::string name = word_after(line, "rules");
      if (line.ends_with(" top")) {
        device.move(base, name, "");
      } else {
        device.move(base, name, word_after(line + " ", "before"));
      }
    }
    device.expect_in_place(before);
  }
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

/// A device whose answers a shell command prints; before them, what it was asked for.
std::string device_that(const std::string& answers) {
  return "HOST=fw.example KEY=k1 ADMIN=adm.in\n"
         "curl() { for word in \"$@\"; do printf '%s\\n' \"$word\"; done; " +
         answers + "; }\n";
}
/// Of a device that does all it is asked for and finds nothing.
constexpr const char* fine =
    "echo '<response status=\"success\"><result><job>7</job></result><result><job>"
    "<status>FIN</status><result>OK</result></job></result></response>'";
std::string api_part(const std::string& text) {
  return text.substr(text.find("# ---- Or XML API"));
}
std::size_t count(const std::string& text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at) ++found;
  return found;
}

// What a shell makes of the lines for the XML API.
TEST_P(PaloAltoCommands, AreTheSameForTheApi) {
  const Emission emission = emitted();
  const std::string stub = device_that(fine);
  const auto part = api_part;
  InUse device(emission.artefacts[0].text);
  std::string before, base, name;
  Candidate candidate(emission.artefacts[0].text);
  std::size_t imports = 0;
  std::size_t locks = 0;
  for (const std::string& line : lines_in(run(stub + part(emission.artefacts[1].text)))) {
    imports += line == "file=@prod.xml" ? 1 : 0;
    if (line.starts_with("cmd=<request><commit-lock><add>")) {
      ++locks;
      EXPECT_EQ(imports, 0u);
    }
    if (line.starts_with("xpath=")) {
      const std::string from = line.substr(0, line.find("/security/"));
      base = from.substr(from.rfind('/') + 1);
      name = line.substr(line.rfind("[@name='") + 8);
      name.resize(name.size() - 2);
    }
    if (line == "where=top") device.move(base, name, "");
    if (line.starts_with("dst=")) device.move(base, name, before = line.substr(4));
    if (!line.starts_with("cmd=<load>")) continue;
    pugi::xml_document command;
    ASSERT_TRUE(command.load_string(line.substr(4).c_str())) << line;
    const auto partial = command.child("load").child("config").child("partial");
    EXPECT_STREQ(partial.child_value("from"), "prod.xml");
    EXPECT_STREQ(partial.child_value("mode"), "merge");
    candidate.load(partial.child_value("from-xpath"), partial.child_value("to-xpath"));
  }
  EXPECT_EQ(imports, 1u);
  EXPECT_EQ(locks, 1u);
  EXPECT_TRUE(candidate.complete());
  device.expect_in_place(before);
  for (const std::string& line : lines_in(run(stub + part(emission.artefacts[2].text)))) {
    if (line.starts_with("xpath=")) candidate.remove(line.substr(6));
  }
  EXPECT_TRUE(candidate.as_before());
}

// The device says in XML what it has not done, and curl is content with that.
TEST_P(PaloAltoCommands, StopLoadingAtTheFirstRefusal) {
  const std::string apply = api_part(emitted().artefacts[1].text);
  const std::string refused = "echo '<response status=\"error\" code=\"13\"/>'";
  const auto load = [&](const std::string& answers) {
    return run(device_that(answers) + apply + "echo after\n");
  };
  const std::string at_lock = load(refused);
  EXPECT_EQ(count(at_lock, "file=@prod.xml"), 0u);
  const std::string at_import =
      load("case $* in *commit-lock*) " + std::string(fine) + " ;; *) " + refused + " ;; esac");
  EXPECT_EQ(count(at_import, "file=@prod.xml"), 1u);
  EXPECT_EQ(count(at_import, "cmd=<load>"), 0u);
  const std::string at_load = load("case $* in *'cmd=<load>'*) " + refused +
                                   " ;; *) echo '<response status=\"success\"/>' ;; esac");
  EXPECT_EQ(count(at_load, "cmd=<load>"), 1u);
  const std::string no_device = load("return 7");
  EXPECT_EQ(count(no_device, "cmd=<load>"), 0u);
  for (const std::string& each : {at_lock, at_import, at_load, no_device}) {
    EXPECT_EQ(count(each, "action=move"), 0u) << each;
    EXPECT_EQ(count(each, "cmd=<validate>"), 0u) << each;
    EXPECT_EQ(count(each, "after"), 0u) << each;  // not even what a script would do next
  }
}

// Where ours are the only rules, the last of them that is moved may be on top already.
TEST_P(PaloAltoCommands, TakeARuleThatIsOnTopAlreadyForMoved) {
  const std::string apply = api_part(emitted().artefacts[1].text);
  const auto load = [&](const std::string& why) {
    return run(device_that("case $* in *action=move*) echo '<response status=\"error\"><msg>" +
                           why + "</msg></response>' ;; *) " + fine + " ;; esac") +
               apply);
  };
  EXPECT_EQ(count(load("rule is already at the top"), "cmd=<validate>"), 1u);
  EXPECT_EQ(count(load("no such rule"), "cmd=<validate>"), 0u);
}

// `validate full` answers with the number of a job, which is a success whatever the job finds.
TEST_P(PaloAltoCommands, WaitForWhatTheValidationFinds) {
  const std::string apply = api_part(emitted().artefacts[1].text);
  const auto load = [&](const std::string& job) {
    return run("sleep() { echo slept; }\n" +
               device_that("case $* in *'<show><jobs><id>12</id></jobs></show>'*) " + job +
                           " ;; *) echo '<response status=\"success\" code=\"19\"><result><msg>"
                           "<line>Validate job enqueued with jobid 12</line></msg><job>12</job>"
                           "</result></response>' ;; esac") +
               apply + "echo after\n");
  };
  const auto ended = [](const std::string& status, const std::string& result) {
    return "echo '<response status=\"success\"><result><job><id>12</id><status>" + status +
           "</status><result>" + result + "</result></job></result></response>'";
  };
  EXPECT_EQ(count(load(ended("FIN", "OK")), "\nafter\n"), 1u);
  const std::string failed = load(ended("FIN", "FAIL"));
  EXPECT_EQ(count(failed, "\nafter\n"), 0u);
  EXPECT_EQ(count(failed, "not valid: do not commit\n"), 1u);
  const std::string refused = load("echo '<response status=\"error\"/>'");
  EXPECT_EQ(count(refused, "\nafter\n"), 0u);
  // Asked twice, for each answer comes from a shell of its own: a file tells them apart.
  const std::string slow =
      load("if [ -e \"$0.seen\" ]; then rm \"$0.seen\"; " + ended("FIN", "OK") +
           "; else : > \"$0.seen\"; " + ended("ACT", "PEND") + "; fi");
  EXPECT_EQ(count(slow, "slept\n"), 1u) << slow;
  EXPECT_EQ(count(slow, "\nafter\n"), 1u);
}

// A second run finds the lock that the first one took.
TEST_P(PaloAltoCommands, GoOnWithTheirOwnLock) {
  const std::string apply = api_part(emitted().artefacts[1].text);
  const auto load = [&](const std::string& why) {
    return run(device_that("case $* in *commit-lock*) echo '<response status=\"error\"><msg>" +
                           why + "</msg></response>' ;; *) " + fine + " ;; esac") +
               apply + "echo after\n");
  };
  for (const char* own :
       {"You already own a commit lock for scope shared", "Commit lock is already held by adm.in",
        "<line>Commit lock is already held by adm.in.</line>",
        "<line>Commit lock is already held by adm.in for scope shared</line>"}) {
    EXPECT_EQ(count(load(own), "\nafter\n"), 1u) << own;
  }
  // `.` is part of names, and stands for no other character of them.
  for (const char* other : {"bob", "adm.in2", "adm.in.stra.tor", "adm_in", "adm", "xadm.in"}) {
    const std::string out = load("Commit lock is already held by " + std::string(other));
    EXPECT_EQ(count(out, "file=@"), 0u) << other;
    EXPECT_EQ(count(out, "already held by " + std::string(other) + "<"), 1u) << out;
    EXPECT_EQ(count(out, "give it up (request commit-lock remove) and run again"), 1u) << other;
  }
  const std::string neither = load("not allowed");
  EXPECT_EQ(count(neither, "file=@") + count(neither, "give it up"), 0u);
}

// Without a name, every lock would be that of nobody.
TEST_P(PaloAltoCommands, AskWhoseKeyItIs) {
  const Emission emission = emitted();
  for (const std::size_t file : {1u, 2u}) {
    for (const char* none : {"unset ADMIN\n", "ADMIN=\n"}) {
      const std::string out =
          run(device_that(fine) + none + api_part(emission.artefacts[file].text) + "echo after\n");
      EXPECT_EQ(count(out, "commit-lock") + count(out, "xpath=") + count(out, "after"), 0u) << out;
      EXPECT_NE(out.find("ADMIN"), std::string::npos);
    }
  }
}

// What every user of the machine can read.
TEST_P(PaloAltoCommands, HandTheKeyOverByNoArgument) {
  for (const Artefact& artefact : emitted().artefacts) {
    const std::string stub =
        "HOST=fw.example KEY=secret ADMIN=admin\n"
        "curl() { IFS= read -r header; echo \"header $header\"; printf '%s\\n' \"$@\"; " +
        std::string(fine) + "; }\n";
    if (!artefact.path.ends_with(".txt")) continue;
    const std::string out = run(stub + api_part(artefact.text));
    EXPECT_EQ(count(out, "secret"), count(out, "header X-PAN-KEY: secret\n"));
    EXPECT_GT(count(out, "secret"), 5u);
  }
}

TEST_P(PaloAltoCommands, GoOnRemovingAndSayWhatStays) {
  const Emission emission = emitted();
  const std::string remove = api_part(emission.artefacts[2].text);
  const std::size_t all = count(emission.artefacts[2].text, "\ndelete ");
  const auto without = [&](const std::string& name, const std::string& answer) {
    return run(
        device_that("case $* in *\"'" + name + "'\"*) " + answer + " ;; *) " + fine + " ;; esac") +
        remove + "echo after\n");
  };
  const std::string refusal = "echo '<response status=\"error\" code=\"10\"/>'";
  const std::string object = without("hci-host-10.1.0.11", refusal);
  EXPECT_EQ(count(object, "refused: hci-host-10.1.0.11\n"), 1u) << object;
  EXPECT_EQ(count(object, "refused: "), 1u);
  EXPECT_EQ(count(object, "xpath="), all);
  EXPECT_EQ(count(object, "\nafter\n"), 1u);
  // A rule that stays goes on deciding: all else is removed, and then it fails.
  const std::string rule = without("prod-main-admin.rdp", refusal);
  EXPECT_EQ(count(rule, "refused: prod-main-admin.rdp\n"), 1u);
  EXPECT_EQ(count(rule, "xpath="), all);
  EXPECT_EQ(count(rule, "\nafter\n"), 0u);
}

// Each would be called refused, and nobody would see that nothing was removed.
TEST_P(PaloAltoCommands, StopRemovingFromADeviceThatCannotBeAsked) {
  const std::string remove = api_part(emitted().artefacts[2].text);
  for (const char* answer :
       {"return 7",
        "echo \"<response status = 'error' code = '403'><result><msg>Invalid "
        "Credential</msg></result></response>\"",
        "echo '<response status=\"error\" code=\"16\"><msg><line>Unauthorized request</line></msg>"
        "</response>'"}) {
    const std::string whole =
        "case $* in *commit-lock*) " + std::string(fine) + " ;; *) " + answer + " ;; esac";
    const std::string out = run(device_that(whole) + remove + "echo after\n");
    EXPECT_LE(count(out, "xpath="), 1u) << answer;
    EXPECT_EQ(count(out, "refused: "), 0u) << answer;
    EXPECT_EQ(count(out, "\nafter\n"), 0u) << answer;
  }
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
      {"from-xpath ", "from-xpath /config/"},
      {"<from-xpath>", "<from-xpath>/config/"},
      {"/address", "/service"},
      {"</to-xpath>", "x</to-xpath>"},
      {"\nvalidate full", "\ncommit"},
      {"curl -sS -H", "curl -k -H"},
      {"|| return 2", ""},
      {"\nrequest commit-lock add\n", "\n"},
      {"\nlock\n", "\n"},
      {"*'already own'*|", "*|"},
      {"held by $ADMIN\"[\\<\\ \\\"]*|", "held by $ADMIN\"*|"},
      {"*'already held by'*)", "*'already'*)"},
      {"  : \"${ADMIN:?}\"\n", ""},
      {"\nvalidate\n", "\n"},
      {"*'<status>FIN</status>'*) break", "*'<status>FIN</status>'*) return 0"},
      {"*'<status>FIN</status>'*'<result>OK</result>'*) return 0", "*) return 0"},
      {"(set -eu\n", "(set -u\n"},
      {"*'<response status=\"success\"'*) return 0", "*) return 0"},
      {"*'already at the top'*) ;; *)", "*)"},
      {"move ", "#move "},
      {"where=", "where=x"},
      {"action=move", "action=set"},
      {"<<'END'\n", "<<'END'\nx\n"},
      {"<<'END'\n", "<<'END'\n$(reboot)\n"},
      {"configure\n", ""},
      {" mode merge\n", " mode merge\ncommit\n"},
  };
  for (const auto& [from, to] : in_apply) EXPECT_NE(faulty(1, from, to), "") << from << to;
  const std::vector<std::pair<std::string, std::string>> in_remove{
      {" prod-main-admin.rdp\n", " prod-main-admin\n"},
      {"delete ", "delete shared x "},
      {"delete ", "set "},
      {"address hci-host-10.1.0.11\n", "address hci-host-10.1.0.11\n#"},
      {"action=delete", "action=set"},
      {"\nhci-host-10.1.0.11\n", "\n"},
      {"[@name='$name']", ""},
      {"configure\n", ""},
      {"\nexit\n", "\n"},
      {"(set -u\n", "(set -eu\n"},
      {"echo \"refused: $name\" >&2", ":"},
      {"|| stays=1", "|| :"},
      {"|| :; done", "|| stays=1; done"},
      {"[ $? -eq 1 ] || exit 1", ":"},
      {"exit $stays)", ")"},
      {"lock || exit 1\n", ""},
      {"\nrequest commit-lock add\n", "\n"},
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
    ::testing::Values(
        Options{"vsys1", {}, vsys, vsys}, Options{"vsys2", {{"vsys", "vsys2"}}, vsys, vsys},
        Options{"before", {{"before", "Theirs deny"}}, vsys, vsys},
        Options{"group_before", {{"device_group", "HCI"}, {"before", "Theirs deny"}}, group, group},
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

std::string in_one_line(const std::string& text) {
  std::string out;
  for (const std::string& line : lines_in(text)) {
    if (line.starts_with("# ")) out += line.substr(1);
  }
  return out;
}

// Zones are known to the firewalls alone, and without a push nothing reaches them.
TEST(PaloAltoCommandsPanorama, SpeakOfThePush) {
  const auto apply = [](const std::vector<std::pair<const char*, const char*>>& options) {
    World world;
    sample(world);
    for (const auto& [name, value] : options) world.option(name, std::string(value));
    return world.emit().artefacts.at(1).text;
  };
  const std::string text = apply({{"device_group", "HCI West"}});
  EXPECT_NE(text.find("#   commit-all shared-policy device-group \"HCI West\" validate-only yes\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("<device-group><entry name=\"HCI West\"/></device-group>"),
            std::string::npos);
  EXPECT_NE(apply({{"shared", "all"}}).find("#   commit-all shared-policy validate-only yes\n"),
            std::string::npos);
  EXPECT_EQ(apply({}).find("commit-all"), std::string::npos);
  // A push goes to the firewalls of one device group.
  EXPECT_NE(in_one_line(text).find("repeat it, and the push, with the name of each"),
            std::string::npos);
  for (const std::string& line : lines_in(text)) {
    const bool commits = count(line, "commit") > count(line, "commit-lock");
    EXPECT_TRUE(line.starts_with("#") || line.ends_with(">&2") || !commits) << line;
  }
}

// "Device Group Policies": pre-rules of `shared`, parents, the group and those below it; the
// firewall's own; post-rules in the opposite order.
TEST(PaloAltoCommandsPlace, SayWhichRulesComeBeforeAndWhichGetNothingAnyMore) {
  const auto head = [](const std::vector<std::pair<const char*, const char*>>& options) {
    World world;
    sample(world);
    for (const auto& [name, value] : options) world.option(name, std::string(value));
    return in_one_line(world.emit().artefacts.at(1).text);
  };
  struct Case {
    std::vector<std::pair<const char*, const char*>> options;
    std::vector<const char*> said;
    std::vector<const char*> not_said;
  };
  constexpr const char* split = "do not end with the clean-up";
  constexpr const char* parents = "Pre-rules of parent device groups and of `shared` come before";
  const std::vector<Case> cases{
      {{}, {"its pre-rules come before all of these"}, {split, parents, "post-rules"}},
      {{{"device_group", "HCI"}},
       {parents, split, "stands below the block in the pre-rules",
        "pre-rules of device groups below this one", "the firewall's own rules"},
       {"All pre-rules"}},
      {{{"device_group", "HCI"}, {"rulebase", "pre"}}, {parents}, {split, "All pre-rules"}},
      {{{"device_group", "HCI"}, {"rulebase", "post"}},
       {"All pre-rules, of this device group, its parents, `shared` and the device groups below "
        "it, "
        "come before",
        "the firewall's own rules and the post-rules of device groups below this one"},
       {split, parents}},
      {{{"shared", "all"}},
       {split, "all pre-rules of device groups", "the post-rules of every device group"},
       {parents, "All pre-rules"}},
      {{{"shared", "all"}, {"rulebase", "post"}},
       {"All pre-rules, the firewall's own rules and the post-rules of every device group come"},
       {split, parents}}};
  for (const Case& each : cases) {
    const std::string text = head(each.options);
    for (const char* said : each.said) EXPECT_NE(text.find(said), std::string::npos) << text;
    for (const char* none : each.not_said) EXPECT_EQ(text.find(none), std::string::npos) << text;
    EXPECT_NE(text.find("gets nothing of `servers -> any` and `any -> servers` any more"),
              std::string::npos)
        << text;
  }
}

/// What the files say to whoever pastes them.
struct Heads {
  std::string apply;
  std::string remove;
};
Heads heads(const std::vector<std::pair<const char*, const char*>>& options) {
  World world;
  sample(world);
  for (const auto& [name, value] : options) world.option(name, std::string(value));
  const Emission emission = world.emit();
  return {in_one_line(emission.artefacts.at(1).text), in_one_line(emission.artefacts.at(2).text)};
}
bool says(const std::string& text, std::string_view what) {
  return text.find(what) != std::string::npos;
}

TEST(PaloAltoCommandsHead, SayWhatStopsAndWhoseChangesGoAlong) {
  const Heads firewall = heads({});
  EXPECT_TRUE(says(firewall.apply,
                   "From the commit on, of `servers -> any` and `any -> servers` only what the "
                   "rules above the clean-up allow goes through. If DNS, domain controllers, time "
                   "or your own way in is part of that and not among what they allow, it stops."))
      << firewall.apply;
  EXPECT_TRUE(says(heads({{"device_group", "HCI"}}).apply, "From the push on, of "));
  World open;
  sample(open);
  open.flag("default_deny", false);
  EXPECT_FALSE(says(in_one_line(open.emit().artefacts.at(1).text), "it stops"));
  for (const std::string& head : {firewall.apply, firewall.remove}) {
    EXPECT_TRUE(says(head, "`show config diff` must show nothing")) << head;
  }
}

TEST(PaloAltoCommandsHead, SayHowAnUpdateGoes) {
  const Heads xml = heads({});
  EXPECT_TRUE(says(xml.apply,
                   "import this file first, as below, and look at it (`show config "
                   "saved prod.xml`): an import that failed leaves the last one"))
      << xml.apply;
  EXPECT_TRUE(says(xml.apply,
                   "rules, groups and URL categories that became narrower keep the "
                   "ports, addresses and hosts that they had"));
  EXPECT_FALSE(says(heads({{"format", "set"}}).apply, "import"));
  // The one file ends where the other begins.
  World world;
  sample(world);
  const Emission emission = world.emit();
  const std::string& remove = emission.artefacts.at(2).text;
  const std::string by_line = remove.substr(0, remove.find("# ---- Or XML API"));
  EXPECT_TRUE(by_line.ends_with("\nexit\n\n")) << by_line;
  const std::string& apply = emission.artefacts.at(1).text;
  EXPECT_LT(apply.find("\nscp import"), apply.find("\nrequest commit-lock add\n"));
}

TEST(PaloAltoCommandsHead, WarnOfWhatVersionsAndSettingsDo) {
  constexpr const char* lost = "can lose members of address groups";
  constexpr const char* look = "see that the groups have all of their members: show ";
  for (const char* version : {"9.1", "10.1", "10.2"}) {
    const Heads old = heads({{"version", version}});
    EXPECT_TRUE(says(old.apply, lost)) << version;
    EXPECT_TRUE(says(old.apply, std::string(look) + "address-group")) << old.apply;
  }
  EXPECT_TRUE(says(heads({{"device_group", "HCI West"}}).apply,
                   std::string(look) + "device-group \"HCI West\" address-group"));
  for (const Heads& other : {heads({{"version", "11.0"}}), heads({{"format", "set"}})}) {
    EXPECT_FALSE(says(other.apply, lost) || says(other.apply, look));
  }
  constexpr const char* ipv6 = "IPv6 firewalling must be on (Device > Setup > Session)";
  EXPECT_TRUE(says(heads({}).apply, ipv6));
  World world;
  world.servers("10.1.0.11");
  world.allow("main/a.b", {world.any()}, {world.endpoint("e", {"a.example"})}, tcp(443));
  EXPECT_FALSE(says(in_one_line(world.emit().artefacts.at(1).text), ipv6));
}

// What the target does not see is denied by nothing here.
TEST(PaloAltoCommandsPlace, NameWhatIsDenied) {
  World world;
  sample(world);
  world.sees(world.literal("10.0.5.0/28"), world.servers(), false, tcp(443));
  const std::string text = in_one_line(world.emit().artefacts.at(1).text);
  EXPECT_NE(text.find("gets nothing of `management -> servers on tcp/443` any more"),
            std::string::npos)
      << text;
  world.flag("default_deny", false);
  EXPECT_EQ(in_one_line(world.emit().artefacts.at(1).text).find("any more"), std::string::npos);
}

TEST(PaloAltoCommandsSet, HaveTheirOwnWayIn) {
  World world;
  sample(world);
  world.option("format", "set");
  const Emission emission = world.emit();
  ASSERT_FALSE(world.failed());
  const std::string& apply = emission.artefacts.at(1).text;
  EXPECT_NE(apply.find("set cli scripting-mode on\nrequest commit-lock add\nconfigure\n"),
            std::string::npos);
  EXPECT_EQ(apply.find("load config"), std::string::npos);
  EXPECT_NE(apply.find("\nmove rulebase security rules prod-main-admin.rdp top\n"),
            std::string::npos);
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
  // To load it, each way has a line more.
  Lines before_it = lines_in(one.artefacts.at(1).text);
  Lines with_it = lines_in(two.artefacts.at(1).text);
  std::sort(before_it.begin(), before_it.end());
  std::sort(with_it.begin(), with_it.end());
  Lines added;
  std::set_difference(with_it.begin(), with_it.end(), before_it.begin(), before_it.end(),
                      std::back_inserter(added));
  EXPECT_EQ(added,
            (Lines{"move rulebase security rules prod-main-more.x top", "prod-main-more.x"}));
  EXPECT_EQ(with_it.size(), before_it.size() + 2);
}

}  // namespace
}  // namespace hcipol::backends::palo_alto::testing
