import { type Column, Pagination, Skeleton, Table } from "@seamark/ui";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Loaded } from "./Loaded";
import type { ListState } from "./useListState";

interface ListTableProps<Row> {
  /** What the list holds, for people who cannot see it. */
  caption: string;
  list: ListState;
  query: UseQueryResult<{ items: Row[]; next_cursor?: string | null }>;
  columns: Column<Row>[];
  /** What stands where there is no row. */
  empty: ReactNode;
  /** About how many rows there will be. */
  lines?: number;
}

/** A list of the API, page by page: its rows or why there are none, sorting by column heads, and the way on and back. */
export function ListTable<Row extends { id: string }>({
  caption,
  list,
  query,
  columns,
  empty,
  lines = 8,
}: ListTableProps<Row>) {
  return (
    <Loaded query={query} skeleton={<Skeleton lines={lines} tall />}>
      {({ items, next_cursor }) =>
        items.length === 0 ? (
          empty
        ) : (
          <>
            <Table
              caption={caption}
              columns={columns}
              rows={items}
              rowKey={row => row.id}
              sort={list.sort}
              onSort={list.setSort}
              stale={query.isPlaceholderData}
            />
            <Pagination
              onNext={next_cursor ? () => list.toNext(next_cursor) : undefined}
              onPrevious={list.toPrevious}
              onFirst={list.toFirst}
            />
          </>
        )
      }
    </Loaded>
  );
}
