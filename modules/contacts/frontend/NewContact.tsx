import { api, body } from "@seamark/api-client";
import { Permitted } from "@seamark/app";
import { ButtonLink, Card, PageHeader, useToast } from "@seamark/ui";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { ContactForm } from "./ContactForm";
import { type ContactFields, contactPath } from "./contacts";
import { texts } from "./texts";

export default function NewContact() {
  const navigate = useNavigate();
  const client = useQueryClient();
  const toast = useToast();
  const create = useMutation({
    mutationFn: (fields: ContactFields) => body(api.POST("/api/contacts", { body: fields })),
    onSuccess: async contact => {
      toast({ message: texts.created(contact.name) });
      await client.invalidateQueries({ queryKey: ["contacts"] });
      navigate(contactPath(contact.id));
    },
  });

  return (
    <>
      <PageHeader title={texts.newContact} back={{ to: "/contacts", label: texts.contacts }} />
      <Permitted permission="contacts.write">
        <Card>
          <ContactForm
            onSubmit={create.mutate}
            failure={create.error}
            busy={create.isPending}
            cancel={<ButtonLink to="/contacts">{texts.cancel}</ButtonLink>}
          />
        </Card>
      </Permitted>
    </>
  );
}
