// What an Evaluator remembers; shared by its source files only.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>

#include "sema/evaluator.h"

namespace hcipol::sema {

/// A service tag file, which several `data` blocks may name.
struct Evaluator::TagFile {
  std::string path;  ///< as the policy writes it
  Span used_at;
  std::optional<TagFileHead> head;  ///< nothing if the file is none
  bool read = false;
  std::optional<ServiceTags> tags;  ///< once it is read whole
};

struct Evaluator::State {
  /// What has been read; without a value if that failed.
  template <class Key>
  using Memory = std::map<Key, std::optional<Value>>;

  Memory<std::pair<const Module*, std::string_view>> variables;
  Memory<std::tuple<const Module*, std::string_view, const ClusterScope*>> locals;
  Memory<std::pair<const Module*, std::string_view>> outputs;
  /// What is being read, outermost first: meeting it again is a cycle.
  std::vector<std::pair<const void*, std::string>> reading_stack;

  std::unordered_map<std::string, const NamedSet*> literals;
  std::map<
      std::tuple<const syntax::Block*, const Module*, const ClusterScope*, const FeatureScope*>,
      const NamedSet*>
      endpoints;
  std::map<std::tuple<const syntax::Block*, const Module*, const ClusterScope*>, const NamedSet*>
      roles;

  struct File {
    std::optional<std::string> text;  ///< nothing if it cannot be read
    Span used_at;
  };
  std::map<std::string, File> files;
  std::map<std::string, TagFile> tag_files;  ///< by path from where the command runs
  std::map<std::pair<const syntax::Block*, const Module*>, TagFile*> tag_blocks;
  std::map<std::string, ServiceTags*, std::less<>> tags_of_cloud;

  /// Literals that name no set of the policy.
  const NamedSet* any = nullptr;
  const NamedSet* internet = nullptr;
  const NamedSet* private_ = nullptr;

  unsigned depth = 0;
  std::size_t values = 0;
};

}  // namespace hcipol::sema
