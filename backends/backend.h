// What a backend is: a row with a name, options, capabilities and a function that writes files.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/common/reading.h"
#include "diagnostics/reporter.h"
#include "flow/flow.h"
#include "flow/optimise.h"
#include "sema/option.h"

namespace hcipol::backends {

/// Leads from a rule of an artefact back to the policy.
struct SourceMapEntry {
  std::string id;  ///< the device rule's name, as the artefact has it
  const policy::Rule* rule = nullptr;
};

/// One file to write.
struct Artefact {
  std::string path;  ///< below build/<cluster>/<target>/
  std::string text;
  std::vector<SourceMapEntry> rules;   ///< in artefact order
  const policy::Node* node = nullptr;  ///< the server whose firewall the file is for
};

/// What a device matches beyond a rule: connections from `from` to `to` on `on`, where an empty one
/// is as in the rule. Peers are patterns of host names, addresses, "service tag NAME", or
/// "addresses of NAME", which others may have as well.
struct Wider {
  std::vector<std::string> from;
  std::vector<std::string> to;
  std::string on;  ///< services: "udp/123"

  friend bool operator==(const Wider&, const Wider&) = default;
};

/// Packets that the device treats otherwise than a rule says: `added` match the device's form of
/// the rule (whether or not they match the rule itself), `lost` match the rule and not that form.
struct Change {
  enum class Kind { added, lost };
  Kind kind = Kind::added;
  net::Box box;
  /// On host firewalls: of which server, and in which direction.
  const policy::Node* node = nullptr;
  bool inbound = false;
};

/// Something that the device says less exactly than the policy, or not at all. On the terminal it
/// is a warning; in the manifest it is this.
struct Remark {
  std::string_view code;               ///< "W0611", "W0614", "W0615"
  const policy::Rule* rule = nullptr;  ///< null if it concerns the whole device
  std::string text;                    ///< names everything, however long
  std::vector<Wider> wider;            ///< of a W0611, for people: not empty
  /// What exactly is meant: no more and no less is forgiven when the artefacts are read back.
  std::vector<Change> changes;
};

/// What the device does to packets that no flow allows: leaves them to other rules, denies those of
/// the servers (on a machine: its own) that it sees, or denies all.
enum class Rest { others, servers_denied, all_denied };

/// How much of a limit of the device its artefacts use.
struct Budget {
  std::string limit;  ///< what is counted: "entries of the longest IP group"
  std::uint64_t used = 0;
  std::uint64_t allowed = 0;
};

/// Something on the device that applying a later build would not take away by itself.
struct Made {
  std::string what;    ///< "IP group `ipg-prod-servers`"
  std::string remove;  ///< the command that does; unique among what the builds of a policy make
};

/// A name that the device must know one thing of one owner by: two owners' things would take each
/// other's place. Only those that another owner may come upon are listed.
struct OwnName {
  std::string space;  ///< what names are told apart in, of this backend: "objects of vsys1"
  std::string name;   ///< "hci-prod-servers"; where the device does not tell capitals, without them
  std::string owner;  ///< a cluster, or one of its targets
  std::string what;   ///< to people: "servers of cluster prod"
};

struct Emission {
  std::vector<Artefact> artefacts;
  std::vector<Remark> remarks;
  std::vector<Budget> budgets;  ///< the limits that this device has, always in the same order
  std::vector<Made> made;       ///< in the order in which it can be removed
  /// What the device must have though this target does not make it: Made::remove, were it made.
  std::vector<std::string> needed;
  std::vector<OwnName> own_names;
  Rest rest = Rest::others;
  /// Owner of rules that the entries above point to, beside those of the policy and the flows.
  std::deque<policy::Rule> parts;
};

/// What a backend may use beside its input. It never reads files, clocks or the environment.
class EmitContext {
 public:
  EmitContext(Reporter& reporter, const flow::DevicePolicy& device)
      : reporter_(reporter), device_(device) {}

  Reporter& reporter() { return reporter_; }
  /// Where to point when a rule is concerned: the rule; without one, the target block (or nowhere).
  Span place(const policy::Rule* rule) const {
    return rule != nullptr ? rule->origin.span : device_.view->target->span;
  }

  /// "`flow` is wider on the device: how". A list too long for the terminal is shortened there:
  /// `whole` is then the same for the manifest.
  void widened(const flow::Flow& flow, std::string_view device, std::string how,
               std::vector<Wider> wider, std::vector<Change> changes, std::string whole = "") {
    const std::string what = "rule `" + flow.rule->address + "`";
    reporter_.report<Diag::widened>(place(flow.rule), what, device, how);
    remarks.push_back({"W0611", flow.rule, whole.empty() ? std::move(how) : std::move(whole),
                       std::move(wider), std::move(changes)});
  }
  /// "the device does not enforce what: why"; `whole` as in widened().
  void not_enforced(const flow::Flow& flow, std::string_view device, std::string why,
                    std::vector<Change> changes = {}, std::string whole = "") {
    const std::string what = "rule `" + flow.rule->address + "`";
    reporter_.report<Diag::not_enforced>(place(flow.rule), device, what, why);
    remarks.push_back({"W0614",
                       flow.rule,
                       whole.empty() ? std::move(why) : std::move(whole),
                       {},
                       std::move(changes)});
  }
  /// Something the engineer must know about this device as a whole.
  void note(std::string_view device, std::string text) {
    reporter_.report<Diag::device_note>(place(nullptr), device, text);
    remarks.push_back({"W0615", nullptr, std::move(text), {}, {}});
  }
  /// An error: the rule cannot be given to the device.
  DiagnosticBuilder cannot(const flow::Flow& flow, std::string_view device, std::string_view what) {
    return reporter_.report<Diag::cannot_express>(place(flow.rule), device, what);
  }

  std::vector<Remark> remarks;

 private:
  Reporter& reporter_;
  const flow::DevicePolicy& device_;
};

/// How the driver must prepare a backend's input.
struct Capabilities {
  /// A firewall on each server: receives DevicePolicy::hosts instead of flows.
  bool host = false;
  using Order = flow::Order;
  Order order = Order::first_match;
  /// Rules by address decide before rules by name, wherever they stand.
  bool addresses_first = false;
  /// What one rule of the device can hold.
  flow::RuleCapabilities rule;
  /// What the device sees when its target block does not say: a flow in the language.
  std::string_view default_sees = "any -> any";
  /// Whether Emission::budgets has something.
  bool budgets = false;
  /// The option that makes a target the firewall of one machine (TargetView::machine), or "".
  std::string_view machine_option = {};

  // For `hcipolc targets`: one sentence each.
  std::string_view names;      ///< host names and wildcards
  std::string_view addresses;  ///< IPv4, IPv6, service tags
  std::string_view limits;
};

struct Backend {
  std::string_view name;
  std::string_view title;
  Capabilities capabilities;
  std::span<const sema::OptionSpec> options;
  /// Turns a device's flows into files. Reports what it cannot say; whatever it returns after
  /// reporting an error is thrown away. Must not depend on anything but its arguments.
  Emission (*emit)(const flow::DevicePolicy& device, EmitContext& context) = nullptr;
  /// Reads all files of one device by the device's own semantics. It shares nothing with the
  /// printer, and throws Unreadable for whatever it does not know.
  DeviceReading (*read_back)(std::span<const Artefact> artefacts,
                             const ReadContext& context) = nullptr;
};

/// The backends, in the order of `hcipolc targets`.
std::span<const Backend> all();
const Backend* find(std::string_view name);

}  // namespace hcipol::backends
