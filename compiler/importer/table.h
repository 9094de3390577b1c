// What every format comes to: lists of rows, whose fields know what they are about.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "importer/cell.h"
#include "importer/findings.h"

namespace hcipol::importer {

/// What the heading of a column (or a key) says that is in it.
enum class Column {
  host,      ///< "URL", "Endpoint URL", "FQDN"
  port,      ///< "Port", "Ports"
  protocol,  ///< "Protocol": http, https, tcp, udp
  group,     ///< "Azure Local Component", "Service": rows that belong together
  note,      ///< "Notes", "Purpose": text for people
  number,    ///< "Id": counts the rows
  other,     ///< kept for people, with its heading
};

/// `heading` in any case, with blanks around it.
Column column_of(std::string_view heading);

struct Field {
  Column column = Column::other;
  std::string heading;  ///< empty in lists that have none
  Cell value;
};

struct Row {
  Span span;
  std::vector<Field> fields;

  bool has(Column column) const;
};

/// Rows of one table, array or run of lines: how most of them are written is the custom of all.
struct List {
  std::vector<Row> rows;
};

/// Whether a row has the headings in it instead of values, as in files made of several tables.
bool repeats_header(const Row& row);

/// Reports blanks around a name or a value, which its format keeps, and takes them off. What is
/// left has plain blanks only.
Cell without_blanks(const Cell& cell, Findings& findings);

/// Puts the values of a row below the headings; reports a row that has more or fewer. `cells` and
/// `headings` are trimmed.
void add_row(List& list, Span span, const std::vector<std::string>& headings,
             const std::vector<Cell>& cells, Findings& findings);

}  // namespace hcipol::importer
