// Modules are instantiated breadth first, so that a module which both the policy and another module
// use is known by the policy's name for it.
#include "sema/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <unordered_map>

#include "sema/declare.h"
#include "sema/library_scan.h"
#include "sema/walk.h"
#include "support/text.h"
#include "syntax/parser.h"

namespace hcipol::sema {

namespace {

constexpr unsigned max_module_depth = 32;
constexpr std::size_t worth_a_thread = std::size_t{128} << 10;

class Loader {
 public:
  Loader(const LoadInput& input, SourceMap& sources, Reporter& reporter)
      : input_(input), sources_(sources), reporter_(reporter) {}

  std::optional<Program> run() {
    ModuleSource* root = root_source();
    if (root == nullptr) return std::nullopt;
    read_pending();
    program_.modules.push_back({root, "main", nullptr, nullptr, {}, {}});
    for (std::size_t next = 0; next < program_.modules.size(); ++next) {
      instantiate(program_.modules[next]);
    }
    while (read_what_is_mentioned()) {
    }
    program_.root = &program_.modules.front();
    if (failed_) return std::nullopt;
    return std::move(program_);
  }

 private:
  struct Pending {
    ModuleSource* source;
    FileId file;
  };

  // ---- reading files

  ModuleSource* root_source() {
    if (input_.path == "-") {
      ModuleSource& source = add_source(".", ".", false);
      add_file(source, input_.stdin_name, input_.stdin_text.value_or(""));
      return &source;
    }
    if (input_.files->is_directory(input_.path)) {
      const std::string directory = normal_path(input_.path);
      ModuleSource& source = add_source(directory, directory, false);
      return read_directory(source, Span{}) ? &source : nullptr;
    }
    const std::string directory = parent_path(input_.path);
    ModuleSource& source = add_source(directory, directory, false);
    return read_file(source, normal_path(input_.path), Span{}) ? &source : nullptr;
  }

  ModuleSource& add_source(std::string path, std::string directory, bool library) {
    ModuleSource& source = program_.sources.emplace_back();
    source.path = std::move(path);
    source.directory = std::move(directory);
    source.library = library;
    by_path_[source.path] = &source;
    return source;
  }

  bool read_directory(ModuleSource& source, Span used_at) {
    std::size_t count = 0;
    const bool with_tests = input_.with_tests && &source == &program_.sources.front();
    for (const std::string& name : input_.files->list(source.directory)) {
      if (!is_policy_file(name) && !(with_tests && is_test_file(name))) continue;
      const std::string path = join_path(source.directory, name);
      if (input_.files->is_directory(path)) continue;
      if (is_policy_file(name)) ++count;
      if (!read_file(source, path, used_at)) return false;
    }
    if (count > 0) return true;
    reporter_.report<Diag::no_policy_files>(used_at, source.directory);
    return false;
  }

  bool read_file(ModuleSource& source, const std::string& path, Span used_at) {
    std::string error;
    auto text = input_.files->read(path, error);
    if (!text) {
      reporter_.report<Diag::unreadable>(used_at, path, error);
      return false;
    }
    if (source.library) return add_library_file(source, path, std::move(*text));
    add_file(source, path, std::move(*text));
    return true;
  }

  void add_file(ModuleSource& source, std::string path, std::string text) {
    const bool test = is_test_file(path);
    const FileId id = sources_.add(std::move(path), std::move(text));
    if (test) source.test_files.insert(id);
    pending_.push_back({&source, id});
  }

  // A library file waits until something needs it, if it can.
  bool add_library_file(ModuleSource& source, std::string path, std::string text) {
    // The names must point into the text where it will stay.
    std::string& kept = program_.library_texts.emplace_back(std::move(text));
    if (auto names = lazy_names(kept)) {
      source.unread.push_back({std::move(path), kept, *std::move(names)});
      return true;
    }
    add_file(source, std::move(path), std::move(kept));
    program_.library_texts.pop_back();
    return true;
  }

  bool read_library(ModuleSource& source, std::string_view path, Span used_at) {
    if (!input_.library_directory.empty()) {
      source.directory = join_path(input_.library_directory, path);
      if (input_.files->is_directory(source.directory)) return read_directory(source, used_at);
      return false;
    }
    const std::string prefix = fmt::format("{}/", path);
    bool found = false;
    for (const EmbeddedFile& file : input_.library) {
      if (!file.path.starts_with(prefix)) continue;
      const std::string_view name = file.path.substr(prefix.size());
      if (name.find('/') != std::string_view::npos || !is_policy_file(name)) continue;
      found = true;
      add_library_file(source, fmt::format("std/{}", file.path), std::string(file.text));
    }
    return found;
  }

  // ---- parsing

  void read_pending() {
    std::vector<Pending> batch;
    batch.swap(pending_);
    std::vector<syntax::File> files(batch.size());
    std::vector<Reporter> reporters(batch.size());
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
      for (std::size_t i = next++; i < batch.size(); i = next++) {
        files[i] = syntax::parse(batch[i].file, sources_, reporters[i]);
      }
    };
    std::size_t bytes = 0;
    for (const Pending& pending : batch) bytes += sources_.file(pending.file).text.size();
    std::vector<std::thread> helpers;
    const std::size_t wanted = std::min<std::size_t>(input_.threads, batch.size());
    for (std::size_t i = 1; i < wanted && bytes >= worth_a_thread; ++i) helpers.emplace_back(work);
    work();
    for (std::thread& helper : helpers) helper.join();

    for (std::size_t i = 0; i < batch.size(); ++i) {
      reporter_.append(std::move(reporters[i]));
      batch[i].source->files.push_back(std::move(files[i]));
      declare(*batch[i].source, batch[i].source->files.back(), reporter_);
    }
  }

  // ---- modules

  void instantiate(Module& module) {
    const unsigned depth = depth_of(module);
    for (const syntax::Block* block : module.source->uses) {
      if (block->labels.size() != 1) continue;
      Use use{alias_of(*block), block, nullptr};
      if (const Use* twice = find_use(module, use.alias)) {
        report_repeated(reporter_, fmt::format("a module called `{}`", use.alias),
                        block->header_span, twice->block->header_span);
        continue;
      }
      const std::string name =
          module.parent == nullptr ? use.alias : fmt::format("{}.{}", module.name, use.alias);
      use.module = make(module, *block, name, depth, true);
      module.uses.push_back(std::move(use));
    }
    for (const syntax::Block* block : module.source->extends) {
      if (block->labels.size() != 1) continue;
      Extend extend{block, make(module, *block, module.name, depth, false),
                    hidden_names(*block, reporter_)};
      module.extends.push_back(std::move(extend));
    }
  }

  static std::string alias_of(const syntax::Block& block) {
    if (!block.alias.empty()) return std::string(block.alias);
    const std::string path = normal_path(block.labels[0].text);
    const auto parts = split(path, '/');
    if (parts.size() >= 2 && parts[0] == "std") return std::string(parts[1]);
    return std::string(parts.back());
  }

  static unsigned depth_of(const Module& module) {
    unsigned depth = 0;
    for (const Module* at = &module; at->parent != nullptr; at = at->parent) ++depth;
    return depth;
  }

  Module* make(Module& parent, const syntax::Block& block, std::string name, unsigned depth,
               bool shareable) {
    ModuleSource* source = find_source(*parent.source, block);
    if (source == nullptr) return fail();
    if (in_a_circle(parent, *source, block)) return fail();
    if (depth >= max_module_depth) {
      reporter_.report<Diag::too_many_modules>(block.header_span, max_module_depth);
      return fail();
    }
    const bool plain = shareable && block.items.empty();
    if (plain) {
      if (const auto shared = shared_.find(source); shared != shared_.end()) return shared->second;
    }
    program_.modules.push_back({source, std::move(name), &block, &parent, {}, {}});
    if (plain) shared_[source] = &program_.modules.back();
    return &program_.modules.back();
  }

  Module* fail() {
    failed_ = true;
    return nullptr;
  }

  bool in_a_circle(const Module& parent, const ModuleSource& source, const syntax::Block& block) {
    std::vector<std::string> walk{source.path};
    for (const Module* at = &parent; at != nullptr; at = at->parent) {
      walk.push_back(at->source->path);
      if (at->source != &source) continue;
      std::reverse(walk.begin(), walk.end());
      reporter_.report<Diag::module_cycle>(block.header_span,
                                           fmt::format("{}", fmt::join(walk, " → ")));
      return true;
    }
    return false;
  }

  ModuleSource* find_source(const ModuleSource& from, const syntax::Block& block) {
    const std::string& written = block.labels[0].text;
    const Span span = block.labels[0].span;
    if (written.starts_with("std/")) return library_source(normal_path(written), span);
    if (!written.starts_with("./") && !written.starts_with("../")) {
      reporter_.report<Diag::unknown_module>(span, written)
          .help("a path starts with `std/` (the bundled library) or `./` (a directory of yours)")
          .note(fmt::format("for a directory beside this file write \"./{}\"", written));
      return nullptr;
    }
    if (from.library) {
      const std::string sibling = join_path(from.path, written);
      return library_source(sibling, span);
    }
    const std::string path = join_path(from.directory, written);
    const std::string root = program_.sources.front().directory;
    const bool inside = root == "." ? !path.starts_with("..") && !path.starts_with('/')
                                    : path == root || path.starts_with(root + "/");
    if (!inside) {
      reporter_.report<Diag::outside_repository>(span, written);
      return nullptr;
    }
    return directory_source(path, written, span);
  }

  ModuleSource* directory_source(const std::string& path, const std::string& written, Span span) {
    if (const auto known = by_path_.find(path); known != by_path_.end()) return known->second;
    if (!input_.files->is_directory(path)) {
      std::vector<std::string> beside;
      const std::string parent = parent_path(path);
      for (const std::string& name : input_.files->list(parent)) {
        if (input_.files->is_directory(join_path(parent, name))) {
          beside.push_back(fmt::format("./{}", name));
        }
      }
      reporter_.report<Diag::unknown_module>(span, written).suggest(did_you_mean(written, beside));
      return nullptr;
    }
    ModuleSource& source = add_source(path, path, false);
    if (!read_directory(source, span)) return nullptr;
    read_pending();
    return &source;
  }

  ModuleSource* library_source(const std::string& path, Span span) {
    if (const auto known = by_path_.find(path); known != by_path_.end()) return known->second;
    ModuleSource& source = add_source(path, path, true);
    const std::size_t errors = reporter_.errors();
    if (read_library(source, std::string_view(path).substr(std::min<std::size_t>(4, path.size())),
                     span)) {
      read_pending();
      return &source;
    }
    by_path_.erase(path);
    if (reporter_.errors() == errors) {
      reporter_.report<Diag::unknown_module>(span, path)
          .suggest(did_you_mean(path, library_modules()));
    }
    return nullptr;
  }

  std::vector<std::string> library_modules() const {
    std::vector<std::string> paths;
    for (const EmbeddedFile& file : input_.library) {
      paths.push_back(fmt::format("std/{}", parent_path(file.path)));
    }
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    return paths;
  }

  // ---- laziness

  // One round: parses the unread files that declare a name which is mentioned. False without any.
  bool read_what_is_mentioned() {
    std::unordered_multimap<std::string_view, std::pair<ModuleSource*, std::size_t>> waiting;
    for (ModuleSource& source : program_.sources) {
      for (std::size_t i = 0; i < source.unread.size(); ++i) {
        for (const std::string_view name : source.unread[i].declares) {
          waiting.emplace(name, std::pair(&source, i));
        }
      }
    }
    if (waiting.empty()) return false;

    std::set<std::pair<ModuleSource*, std::size_t>> needed;
    const auto mention = [&](std::string_view word) {
      const auto note = [&](std::string_view name) {
        const auto [begin, end] = waiting.equal_range(name);
        for (auto at = begin; at != end; ++at) needed.insert(at->second);
      };
      note(word);
      if (const std::size_t slash = word.find('/'); slash != std::string_view::npos) {
        note(word.substr(slash + 1));
      }
    };
    for (const std::string& word : input_.mentions) mention(word);
    if (input_.everything) {
      for (const auto& [name, file] : waiting) needed.insert(file);
    }
    for (const ModuleSource& source : program_.sources) {
      for (const syntax::File& file : source.files) {
        if (mentioned_.insert(file.id).second) for_each_word(file.items, mention);
      }
    }
    for (auto at = needed.rbegin(); at != needed.rend(); ++at) {
      ModuleSource::Unread& unread = at->first->unread[at->second];
      add_file(*at->first, unread.path, std::string(unread.text));
      at->first->unread.erase(at->first->unread.begin() + static_cast<std::ptrdiff_t>(at->second));
    }
    if (needed.empty()) return false;
    // Parsing order must not depend on addresses.
    std::sort(pending_.begin(), pending_.end(), [&](const Pending& a, const Pending& b) {
      return sources_.file(a.file).path < sources_.file(b.file).path;
    });
    read_pending();
    return true;
  }

  const LoadInput& input_;
  SourceMap& sources_;
  Reporter& reporter_;
  Program program_;
  std::map<std::string, ModuleSource*> by_path_;
  std::map<const ModuleSource*, Module*> shared_;
  std::set<FileId> mentioned_;
  std::vector<Pending> pending_;
  bool failed_ = false;
};

}  // namespace

std::optional<Program> load(const LoadInput& input, SourceMap& sources, Reporter& reporter) {
  return Loader(input, sources, reporter).run();
}

}  // namespace hcipol::sema
