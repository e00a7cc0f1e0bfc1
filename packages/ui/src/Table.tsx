// biome-ignore-all lint/a11y/noRedundantRoles: a table that is laid out as cards loses its roles in some browsers.
import { ArrowDown, ArrowUp, ChevronsUpDown } from "lucide-react";
import type { ReactNode } from "react";
import { SpokenOnly } from "./Layout";
import styles from "./Table.module.css";

export interface Column<Row> {
  /** Names the column; also what `sort` says when the column is `sortable`. */
  key: string;
  /** Empty above buttons that speak for themselves. */
  header: string;
  cell: (row: Row) => ReactNode;
  sortable?: boolean;
  align?: "start" | "end";
  /** Takes no more room than its content. */
  narrow?: boolean;
}

interface TableProps<Row> {
  /** What the table holds, for people who cannot see it. */
  caption: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string;
  /** `name` or, descending, `-name`. */
  sort?: string;
  onSort?: (sort: string) => void;
  /** The rows are being replaced. */
  stale?: boolean;
}

/** A table where there is room and a list of cards where there is not. The first column is the row's heading. */
export function Table<Row>({ caption, columns, rows, rowKey, sort = "", onSort, stale }: TableProps<Row>) {
  return (
    <div className={styles.frame}>
      <table role="table" className={styles.table} aria-busy={stale || undefined}>
        <caption>
          <SpokenOnly>{caption}</SpokenOnly>
        </caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(column => (
              <Header key={column.key} column={column} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map(row => (
            <tr key={rowKey(row)} role="row">
              {columns.map((column, index) => {
                const shared = {
                  "data-label": column.header,
                  "data-align": column.align,
                  "data-narrow": column.narrow || undefined,
                  children: column.cell(row),
                };
                return index === 0 ? (
                  <th key={column.key} role="rowheader" scope="row" {...shared} />
                ) : (
                  <td key={column.key} role="cell" {...shared} />
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface HeaderProps<Row> {
  column: Column<Row>;
  sort: string;
  onSort?: ((sort: string) => void) | undefined;
}

function Header<Row>({ column, sort, onSort }: HeaderProps<Row>) {
  const shared = { role: "columnheader", scope: "col", "data-align": column.align };
  if (!column.header) return <td role="cell" />;
  if (!column.sortable || !onSort) return <th {...shared}>{column.header}</th>;
  const ascending = sort === column.key;
  const descending = sort === `-${column.key}`;
  const Icon = ascending ? ArrowUp : descending ? ArrowDown : ChevronsUpDown;
  const order = ascending ? "ascending" : descending ? "descending" : "none";
  return (
    <th {...shared} aria-sort={order}>
      <button
        type="button"
        className={styles.sort}
        onClick={() => onSort(ascending ? `-${column.key}` : column.key)}
      >
        {column.header}
        <Icon size={14} aria-hidden="true" />
      </button>
    </th>
  );
}
