// Where the policy goes: `target` blocks, and the backends that a command line asks for without
// one.
#include <fmt/format.h>

#include <algorithm>

#include "policy/build.h"
#include "support/bug.h"
#include "support/files.h"
#include "syntax/parser.h"

namespace hcipol::policy {

namespace {

using sema::find_attribute;

class TargetReader {
 public:
  TargetReader(BuildContext& context, std::span<const TargetRequest> requests)
      : context_(context), requests_(requests) {}

  void read() {
    collect();
    std::stable_sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) {
      return a.target.folder() < b.target.folder();
    });
    for (const Found& found : found_) context_.policy.targets.push_back(found.target);
    context_.policy.views.resize(context_.policy.clusters.size());
    for (std::size_t c = 0; c < context_.policy.clusters.size(); ++c) {
      for (std::size_t t = 0; t < found_.size(); ++t) {
        context_.policy.views[c].push_back(view(c, t));
      }
    }
  }

 private:
  struct Found {
    Target target;
    const syntax::Block* block = nullptr;
    const TargetRequest* request = nullptr;
  };

  void collect() {
    for (const syntax::Block* block : context_.program.root->source->targets) {
      if (block->labels.empty() || block->labels.size() > 2) continue;
      const TargetRequest* request = find(block->labels[0].text);
      if (request == nullptr) continue;  // check_schema has said so
      Target target{block->labels[0].text, block->labels.size() == 2 ? block->labels[1].text : "",
                    block->header_span};
      const auto twice = std::find_if(found_.begin(), found_.end(), [&](const Found& other) {
        return other.target.folder() == target.folder();
      });
      if (twice != found_.end()) {
        context_.reporter
            .report<Diag::duplicate>(block->header_span,
                                     fmt::format("target `{}`", target.folder()))
            .label(twice->target.span, "the first one is here")
            .help("give each a name of its own: `target \"iptables\" \"lab-gw\" { … }`");
        continue;
      }
      found_.push_back({std::move(target), block, request});
    }
    for (const TargetRequest& request : requests_) {
      const bool there = std::any_of(found_.begin(), found_.end(),
                                     [&](const Found& found) { return found.request == &request; });
      if (request.requested && !there) {
        found_.push_back({{std::string(request.schema.backend), "", {}}, nullptr, &request});
      }
    }
  }

  const TargetRequest* find(std::string_view backend) const {
    const auto found = std::find_if(requests_.begin(), requests_.end(), [&](const auto& request) {
      return request.schema.backend == backend;
    });
    return found == requests_.end() ? nullptr : &*found;
  }

  TargetView view(std::size_t cluster, std::size_t index) {
    const Found& found = found_[index];
    TargetView out;
    out.target = &context_.policy.targets[index];
    const sema::Scope scope{context_.program.root, &context_.scopes[cluster], nullptr, nullptr,
                            nullptr};
    const auto* sees =
        found.block == nullptr ? nullptr : find_attribute(found.block->items, "sees");
    out.sees = context_.evaluator.flow(
        sees == nullptr ? default_sees(*found.request) : *sees->value, scope);
    if (found.block == nullptr) return out;
    for (const sema::OptionSpec& option : found.request->schema.options) {
      const auto* attribute = find_attribute(found.block->items, option.name);
      if (attribute == nullptr) continue;
      auto value =
          context_.evaluator.evaluate_as(*attribute->value, sema::option_type(option.type), scope);
      if (!value) continue;
      if (option.file) read_text(out, option, *value);
      out.options.emplace(option.name, *std::move(value));
    }
    look_at_machine(out, found.request->machine_option, sees != nullptr);
    return out;
  }

  void read_text(TargetView& view, const sema::OptionSpec& option, const sema::Value& value) {
    const auto* path = value.as<std::string>();
    if (path == nullptr) return;
    const std::string* text = context_.evaluator.file(*path, value.span);
    if (text == nullptr) return;
    // One entry for a file that several clusters read.
    const auto [known, fresh] = texts_.try_emplace(*path);
    if (fresh) {
      known->second.path = *path;
      known->second.file =
          context_.sources.add(join_path(context_.program.root->source->directory, *path), *text);
      known->second.text = context_.sources.file(known->second.file).text;
    }
    view.texts.emplace(option.name, known->second);
  }

  /// What a machine sees unless its target says: what it sends and what it receives.
  static void look_at_machine(TargetView& view, std::string_view option, bool says_sees) {
    const auto given = view.options.find(option);
    if (option.empty() || given == view.options.end()) return;
    const auto* peers = given->second.as<sema::Peers>();
    if (peers == nullptr) return;
    view.machine = *peers;
    if (says_sees || !view.sees) return;
    view.sees->from = *peers;
    view.sees->both_ways = true;
  }

  // The flow that a backend declares, parsed like any other.
  const syntax::Expr& default_sees(const TargetRequest& request) {
    const auto known = defaults_.find(request.schema.backend);
    if (known != defaults_.end())
      return *std::get<syntax::Attribute>(known->second.items[0].node).value;
    const FileId id = context_.sources.add(fmt::format("<what {} sees>", request.schema.backend),
                                           fmt::format("sees = {}\n", request.default_sees));
    syntax::File file = syntax::parse(id, context_.sources, context_.reporter);
    if (file.items.size() != 1) bug("a backend declares a `sees` that does not parse");
    const auto& kept = defaults_.emplace(request.schema.backend, std::move(file)).first->second;
    return *std::get<syntax::Attribute>(kept.items[0].node).value;
  }

  BuildContext& context_;
  std::span<const TargetRequest> requests_;
  std::vector<Found> found_;
  std::map<std::string_view, syntax::File> defaults_;
  std::map<std::string, OptionText> texts_;  ///< by path
};

}  // namespace

void bind_targets(BuildContext& context, std::span<const TargetRequest> requests) {
  TargetReader(context, requests).read();
}

}  // namespace hcipol::policy
