import { Loaded, useCan } from "@seamark/app";
import { Button, ButtonLink, Card, PageHeader, Skeleton } from "@seamark/ui";
import { useQuery } from "@tanstack/react-query";
import { Pencil, Trash2 } from "lucide-react";
import { useParams, useSearchParams } from "react-router";
import { ContactDetails } from "./ContactDetails";
import { contactPath, contactQuery } from "./contacts";
import { EditContact } from "./EditContact";
import { texts } from "./texts";
import { useDeleteContact } from "./useDeleteContact";

export default function ContactPage() {
  const { id = "" } = useParams();
  const [params] = useSearchParams();
  const contact = useQuery(contactQuery(id));
  const remove = useDeleteContact();
  const canWrite = useCan("contacts.write");
  const isEditing = canWrite && params.has("edit");
  const { data } = contact;

  return (
    <>
      <PageHeader
        title={data?.name ?? texts.contact}
        back={{ to: "/contacts", label: texts.contacts }}
        actions={
          data &&
          canWrite &&
          !isEditing && (
            <>
              <Button icon={Trash2} busy={remove.isPending} onClick={() => remove.mutate(data)}>
                {texts.delete}
              </Button>
              <ButtonLink to={`${contactPath(id)}?edit`} look="primary" icon={Pencil}>
                {texts.edit}
              </ButtonLink>
            </>
          )
        }
      />
      <Loaded
        query={contact}
        skeleton={
          <Card>
            <Skeleton lines={5} />
          </Card>
        }
      >
        {loaded => (isEditing ? <EditContact contact={loaded} /> : <ContactDetails contact={loaded} />)}
      </Loaded>
    </>
  );
}
