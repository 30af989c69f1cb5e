// Lays rows out in aligned columns.
#ifndef LAPSE_CLI_TABLE_H_
#define LAPSE_CLI_TABLE_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace lapse::cli {

enum class Color { kNone, kRed, kGreen, kYellow, kDim, kBold };

// `text` in `color` by ANSI escapes; unchanged where `enabled` is false.
std::string Colored(absl::string_view text, Color color, bool enabled);

struct Cell {
  // Any bytes: control characters are made printable.
  std::string text;
  Color color = Color::kNone;
};

struct Column {
  std::string title;
  bool right_aligned = false;
  // May be cut down to kMinShrunkColumns where the terminal is too narrow; identifiers should not
  // be.
  bool may_shrink = false;
};

inline constexpr size_t kMinShrunkColumns = 12;

struct TableStyle {
  // Columns of the terminal; 0 for no limit. Where shrinking is not enough, lines are longer.
  size_t width = 0;
  bool color = false;
};

// Not thread-safe.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // `row` has one cell a column.
  void Add(std::vector<Cell> row);
  bool empty() const { return rows_.empty(); }

  // A line of titles and one a row, two spaces between columns, no spaces at the end of a line.
  std::string Render(const TableStyle& style) const;

 private:
  std::vector<size_t> Widths(size_t total) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// `NAME  value` lines for one resource; pairs with an empty value are left out.
std::string RenderFields(const std::vector<std::pair<std::string, Cell>>& fields,
                         const TableStyle& style);

}  // namespace lapse::cli

#endif  // LAPSE_CLI_TABLE_H_
