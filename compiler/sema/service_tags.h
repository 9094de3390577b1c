// Microsoft's ServiceTags JSON: which prefixes a service tag stands for.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/address_set.h"

namespace hcipol::sema {

/// What a file says of itself.
struct TagFileHead {
  std::string cloud;  ///< "Public", "AzureGovernment", "AzureChina"
  /// Grows by one with each edition (weekly), in each cloud on its own.
  std::int64_t change_number = 0;
};

/// One file as Microsoft publishes it weekly ("Azure IP Ranges and Service Tags"): about 3,000 tags
/// with 90,000 prefixes in 4 MB. Every prefix is checked when the file is read; only tags that are
/// asked for become sets.
class ServiceTags {
 public:
  /// Nothing if the text is no such file, with the reason in `error`. A byte order mark and lines
  /// that end with CRLF are fine.
  static std::optional<ServiceTags> parse(std::string_view text, std::string& error);

  const TagFileHead& head() const { return head_; }
  /// The tag's addresses, or null if it is not there. The set is empty if the file gives the tag no
  /// prefix: that must never come to mean "any". It stays where it is.
  const net::AddressSet* find(std::string_view tag);
  std::vector<std::string> names() const;

  using Sets = std::map<std::string, net::AddressSet, std::less<>>;
  /// What find() was asked for and has found.
  const Sets& used() const { return used_; }

 private:
  friend class ServiceTagReader;
  struct Prefixes {
    std::size_t first = 0;  ///< in prefixes_
    std::size_t count = 0;
  };

  TagFileHead head_;
  std::vector<net::Cidr> prefixes_;
  std::map<std::string, Prefixes, std::less<>> tags_;
  Sets used_;
};

/// The head of a file from its beginning, which may end anywhere. Nothing if the beginning is none
/// of such a file, or does not say both before it comes to the tags.
std::optional<TagFileHead> read_tag_file_head(std::string_view beginning);

/// The `cloud` of the file that belongs to a cluster's cloud: "public" → "Public".
std::string_view tag_cloud(std::string_view cluster_cloud);

}  // namespace hcipol::sema
