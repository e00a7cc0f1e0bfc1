import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { contactLists } from "../contacts";
import { type Import, importQuery, isOver, laterOf } from "./imports";

/** `lost`: the browser has given up on the stream; asking now and then takes its place. */
export type Connection = "connecting" | "live" | "reconnecting" | "lost";

const ASK_EVERY = 3_000;

/** An import as it goes on: told by the server's events, which the browser resumes by itself when they break off. */
export function useImportProgress(id: string) {
  const client = useQueryClient();
  const [connection, setConnection] = useState<Connection>("connecting");
  const query = useQuery({
    ...importQuery(id),
    refetchInterval: ({ state }) => connection === "lost" && !(state.data && isOver(state.data)) && ASK_EVERY,
  });
  const isUnderWay = query.data !== undefined && !isOver(query.data);

  useEffect(() => {
    if (!isUnderWay) return;
    const source = new EventSource(`/api/contacts/imports/${id}/events`);
    const take = ({ data }: MessageEvent<string>) => {
      const incoming: Import = JSON.parse(data);
      client.setQueryData(importQuery(id).queryKey, known => laterOf(known, incoming));
      if (isOver(incoming)) void client.invalidateQueries({ queryKey: contactLists });
    };
    source.onopen = () => setConnection("live");
    source.onerror = () => setConnection(source.readyState === EventSource.CLOSED ? "lost" : "reconnecting");
    source.addEventListener("progress", take);
    source.addEventListener("done", take);
    // Also at the end, which the browser would take for an interruption.
    return () => source.close();
  }, [id, isUnderWay, client]);

  return { query, connection };
}
