// Which prefixes of service tags went into a build, and what has changed since the last one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "net/address_set.h"
#include "sema/evaluator.h"

namespace hcipol::driver {

/// The service tags of one file that a policy's endpoints use.
struct BuiltTags {
  std::int64_t change_number = 0;
  std::map<std::string, net::AddressSet, std::less<>> tags;
};
/// By the file's `cloud`.
using TagRecord = std::map<std::string, BuiltTags, std::less<>>;

TagRecord tags_used(const sema::Evaluator& evaluator);

/// A record as the value of a key of the manifest: JSON with one prefix a line.
std::string to_json(const TagRecord& record);
/// Nothing if the text is no such record.
std::optional<TagRecord> read_tag_record(const std::string& json);

/// What came and what went of each tag that both builds use, one line each: "service tag
/// AzureMonitor: 2 prefixes came, 1 went: + 20.37.0.0/24, …, - 13.66.60.0/24". Compared as sets of
/// addresses, so a prefix that the file only splits or repeats is no change.
std::vector<std::string> tag_changes(const TagRecord& before, const TagRecord& after);

}  // namespace hcipol::driver
