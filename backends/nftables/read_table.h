// The table of a file for nft, as the kernel holds it after a load.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backends/common/reading.h"

namespace hcipol::backends::nftables {

/// A line of a chain or of a set's elements, without its indentation.
struct TableLine {
  std::string_view text;
  std::size_t number = 0;
};

struct TableSet {
  bool map = false;
  std::string_view type;  ///< "type ipv4_addr; flags interval;"
  bool emptied = false;
  std::vector<TableLine> elements;
};

struct TableChain {
  std::string_view name;
  std::string_view hook;  ///< "forward", "input", "output"; "": packets come by other chains
  std::vector<TableLine> rules;
};

/// Semantics: nft(8) 1.0.6 and what was measured of it. A set that is neither filled by names nor
/// emptied first would keep what an older file put there. What is not known is Unreadable.
class Table {
 public:
  /// `text` must stay.
  Table(std::string_view file, std::string_view text);

  std::string_view file() const { return file_; }
  std::string_view name() const { return name_; }
  const std::map<std::string_view, TableSet>& sets() const { return sets_; }
  /// Those with a hook are one in forward, or one in input and one in output.
  const std::vector<TableChain>& chains() const { return chains_; }
  [[noreturn]] void fail(std::size_t line, std::string_view what) const;

 private:
  void read(std::string_view line);
  void open(std::string_view line);
  void declare(std::string_view line);
  void empty(std::string_view line);
  void fill(std::string_view line);
  void finish() const;
  [[noreturn]] void fail(std::string_view what) const { fail(line_, what); }

  std::string_view file_;
  std::size_t line_ = 0;
  /// Before the table, in what declares it, between, in what fills it, behind.
  enum class Part { head, declaration, emptying, content, done } part_ = Part::head;
  bool flushed_ = false;
  std::string_view name_;
  std::map<std::string_view, TableSet> sets_;
  std::vector<TableChain> chains_;
  std::map<std::string_view, std::size_t> chain_places_;
  // In the content: what is being filled.
  TableSet* set_ = nullptr;
  TableChain* chain_ = nullptr;
  bool in_elements_ = false;
  bool typed_ = false;
};

}  // namespace hcipol::backends::nftables
