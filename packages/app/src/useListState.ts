import { useCallback } from "react";
import { useLocation, useNavigate, useSearchParams } from "react-router";

/** A list's search, order and page, kept in the address so that it can be linked to, reloaded and gone back to. */
export interface ListState {
  q: string;
  sort: string;
  cursor: string | undefined;
  setSearch: (q: string) => void;
  setSort: (sort: string) => void;
  toNext: (cursor: string) => void;
  /** Undefined on the first page, and for someone who came by a link to a later one. */
  toPrevious: (() => void) | undefined;
  /** Undefined where `toPrevious` leads back. */
  toFirst: (() => void) | undefined;
}

/** The pages gone through on the way here. A cursor only points ahead, so the way back is kept in the history's state. */
function trailOf(state: unknown): string[] {
  const trail = (state as { trail?: unknown } | null)?.trail;
  return Array.isArray(trail) ? trail.filter(item => typeof item === "string") : [];
}

export function useListState(defaultSort: string): ListState {
  const [params] = useSearchParams();
  const navigate = useNavigate();
  const location = useLocation();
  const q = params.get("q") ?? "";
  const sort = params.get("sort") ?? defaultSort;
  const cursor = params.get("cursor") ?? undefined;
  const trail = trailOf(location.state);

  const go = useCallback(
    (changes: Record<string, string | undefined>, options: { replace?: boolean; trail?: string[] } = {}) => {
      const next = new URLSearchParams(params);
      for (const [key, value] of Object.entries(changes)) {
        if (value) next.set(key, value);
        else next.delete(key);
      }
      navigate(
        { search: next.toString() },
        { replace: options.replace ?? false, state: { trail: options.trail ?? [] } },
      );
    },
    [params, navigate],
  );

  return {
    q,
    sort,
    cursor,
    // Replaces: a search typed letter by letter is one step back, not ten.
    setSearch: useCallback(text => go({ q: text, cursor: undefined }, { replace: true }), [go]),
    setSort: order => go({ sort: order === defaultSort ? undefined : order, cursor: undefined }),
    toNext: next => go({ cursor: next }, { trail: [...trail, cursor ?? ""] }),
    toPrevious:
      trail.length > 0 ? () => go({ cursor: trail.at(-1) }, { trail: trail.slice(0, -1) }) : undefined,
    toFirst: cursor && trail.length === 0 ? () => go({ cursor: undefined }) : undefined,
  };
}
