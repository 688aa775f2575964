import { stripVTControlCharacters } from "node:util";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** A plain-text table with aligned columns; colours in cells do not disturb it. The last column is not padded. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map((column) => column.title), ...rows];
  const widths = columns.map((_column, at) => Math.max(...lines.map((cells) => widthOf(cells[at] ?? ""))));
  return lines
    .map((cells) =>
      columns
        .map((column, at) => padded(cells[at] ?? "", widths[at] ?? 0, column.align ?? "left"))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Columns of a terminal, near enough: code points without colour codes. */
const widthOf = (cell: string): number => [...stripVTControlCharacters(cell)].length;

const padded = (cell: string, width: number, align: "left" | "right"): string => {
  const space = " ".repeat(Math.max(0, width - widthOf(cell)));
  return align === "right" ? space + cell : cell + space;
};
