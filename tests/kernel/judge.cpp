// Files go the way that their heads describe: sets, then rules, then the hook.
#include "tests/kernel/judge.h"

#include <fmt/format.h>

#include <stdexcept>

#include "tests/support/gateway_kernel.h"

namespace hcipol::test::kernel {

namespace {

using net::Endpoint;

/// A busy machine may lose a packet; a rule that drops one drops the next as well.
constexpr int attempts = 3;

/// What the script beside the rules is told: "FORWARD:HCI-c" of `hooks`, "shared" of `table`.
std::string told(const Files& files, const std::string& word) {
  const std::string& script = files.at("apply.sh");
  const auto from = script.find("\n" + word + "=") + word.size() + 2;
  std::string out = script.substr(from, script.find('\n', from) - from);
  std::erase(out, '\'');
  return out;
}

std::string load_script(const Loader& loader, const Files& files) {
  if (*loader.variant == '\0') return "nft -f ruleset.nft";
  const bool own = told(files, "table") == "own";
  std::string out = "export XTABLES_LOCKFILE=$PWD/lock\n[ ! -e ipset ] || ipset restore < ipset\n";
  for (const auto& [tool, file] : {std::pair("iptables", "rules.v4"), {"ip6tables", "rules.v6"}}) {
    out += fmt::format("{}-{}-restore -w 10 {} < {}\n", tool, loader.variant,
                       own ? "" : "--noflush", file);
    if (own) continue;
    out += fmt::format("for hook in {}; do {}-{} -w 10 -I ${{hook%%:*}} 1 -j ${{hook#*:}}; done\n",
                       told(files, "hooks"), tool, loader.variant);
  }
  return out;
}

std::string unload_script(const Loader& loader) {
  if (std::string_view(loader.variant) != "legacy") return "nft flush ruleset; ipset destroy";
  return "export XTABLES_LOCKFILE=$PWD/lock\n"
         "for tool in iptables-legacy ip6tables-legacy; do\n"
         "for chain in INPUT FORWARD OUTPUT; do $tool -P $chain ACCEPT; done\n"
         "$tool -F; $tool -X; done\nipset destroy";
}

std::string words_of(const GatewayLab::Probe& probe, const Directory& names) {
  const auto words = [&](const net::Address& address) {
    const Endpoint end = names.endpoint(address);
    const auto* name = std::get_if<std::string>(&end);
    return net::to_string(address) + (name == nullptr ? "" : " (" + *name + ")");
  };
  return fmt::format("{} -> {} on {}", words(probe.from), words(probe.to),
                     net::to_string(net::ServiceSet::containing(probe.service)));
}

}  // namespace

const std::string& Judge::missing() {
  static const std::string why =
      GatewayLab::missing({"ip", "nft", "ipset", "dnsmasq", "iptables-nft-restore",
                           "iptables-legacy-restore", "ip6tables-legacy-restore"});
  return why;
}

Judge& Judge::one() {
  static Judge judge;
  return judge;
}

void Judge::resolve(const Files& files, const Directory& names, const std::string& folder) {
  if (!files.contains("dnsmasq.conf")) return;
  const std::vector<std::string> common{"--no-resolv", "--no-hosts",           "--bind-interfaces",
                                        "--user=root", "--keep-in-foreground", "--pid-file"};
  const auto start = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "dnsmasq");
    words.insert(words.end(), common.begin(), common.end());
    lab_.start(words);
  };
  start({"-C", folder + "/upstream.conf", "--listen-address=127.0.0.2"});
  start({"-C", folder + "/resolver.conf", "--listen-address=192.0.0.11", "--server=127.0.0.2"});
  for (const auto& [name, addresses] : names.all()) {
    int left = 100;
    while (!lab_.ask(name)) {
      if (--left == 0) throw std::runtime_error("dnsmasq does not answer for " + name);
    }
  }
}

std::vector<std::string> Judge::disagreements(const Loader& loader, const Files& files,
                                              const std::vector<Expectation>& expectations,
                                              const Directory& names,
                                              const net::AddressSet* machine) {
  if (machine != nullptr) lab_.own(*machine);
  Files written = files;
  written["upstream.conf"] = names.host_records();
  for (const char* name : {"dnsmasq.conf", "dnsmasq-cache.conf"}) {
    if (files.contains(name)) written["resolver.conf"] += files.at(name);
  }
  const gateway::Folder folder(written);
  const std::string go = "cd " + folder.path() + " || exit 1\n";
  const auto [status, out] = lab_.run(go + "set -e\n" + load_script(loader, files));
  std::vector<std::string> wrong;
  if (status != 0) wrong.push_back("does not load: " + out);
  if (status == 0) {
    resolve(files, names, folder.path());
    std::vector<std::size_t> open(expectations.size());
    for (std::size_t i = 0; i < open.size(); ++i) open[i] = i;
    std::vector<Fate> fates(expectations.size());
    for (int attempt = 0; attempt < attempts && !open.empty(); ++attempt) {
      std::vector<GatewayLab::Probe> probes;
      for (const std::size_t i : open) probes.push_back(expectations[i].probe);
      const std::vector<Fate> sent = machine == nullptr ? lab_.send(probes) : lab_.send_own(probes);
      std::vector<std::size_t> unmet;
      for (std::size_t k = 0; k < open.size(); ++k) {
        fates[open[k]] = sent[k];
        if (sent[k] != expectations[open[k]].fate) unmet.push_back(open[k]);
      }
      open = std::move(unmet);
    }
    probes_ += expectations.size();
    for (const std::size_t i : open) {
      wrong.push_back(fmt::format("{}: {} and not {}", words_of(expectations[i].probe, names),
                                  to_string(fates[i]), to_string(expectations[i].fate)));
    }
  }
  lab_.stop();
  lab_.run(go + unload_script(loader));
  if (machine != nullptr) lab_.own({});
  return wrong;
}

}  // namespace hcipol::test::kernel
