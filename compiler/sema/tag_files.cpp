// `data "service_tags"`: which file is for which cloud, and reading it only when a tag is asked
// for.
#include <fmt/format.h>

#include <algorithm>

#include "sema/evaluator_state.h"
#include "sema/reading.h"
#include "support/text.h"

namespace hcipol::sema {

namespace {

// Microsoft's files name both within the first line or two.
constexpr std::size_t head_bytes = 4096;

}  // namespace

Evaluator::TagFile* Evaluator::tag_file(const syntax::Block& block, const Module& module) {
  const auto [known, fresh] = state_->tag_blocks.try_emplace({&block, &module});
  const auto* attribute = find_attribute(block.items, "file");
  if (attribute == nullptr || block.labels.size() != 2) return nullptr;
  const Span span = attribute->value->span;
  const Reading reading(*this, state_->reading_stack, &block,
                        fmt::format("data.{}", block.labels[1].text), span);
  if (!reading) return nullptr;
  if (!fresh) return known->second != nullptr && known->second->head ? known->second : nullptr;

  const auto path = text(*attribute->value, Scope{&module, nullptr, nullptr, nullptr, nullptr});
  const auto full = path ? own_path(*path, span) : std::nullopt;
  if (!full) return nullptr;
  const auto [place, added] = state_->tag_files.try_emplace(*full);
  TagFile& file = place->second;
  known->second = &file;
  if (added) {
    file.path = *path;
    file.used_at = span;
    std::string error;
    const auto beginning = input_.files->read_beginning(*full, head_bytes, error);
    if (!beginning) {
      reporter_.report<Diag::unreadable>(span, one_line(*full, 120), error);
      return nullptr;
    }
    file.head = read_tag_file_head(*beginning);
    // Another order of the keys is as good, but then only the whole file tells.
    if (!file.head) read_whole(file);
  }
  return file.head ? &file : nullptr;
}

ServiceTags* Evaluator::read_whole(TagFile& file) {
  if (!file.read) {
    file.read = true;
    const std::string* json = this->file(file.path, file.used_at);
    std::string error;
    if (json != nullptr) file.tags = ServiceTags::parse(*json, error);
    if (!error.empty()) {
      reporter_.report<Diag::bad_data_file>(file.used_at, one_line(file.path, 120), error);
    }
    file.head = file.tags ? std::optional(file.tags->head()) : std::nullopt;
  }
  return file.tags ? &*file.tags : nullptr;
}

ServiceTags* Evaluator::service_tags(std::string_view cluster_cloud) {
  const auto known = state_->tags_of_cloud.find(cluster_cloud);
  if (known != state_->tags_of_cloud.end()) return known->second;
  ServiceTags* found = nullptr;
  for (const Module& module : input_.program->modules) {
    for (const syntax::Block* block : module.source->data) {
      TagFile* file = tag_file(*block, module);
      if (file == nullptr || file->head->cloud != tag_cloud(cluster_cloud)) continue;
      if (found == nullptr) found = read_whole(*file);
    }
  }
  state_->tags_of_cloud[std::string(cluster_cloud)] = found;
  return found;
}

void Evaluator::check_tag_files(const std::vector<std::string>& clouds) {
  std::map<std::string, const TagFile*> by_cloud;
  for (const Module& module : input_.program->modules) {
    for (const syntax::Block* block : module.source->data) {
      const TagFile* file = tag_file(*block, module);
      if (file == nullptr) continue;
      const std::string cloud = one_line(file->head->cloud, 40);
      const auto [first, only] = by_cloud.emplace(file->head->cloud, file);
      if (!only && first->second != file) {
        reporter_
            .report<Diag::tag_file_misfit>(
                file->used_at, one_line(file->path, 120), cloud,
                fmt::format("as `{}` is", one_line(first->second->path, 120)))
            .label(first->second->used_at, "the other file");
      }
      // A module does not know the clusters of those who use it.
      const bool wanted = clouds.empty() || &module != input_.program->root ||
                          std::any_of(clouds.begin(), clouds.end(), [&](const std::string& one) {
                            return tag_cloud(one) == file->head->cloud;
                          });
      if (wanted) continue;
      reporter_
          .report<Diag::tag_file_misfit>(file->used_at, one_line(file->path, 120), cloud,
                                         "where no cluster is")
          .help(
              "Public is for `cloud = \"public\"`, AzureGovernment for `usgov`, AzureChina for "
              "`china`");
    }
  }
}

std::vector<TagFileRead> Evaluator::tags_read() const {
  std::vector<TagFileRead> out;
  for (const auto& [path, file] : state_->tag_files) {
    if (file.tags) out.push_back({file.tags->head(), file.path, file.used_at, &*file.tags});
  }
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.head.cloud < b.head.cloud; });
  return out;
}

std::optional<Value> Evaluator::data_member(const Module& module, std::string_view name,
                                            Span used_at) {
  for (const syntax::Block* block : module.source->data) {
    if (block->labels.size() != 2 || block->labels[1].text != name) continue;
    TagFile* file = tag_file(*block, module);
    // Whole, so that the lock holds what the policy's values came from.
    if (file == nullptr || read_whole(*file) == nullptr) return std::nullopt;
    return Value{Map{{"cloud", Value{file->head->cloud, used_at}},
                     {"change_number", Value{file->head->change_number, used_at}}},
                 used_at};
  }
  reporter_.report<Diag::unknown_name>(used_at, "data", name);
  return std::nullopt;
}

}  // namespace hcipol::sema
