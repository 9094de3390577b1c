// A waive must name what is there: one that could never hide anything is a mistake in the policy.
#include "verify/waives.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "support/text.h"
#include "verify/lints.h"

namespace hcipol::verify {

namespace {

using sema::find_attribute;
using sema::find_blocks;
using syntax::Block;

std::optional<Diag> find_code(std::string_view code) {
  for (std::size_t i = 0; i < catalogue.size(); ++i) {
    if (catalogue[i].code == code) return static_cast<Diag>(i);
  }
  return std::nullopt;
}

std::vector<std::string> lint_codes() {
  std::vector<std::string> out;
  for (const Lint& lint : lints()) out.emplace_back(entry(lint.id).code);
  return out;
}

/// Every address that a waive may name: rules, features, exceptions, declarations.
class Addresses {
 public:
  explicit Addresses(const sema::Program& program) {
    for (const sema::Module& module : program.modules) add(module);
  }

  bool has(const std::string& address) const {
    if (known_.contains(address)) return true;
    // Files of the library that nothing needed were not read; their names are known.
    return std::any_of(unread_.begin(), unread_.end(), [&](const std::string& name) {
      return address == name || address.starts_with(name + ".");
    });
  }
  std::vector<std::string> all() const { return {known_.begin(), known_.end()}; }

 private:
  void add(const sema::Module& module) {
    const sema::ModuleSource& source = *module.source;
    const std::string prefix = module.name + "/";
    const auto declared = [&](const auto& table, std::string_view kind) {
      for (const auto& [name, block] : table)
        known_.insert(fmt::format("{}{}.{}", prefix, kind, name));
    };
    declared(source.variables, "var");
    declared(source.locals, "local");
    declared(source.roles, "role");
    declared(source.endpoints, "endpoint");
    for (const auto& [name, block] : source.features) add(prefix, *block);
    for (const auto& [name, block] : source.exceptions) add(prefix, *block);
    for (const auto& unread : source.unread) {
      for (const std::string_view name : unread.declares) {
        unread_.insert(fmt::format("{}{}", prefix, name));
      }
    }
  }

  void add(const std::string& prefix, const Block& block) {
    const std::string address = prefix + block.labels[0].text;
    known_.insert(address);
    for (const syntax::Item& item : block.items) {
      if (const auto* rule = std::get_if<syntax::Rule>(&item.node)) {
        known_.insert(fmt::format("{}.{}", address, rule->name.text));
      } else if (const auto* inner = std::get_if<Block>(&item.node)) {
        known_.insert(fmt::format("{}.{}.{}", address, inner->kind, inner->labels[0].text));
      }
    }
  }

  std::set<std::string> known_, unread_;
};

class WaiveReader {
 public:
  WaiveReader(const sema::Program& program, sema::Evaluator& evaluator, Date as_of,
              Reporter& reporter)
      : program_(program), evaluator_(evaluator), as_of_(as_of), reporter_(reporter) {}

  std::vector<Waive> read() {
    std::set<const sema::ModuleSource*> seen;
    for (const sema::Module& module : program_.modules) {
      if (!seen.insert(module.source).second) continue;
      for (const syntax::File& file : module.source->files) {
        for (const Block* block : find_blocks(file.items, "waive")) read(*block, module);
      }
    }
    return std::move(out_);
  }

 private:
  void read(const Block& block, const sema::Module& module) {
    const sema::Scope scope{&module, nullptr, nullptr, nullptr, nullptr};
    const syntax::Label& code = block.labels[0];
    const auto lint = read_code(code);
    const syntax::Expr& at = *find_attribute(block.items, "at")->value;
    const syntax::Expr& reason = *find_attribute(block.items, "reason")->value;
    Waive waive;
    waive.span = block.header_span;
    auto address = evaluator_.line(at, scope);
    auto why = evaluator_.line(reason, scope);
    if (address && !is_known(*address, at.span, code.text)) address.reset();
    if (why && trim(*why).empty()) {
      refuse(reason.span, code.text, "its `reason` is empty");
      why.reset();
    }
    if (const auto* expires = find_attribute(block.items, "expires")) {
      waive.expires = evaluator_.date(*expires->value, scope);
      if (waive.expires && *waive.expires < as_of_) {
        reporter_
            .report<Diag::waive_expired>(expires->value->span, code.text, to_string(*waive.expires))
            .note(fmt::format("today is {}", to_string(as_of_)))
            .help("mend what it hid, or decide on a new date");
        return;
      }
    }
    if (!lint || !address || !why) return;
    waive.lint = *lint;
    waive.at = *std::move(address);
    waive.reason = *std::move(why);
    out_.push_back(std::move(waive));
  }

  DiagnosticBuilder refuse(Span span, const std::string& code, std::string_view why) {
    return reporter_.report<Diag::bad_waive>(span, one_line(code, 80), why);
  }

  std::optional<Diag> read_code(const syntax::Label& code) {
    const auto id = find_code(code.text);
    if (!id) {
      refuse(code.span, code.text, "there is no such code")
          .suggest(did_you_mean(code.text, lint_codes()));
      return std::nullopt;
    }
    if (find_lint(*id) != nullptr) return id;
    const bool error = entry(*id).severity == Severity::Error;
    refuse(code.span, code.text, error ? "it is an error" : "it is no lint")
        .help(fmt::format("there are {}", list_of(lint_codes())));
    return std::nullopt;
  }

  bool is_known(const std::string& address, Span span, const std::string& code) {
    if (!addresses_) addresses_.emplace(program_);
    if (addresses_->has(address)) return true;
    auto report = refuse(span, code, fmt::format("there is no `{}`", one_line(address, 120)));
    if (const auto meant = did_you_mean(address, addresses_->all())) {
      report.suggest(meant);
    } else {
      report.help(
          "write the address of a rule (\"main/backup.data\"), of a feature "
          "(\"main/backup\") or of a declaration (\"main/var.x\")");
    }
    return false;
  }

  const sema::Program& program_;
  sema::Evaluator& evaluator_;
  Date as_of_;
  Reporter& reporter_;
  std::optional<Addresses> addresses_;
  std::vector<Waive> out_;
};

}  // namespace

Waives::Waives(const sema::Program& program, sema::Evaluator& evaluator, Date as_of,
               Reporter& reporter)
    : waives_(WaiveReader(program, evaluator, as_of, reporter).read()) {}

bool Waives::hides(Diag lint, std::string_view address) {
  bool hidden = false;
  for (Waive& waive : waives_) {
    if (waive.lint != lint || !address.starts_with(waive.at)) continue;
    const bool same = address.size() == waive.at.size();
    if (!same && address[waive.at.size()] != '.') continue;
    waive.used = true;
    hidden = true;
  }
  return hidden;
}

std::vector<Waive> Waives::finish(Reporter& reporter) {
  std::sort(waives_.begin(), waives_.end(),
            [](const Waive& a, const Waive& b) { return a.span < b.span; });
  for (const Waive& waive : waives_) {
    if (waive.used) continue;
    reporter.report<Diag::unused_waive>(waive.span, entry(waive.lint).code)
        .note(fmt::format("`{}` gives no such warning (any more)", waive.at))
        .help("remove it");
  }
  return std::move(waives_);
}

}  // namespace hcipol::verify
