import { type Answer, api, body } from "@seamark/api-client";
import type { ListState } from "@seamark/app";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";

export type Contact = Answer<"/api/contacts/{id}">;
/** What a person writes of a contact. */
export type ContactFields = Pick<Contact, "name" | "email" | "phone" | "organisation" | "notes" | "tags">;

/** All that is cached of this module's lists, so that one call makes them fresh. */
export const contactLists = ["contacts", "list"];
export const DEFAULT_SORT = "name";

export const contactsQuery = ({ q, sort, cursor }: Pick<ListState, "q" | "sort" | "cursor">, limit = 25) =>
  queryOptions({
    queryKey: [...contactLists, { q, sort, cursor, limit }],
    queryFn: ({ signal }) =>
      body(api.GET("/api/contacts", { params: { query: { q, sort, cursor, limit } }, signal })),
    placeholderData: keepPreviousData,
  });

export const contactQuery = (id: string) =>
  queryOptions({
    queryKey: ["contacts", "one", id],
    queryFn: ({ signal }) => body(api.GET("/api/contacts/{id}", { params: { path: { id } }, signal })),
  });

export const organisationsQuery = (q: string) =>
  queryOptions({
    queryKey: ["contacts", "organisations", q],
    queryFn: ({ signal }) =>
      body(api.GET("/api/contacts/organisations", { params: { query: { q, limit: 20 } }, signal })),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });

export const tagsQuery = queryOptions({
  queryKey: ["contacts", "tags"],
  queryFn: ({ signal }) => body(api.GET("/api/contacts/tags", { signal })),
  staleTime: 60_000,
});

export const contactPath = (id: string) => `/contacts/${id}`;
