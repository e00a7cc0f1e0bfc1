import { api, Problem } from "@seamark/api-client";
import { useToast } from "@seamark/ui";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { type Contact, contactLists, contactQuery } from "./contacts";
import { texts } from "./texts";

/** Deletes at once and offers to undo: faster than asking, and kinder to those who did not read the question. */
export function useDeleteContact() {
  const client = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  const refresh = () => client.invalidateQueries({ queryKey: contactLists });

  const restore = useMutation({
    mutationFn: ({ id }: Contact) => api.POST("/api/contacts/{id}/restore", { params: { path: { id } } }),
    onSuccess: (_, { name }) => {
      toast({ message: texts.restored(name) });
      return refresh();
    },
    onError: error => {
      const message = error instanceof Problem && error.detail ? error.detail : texts.notRestored;
      toast({ message, tone: "danger" });
    },
  });

  return useMutation({
    mutationFn: ({ id }: Contact) => api.DELETE("/api/contacts/{id}", { params: { path: { id } } }),
    onSuccess: async (_, contact) => {
      toast({
        message: texts.deleted(contact.name),
        action: { label: texts.undo, onSelect: () => restore.mutate(contact) },
      });
      navigate("/contacts");
      await client.invalidateQueries({ ...contactQuery(contact.id), refetchType: "none" });
      await refresh();
    },
    onError: () => toast({ message: texts.notDeleted, tone: "danger" }),
  });
}
