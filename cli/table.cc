#include "cli/table.h"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/human.h"

namespace lapse::cli {
namespace {

constexpr size_t kGap = 2;

absl::string_view EscapeOf(Color color) {
  switch (color) {
    case Color::kNone:
      return "";
    case Color::kRed:
      return "\x1b[31m";
    case Color::kGreen:
      return "\x1b[32m";
    case Color::kYellow:
      return "\x1b[33m";
    case Color::kDim:
      return "\x1b[2m";
    case Color::kBold:
      return "\x1b[1m";
  }
  return "";
}

std::string RenderCell(const Cell& cell, const Column& column, size_t width, bool color) {
  const std::string text = Truncated(cell.text, width);
  const std::string padding(width - DisplayWidth(text), ' ');
  const std::string shown = Colored(text, cell.color, color);
  return column.right_aligned ? padding + shown : shown + padding;
}

std::string RenderRow(const std::vector<Cell>& row, const std::vector<Column>& columns,
                      const std::vector<size_t>& widths, bool color) {
  std::string line;
  for (size_t i = 0; i < row.size(); ++i) {
    if (i > 0) line.append(kGap, ' ');
    absl::StrAppend(&line, RenderCell(row[i], columns[i], widths[i], color));
  }
  absl::StripTrailingAsciiWhitespace(&line);
  return line + "\n";
}

}  // namespace

std::string Colored(absl::string_view text, Color color, bool enabled) {
  if (!enabled || color == Color::kNone || text.empty()) return std::string(text);
  return absl::StrCat(EscapeOf(color), text, "\x1b[0m");
}

void Table::Add(std::vector<Cell> row) {
  assert(row.size() == columns_.size());
  for (Cell& cell : row) cell.text = Printable(cell.text);
  rows_.push_back(std::move(row));
}

std::vector<size_t> Table::Widths(size_t total) const {
  std::vector<size_t> widths;
  for (const Column& column : columns_) widths.push_back(DisplayWidth(column.title));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i].text));
    }
  }
  if (total == 0 || columns_.empty()) return widths;
  size_t used = std::accumulate(widths.begin(), widths.end(), kGap * (columns_.size() - 1));
  // The widest column gives way first.
  while (used > total) {
    size_t widest = columns_.size();
    for (size_t i = 0; i < columns_.size(); ++i) {
      const size_t least = std::max(kMinShrunkColumns, DisplayWidth(columns_[i].title));
      if (!columns_[i].may_shrink || widths[i] <= least) continue;
      if (widest == columns_.size() || widths[i] > widths[widest]) widest = i;
    }
    if (widest == columns_.size()) break;
    --widths[widest];
    --used;
  }
  return widths;
}

std::string Table::Render(const TableStyle& style) const {
  const std::vector<size_t> widths = Widths(style.width);
  std::vector<Cell> titles;
  for (const Column& column : columns_) titles.push_back({column.title, Color::kBold});
  std::string text = RenderRow(titles, columns_, widths, style.color);
  for (const auto& row : rows_) text += RenderRow(row, columns_, widths, style.color);
  return text;
}

std::string RenderFields(const std::vector<std::pair<std::string, Cell>>& fields,
                         const TableStyle& style) {
  size_t width = 0;
  for (const auto& [name, cell] : fields) {
    if (!cell.text.empty()) width = std::max(width, DisplayWidth(name));
  }
  std::string text;
  for (const auto& [name, cell] : fields) {
    if (cell.text.empty()) continue;
    absl::StrAppend(&text, Colored(name, Color::kBold, style.color),
                    std::string(width - DisplayWidth(name) + kGap, ' '),
                    Colored(Printable(cell.text), cell.color, style.color), "\n");
  }
  return text;
}

}  // namespace lapse::cli
