import { api, body, Problem } from "@seamark/api-client";
import { ButtonLink, Card, useToast } from "@seamark/ui";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { ConflictDialog } from "./ConflictDialog";
import { ContactForm } from "./ContactForm";
import { type Contact, type ContactFields, contactLists, contactPath, contactQuery } from "./contacts";
import { texts } from "./texts";

interface Conflict {
  mine: ContactFields;
  theirs: Contact;
}

interface Change {
  fields: ContactFields;
  /** What the change is based on; the server refuses it when that is no longer current. */
  version: number;
}

export function EditContact({ contact }: { contact: Contact }) {
  const { id } = contact;
  // The version that this person is looking at, whatever a refetch in the background brings meanwhile.
  const [base] = useState(contact);
  const [conflict, setConflict] = useState<Conflict>();
  const navigate = useNavigate();
  const client = useQueryClient();
  const toast = useToast();

  const close = () => navigate(contactPath(id), { replace: true });
  const save = useMutation({
    mutationFn: ({ fields, version }: Change) =>
      body(api.PATCH("/api/contacts/{id}", { params: { path: { id } }, body: { ...fields, version } })),
    onSuccess: async saved => {
      client.setQueryData(contactQuery(id).queryKey, saved);
      toast({ message: texts.saved });
      close();
      await client.invalidateQueries({ queryKey: contactLists });
    },
    onError: async (error, { fields }) => {
      if (!isStale(error)) return;
      const theirs = await client.fetchQuery({ ...contactQuery(id), staleTime: 0 });
      setConflict({ mine: fields, theirs });
    },
  });

  return (
    <Card>
      <ContactForm
        contact={base}
        onSubmit={fields => save.mutate({ fields, version: base.version })}
        failure={isStale(save.error) ? null : save.error}
        busy={save.isPending}
        cancel={
          <ButtonLink to={contactPath(id)} replace>
            {texts.cancel}
          </ButtonLink>
        }
      />
      {conflict && (
        <ConflictDialog
          {...conflict}
          busy={save.isPending}
          onMine={() => save.mutate({ fields: conflict.mine, version: conflict.theirs.version })}
          onTheirs={close}
          onClose={() => setConflict(undefined)}
        />
      )}
    </Card>
  );
}

const isStale = (error: Error | null) => error instanceof Problem && error.code === "contacts.stale";
