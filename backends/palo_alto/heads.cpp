// Whoever applies a file must know which rules are asked before ours, and which get no traffic any
// more; both depend on the place. "Device Group Policies" and "Defining Policies on Panorama"
// (Panorama Administrator's Guide) have the order: pre-rules of `shared`, of parents, of the group;
// the firewall's own; post-rules of the group, of parents, of `shared`.
#include "backends/palo_alto/heads.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "backends/palo_alto/names.h"
#include "backends/palo_alto/place.h"
#include "support/text.h"

namespace hcipol::backends::palo_alto {

namespace {

using Rules = Location::Rules;

constexpr std::size_t line_width = 96;

/// The sentences as lines of a comment.
std::string comment(std::string_view text) {
  std::string out;
  std::string line = "#";
  for (const std::string_view word : split(text, ' ')) {
    if (line.size() > 1 && line.size() + 1 + word.size() > line_width) {
      out += line + "\n";
      line = "#";
    }
    line += ' ';
    line += word;
  }
  return out + line + "\n";
}

/// What the clean-up denies.
std::string seen(const Document& document) {
  std::vector<std::string> texts;
  for (const std::string& each : document.denied) texts.push_back("`" + each + "`");
  return list_of(texts);
}

std::string asked_before(const Document& document) {
  const Location& location = document.location;
  const bool post = location.rulebase == "post-rulebase";
  std::string out;
  switch (location.rules) {
    case Rules::vsys:
      out = "If Panorama manages the firewall, its pre-rules come before all of these.";
      break;
    case Rules::device_group:
      out = post ? "All pre-rules, of this device group, its parents, `shared` and the device "
                   "groups below it, come before all of these, and so do the firewall's own rules "
                   "and the post-rules of device groups below this one."
                 : "Pre-rules of parent device groups and of `shared` come before all of these.";
      break;
    case Rules::shared:
      if (!post) return out;
      out =
          "All pre-rules, the firewall's own rules and the post-rules of every device group come "
          "before all of these.";
      break;
  }
  return out;
}

/// Of what stands below the rules, that which comes before the clean-up.
std::string asked_between(const Location& location) {
  const std::string below = location.rules == Rules::shared
                                ? "all pre-rules of device groups"
                                : "pre-rules of device groups below this one";
  const std::string post = location.rules == Rules::shared
                               ? "the post-rules of every device group"
                               : "post-rules of device groups below this one";
  return fmt::format(
      "These rules do not end with the clean-up, which stands on top of the post-rules. What they "
      "do not match is decided before it by whatever stands below the block in the pre-rules, by "
      "{}, by the firewall's own rules and by {}: an allow there opens what the policy closes.",
      below, post);
}

std::string about_place(const Document& document) {
  const Location& location = document.location;
  std::string out = comment(fmt::format(
      "PAN-OS asks rules from the top and takes the first that matches, and a load puts rules "
      "behind those that are there, after an update as well. So the `move` commands are part of "
      "each load: they put ours as one block, in their order, {}. Whatever stands above the block "
      "decides first: an allow there that matches the servers opens what the policy closes, a deny "
      "closes what it opens. Another cluster's block that is moved later stands above this one.",
      document.before.empty() ? "on top" : fmt::format("right before `{}`", document.before)));
  if (const std::string before = asked_before(document); !before.empty()) out += comment(before);
  if (document.denied.empty()) return out;
  const bool split = location.rulebase != location.cleanup_rulebase;
  if (split) out += comment(asked_between(location));
  out += comment(fmt::format(
      "Whatever stands below the clean-up gets nothing of {} any more; all other traffic goes on "
      "to it.",
      seen(document)));
  return out;
}

// What only Panorama's firewalls can tell: whether zones and profiles exist, and how much they
// hold.
std::string about_panorama(const Location& location) {
  std::string line = "commit-all shared-policy";
  std::string api = "<commit-all><shared-policy>";
  if (location.rules == Rules::device_group) {
    line += " device-group " + quoted_if(location.name);
    api += fmt::format("<device-group><entry name=\"{}\"/></device-group>", location.name);
  }
  std::string out =
      comment(
          "Panorama knows no zones: what `validate full` says here is only that the rules are "
          "well formed. After your commit to Panorama, and before the push, let the firewalls "
          "look:") +
      fmt::format(
          "#   {} validate-only yes\n"
          "# or by API type=commit, action=all,\n"
          "#   cmd={}<validate-only>yes</validate-only></shared-policy></commit-all>\n",
          line, api);
  out += comment(
      "Either only starts a job: `show jobs id N` has what the firewalls found. Without the push "
      "nothing changes on any firewall.");
  if (location.rules == Rules::device_group) {
    out += comment(
        "It reaches the firewalls of this very device group: if there are groups below it, repeat "
        "it, and the push, with the name of each.");
  }
  return out + comment(
                   "What a firewall holds at most it says itself: show system state | match "
                   "cfg.general.max");
}

std::string about_lock() {
  return comment(
             "Before you begin, in operational mode: `show config diff` must show nothing. What "
             "others have pending goes live with your commit, and is lost where you give up and "
             "load the running configuration. If it shows something, agree with its owners "
             "first.") +
         comment(
             "The commit lock keeps others from committing what is half done. Your own commit, as "
             "the same administrator, releases it; to give it up without one, in operational mode: "
             "request commit-lock remove");
}

/// What stops for the servers. Where Panorama is, it stops at the push.
std::string about_cleanup(const Document& document) {
  if (document.denied.empty()) return {};
  return comment(fmt::format(
      "From the {} on, of {} only what the rules above the clean-up allow goes through. If DNS, "
      "domain controllers, time or your own way in is part of that and not among what they allow, "
      "it stops.",
      document.location.panorama() ? "push" : "commit", seen(document)));
}

bool has_ipv6(const Document& document) {
  return std::any_of(document.addresses.begin(), document.addresses.end(), [](const auto& entry) {
    return entry.second.kind != Address::Kind::fqdn &&
           entry.second.value.find(':') != std::string::npos;
  });
}

std::string about_version(const Document& document) {
  std::string out;
  if (has_ipv6(document)) {
    out += comment(
        "There are IPv6 addresses in it: IPv6 firewalling must be on (Device > Setup > Session), "
        "or the commit is refused.");
  }
  if (may_lose_members(document)) {
    out += comment(
        "PAN-OS before 10.1.7 or 10.2.3 can lose members of address groups in a partial load "
        "(PAN-198244): if it is one of these, stop, and update it, or build with format = "
        "\"set\".");
  }
  return out;
}

std::string about_update(const Document& document) {
  const std::string remove = beside(document.file_name, ".remove.txt");
  std::string first = "first";
  if (!document.set_commands) {
    first = fmt::format(
        "import this file first, as below, and look at it (`show config saved {}`): an import that "
        "failed leaves the last one of that name. Then",
        document.file_name);
  }
  return comment(fmt::format(
      "To update, {} paste the command-line part of the {} that belongs to the file that is loaded "
      "now; it ends in operational mode. Then {}, and commit both at once. That the lock is yours "
      "already is no fault.{} Without the deletes, rules that are gone stay, and rules, groups and "
      "URL categories that became narrower keep the ports, addresses and hosts that they had, "
      "since a load adds to what is there. What rules of yours use the device refuses to delete: "
      "of such a group take by hand what is gone from it.",
      first, remove,
      document.set_commands ? "all of this" : "all of the command line below the import",
      document.set_commands ? "" : " By API it is that file's API part and then this one's."));
}

}  // namespace

std::string beside(const std::string& file_name, const std::string& ending) {
  return file_name.substr(0, file_name.rfind('.')) + ending;
}

bool may_lose_members(const Document& document) {
  return !document.set_commands && !document.address_groups.empty() &&
         !document.version.starts_with("11.");
}

std::string quoted_if(const std::string& word) {
  return word.find(' ') == std::string::npos ? word : '"' + word + '"';
}

std::string head_of_apply(const Document& document) {
  const std::string remove = beside(document.file_name, ".remove.txt");
  std::string out =
      comment(fmt::format("{}: {}.", document.file_name, device_of(document.location)));
  out += document.location.panorama()
             ? about_panorama(document.location)
             : comment(
                   "What the device holds at most it says itself: show system state | match "
                   "cfg.general.max");
  out += about_version(document);
  out += comment("Nothing takes effect before a commit, which is left to you.");
  out += about_cleanup(document);
  out += about_lock();
  out += "#\n";
  out += about_update(document);
  out += comment(fmt::format(
      "If something on the way is refused, do not commit: mend it and do all of it again, or take "
      "it off with {}.",
      remove));
  return out + "#\n" + about_place(document);
}

std::string head_of_remove(const Document& document) {
  return comment(fmt::format(
             "Takes {} off again, and nothing else. What other rules still use the device refuses "
             "to delete, and it stays. Nothing takes effect before a commit, which is left to you: "
             "the command line below ends in operational mode, where an update goes on with the "
             "new file's commands.",
             document.file_name)) +
         about_lock();
}

std::string about_api() {
  return "# ---- HOST is the device, KEY an API key and ADMIN the administrator whose key it is; "
         "all\n"
         "# ---- are shell variables. curl checks the device's certificate: if it is signed by\n"
         "# ---- itself, put it into a file and its path into CURL_CA_BUNDLE. The lock is given up "
         "by\n"
         "# ---- type=op, cmd=<request><commit-lock><remove></remove></commit-lock></request>.\n";
}

}  // namespace hcipol::backends::palo_alto
